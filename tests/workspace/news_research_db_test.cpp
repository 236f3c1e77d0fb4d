// What news research promises: feeds over real HTTP, searched over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using std::chrono_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::Client;
using tests::Json;
using tests::pick;
using tests::World;

// Somebody's web server.
struct NewsServer {
    NewsServer() : server({.name = "news", .threads_max = 8}) {
        const auto route = [this](const char* path, auto answer) {
            server.route("GET", path, [this, answer](const base::ServerRequest&) {
                ++asked;
                return answer();
            });
        };
        route("/rss", [this] {
            return feed(
                "<rss><channel><title>Morgenpost</title>"
                "<item><title>Ärger um Windräder</title><link>https://a.org/1</link>"
                "<description>Im Norden</description>"
                "<pubDate>Thu, 19 Nov 2026 10:00:00 GMT</pubDate></item>"
                "<item><title>Wetter</title><link>https://a.org/2</link>"
                "<description>Wind aus Norden</description>"
                "<pubDate>Fri, 20 Nov 2026 08:00:00 GMT</pubDate></item>"
                "</channel></rss>");
        });
        route("/moved", [] { return moved("/rss"); });
        route("/loop", [] { return moved("/loop"); });
        route("/file", [] { return moved("file:///etc/passwd"); });
        route("/html", [this] { return feed("<html><body>no</body></html>"); });
        route("/large", [this] { return feed(std::string(3'000'000, ' ')); });
        route("/gone", [] { return base::ServerResponse::json({{"no", 1}}, 404); });
        server.start();
    }

    base::ServerResponse feed(const std::string& text) const {
        base::ServerResponse response;
        response.body = down ? "" : text;
        response.status = down ? 503 : 200;
        response.content_type = "application/xml";
        return response;
    }
    static base::ServerResponse moved(const std::string& to) {
        base::ServerResponse response;
        response.status = 302;
        response.headers = {{"Location", to}};
        return response;
    }

    std::atomic<int> asked = 0;
    std::atomic<bool> down = false;
    base::Server server;
};

workspace::Options news_options(const NewsServer& news, const std::vector<std::string>& paths,
                                bool public_only = false) {
    workspace::Options options = tests::open_options();
    options.feeds.urls.clear();
    for (const std::string& path : paths) options.feeds.urls.push_back(news.server.url() + path);
    options.feeds.public_only = public_only;
    return options;
}

TEST(NewsResearch, FindsEntriesByTheirWordsBestFirst) {
    NewsServer news;
    World world(news_options(news, {"/rss"}));
    Client anna(world, "anna", "home");
    const auto found = [&](const Json& arguments) {
        return pick(anna.call("newsResearch.search", arguments)["results"], "title");
    };

    EXPECT_THAT(found({{"query", "wind"}}), ElementsAre("Ärger um Windräder", "Wetter"))
        << "a word in the title counts more than the newest";
    EXPECT_THAT(found({{"query", "ÄRGER norden"}}), ElementsAre("Ärger um Windräder"));
    EXPECT_THAT(found({{"query", "schnee"}}), IsEmpty());
    EXPECT_THAT(found(Json::object()), ElementsAre("Wetter", "Ärger um Windräder"));
    EXPECT_THAT(found({{"from", "2026-11-20"}}), ElementsAre("Wetter"));
    const Json answer = anna.call("newsResearch.search", {{"limit", 1}});
    EXPECT_EQ(answer["results"].size(), 1u);
    EXPECT_EQ(answer["found"], 2);
    EXPECT_EQ(answer["results"][0]["source"], "Morgenpost");
    EXPECT_EQ(news.asked, 1) << "kept for some minutes";
    world.clock.advance(601s);
    found(Json::object());
    EXPECT_EQ(news.asked, 2);
    news.down = true;
    world.clock.advance(601s);
    const Json stale = anna.call("newsResearch.search");
    EXPECT_EQ(stale["found"], 2) << "what was read before is better than nothing";
    EXPECT_THAT(stale["problems"][0].get<std::string>(), HasSubstr("answered 503"));
}

TEST(NewsResearch, SaysWhichFeedsHaveWhichTrouble) {
    NewsServer news;
    World world(news_options(news, {"/moved", "/loop", "/file", "/html", "/large", "/gone"}));
    Client anna(world, "anna", "home");

    const Json feeds = anna.call("newsResearch.listFeeds")["feeds"];

    ASSERT_EQ(feeds.size(), 6u);
    EXPECT_EQ(feeds[0]["problem"], nullptr) << "redirects are followed";
    EXPECT_EQ(feeds[0]["entries"], 2);
    EXPECT_THAT(feeds[1]["problem"].get<std::string>(), HasSubstr("too often"));
    EXPECT_THAT(feeds[2]["problem"].get<std::string>(), HasSubstr("cannot be followed"));
    EXPECT_THAT(feeds[3]["problem"].get<std::string>(), HasSubstr("no RSS or Atom"));
    EXPECT_THAT(feeds[4]["problem"].get<std::string>(), HasSubstr("larger than"));
    EXPECT_THAT(feeds[5]["problem"].get<std::string>(), HasSubstr("answered 404"));
}

TEST(NewsResearch, ReachesNoPrivateAddressWhateverItsName) {
    NewsServer news;
    workspace::Options options = news_options(news, {"/rss"}, true);
    const std::string port = std::to_string(news.server.port());
    for (const char* host : {"localhost", "[::1]", "127.1", "0.0.0.0", "2130706433"}) {
        options.feeds.urls.push_back("http://" + std::string(host) + ":" + port + "/rss");
    }
    World world(options);
    Client anna(world, "anna", "home");

    const Json feeds = anna.call("newsResearch.listFeeds")["feeds"];

    ASSERT_EQ(feeds.size(), 6u);
    for (const Json& feed : feeds) EXPECT_NE(feed["problem"], nullptr) << feed.dump();
    EXPECT_THAT(feeds[1]["problem"].get<std::string>(), HasSubstr("public Internet"))
        << "a name that resolves to this machine";
    EXPECT_EQ(news.asked, 0);
}

// A persona is not sent where every tool can only say no.
TEST(NewsResearch, IsNotOfferedWithoutFeeds) {
    workspace::Options options = tests::open_options();
    options.feeds.urls.clear();
    World world(options);
    Client anna(world, "anna", "home");

    const Json greeting = anna.open()["result"];
    const std::string listing = anna.request("tools/list").dump();
    const Json called = anna.request("tools/call", {{"name", "newsResearch.search"}});

    EXPECT_THAT(greeting["instructions"].get<std::string>(), Not(HasSubstr("News")));
    EXPECT_THAT(listing, Not(HasSubstr("newsResearch")));
    EXPECT_EQ(called["error"]["message"], "Unknown tool: newsResearch.search");
}

// A slow call's stream, taken up again after its connection was lost.
TEST(NewsResearch, IsAnsweredAgainToWhoComesBack) {
    NewsServer news;
    World world(news_options(news, {"/rss"}));
    Client anna(world, "anna", "home"), ben(world, "ben", "nest");
    anna.open();
    ben.open();
    const Json call = {{"jsonrpc", "2.0"},
                       {"id", 9},
                       {"method", "tools/call"},
                       {"params", {{"name", "newsResearch.search"}}}};
    const base::HttpResponse first = anna.send(call);
    EXPECT_THAT(first.body, testing::StartsWith("id: "));
    const std::string id = first.body.substr(4, first.body.find('\n') - 4);
    const auto again = [&](const Client& client, const std::string& last) {
        base::HttpHeaders headers = client.headers();
        headers.emplace_back("Last-Event-ID", last);
        return client.send("", headers, "GET");
    };

    const base::HttpResponse second = again(anna, id);

    EXPECT_EQ(second.status, 200);
    EXPECT_EQ(second.header("content-type"), "text/event-stream");
    EXPECT_EQ(Client::answer_of(second), Client::answer_of(first));
    EXPECT_EQ(again(ben, id).status, 400) << "another's session";
    EXPECT_EQ(again(anna, "x-0").status, 400);
    EXPECT_EQ(anna.send("", anna.headers(), "GET").status, 405) << "there is no other stream";
    Client older(world, "anna", "home");
    older.open("2025-06-18");
    EXPECT_THAT(older.send(call).body, testing::StartsWith("data: "));
}

}  // namespace
