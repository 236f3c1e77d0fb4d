// Capped hosts, idle connections and bodies in pieces.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/group.hpp"
#include "base/http_turns.hpp"
#include "tests/support/http_world.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using http_detail::Turn;
using http_detail::Turns;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::answer_everything;
using tests::http_complaint;
using tests::HttpTest;
using tests::open_stream;
using tests::RawConnection;
using tests::RawServer;

Task<void> pool_send(Http& http, HttpRequest request, int& answers) {
    const HttpResponse response = co_await http.send(std::move(request));
    if (response.status == 200) ++answers;
}

HttpOptions pool_options(const RawServer& server, int connections_max) {
    HttpOptions options;
    options.connections_max[origin_of(server.url())] = connections_max;
    return options;
}

TEST_F(HttpTest, a_capped_host_sees_no_more_connections_than_its_cap) {
    RawServer server(answer_everything);
    RawServer other(answer_everything);
    Http http(loop_, pool_options(server, 3));
    int answers = 0;
    Group group(loop_);
    for (int i = 0; i < 100; ++i) {
        group.add(pool_send(http, {.url = server.url()}, answers));
        group.add(pool_send(http, {.url = other.url()}, answers));
    }
    EXPECT_TRUE(loop_.run(loop_.within(30s, group.all())).value_or(false));
    EXPECT_EQ(answers, 200);
    EXPECT_LE(server.connections(), 3);
    EXPECT_GT(other.connections(), 3);
}

TEST_F(HttpTest, whoever_waits_too_long_for_a_turn_was_not_sent) {
    std::atomic<bool> goes_on{false};
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        connection.write(tests::stream_head);
        connection.await(goes_on);
    });
    Http http(loop_, pool_options(server, 1));
    {
        const auto holder = run(open_stream(http, server.url()));
        HttpRequest request{.method = "POST", .url = server.url(), .body = "x"};
        request.header_limit = 100ms;
        const std::string complaint = http_complaint([&] { run(http.send(std::move(request))); });
        EXPECT_THAT(complaint, testing::StartsWith("not_sent: "));
        EXPECT_THAT(complaint, HasSubstr("all connections to it are taken"));
    }
    goes_on = true;
    RawServer quick(answer_everything);
    EXPECT_EQ(run(http.send({.url = quick.url()})).status, 200);
}

TEST_F(HttpTest, a_stream_that_is_dropped_gives_its_turn_back) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.write(tests::stream_head);
        connection.await_close();
    });
    Http http(loop_, pool_options(server, 1));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(open_stream(http, server.url()))->status(), 200);
    EXPECT_EQ(http.active(), 0u);
}

Task<void> pool_take(Turns& turns, Steady limit, std::vector<std::string>& notes, std::string name,
                     std::vector<Turn>& held) {
    Turn turn = co_await turns.take(limit);
    notes.push_back(name + (turn.is_held() ? "" : " too late"));
    if (turn.is_held()) held.push_back(std::move(turn));
}

TEST_F(HttpTest, turns_are_given_in_the_order_of_asking) {
    Turns turns(loop_, 1);
    std::vector<std::string> notes;
    std::vector<Turn> held;
    const Steady far = loop_.now() + 1h;
    {
        Group group(loop_);
        group.add(pool_take(turns, far, notes, "first", held));
        group.add(pool_take(turns, far, notes, "second", held));
        auto dropped = std::make_unique<Group>(loop_);
        dropped->add(pool_take(turns, far, notes, "dropped", held));
        group.add(pool_take(turns, loop_.now() + 1ms, notes, "third", held));
        group.add(pool_take(turns, far, notes, "fourth", held));
        dropped.reset();
        EXPECT_EQ(turns.waiting(), 3u);
        loop_.run(loop_.within(20ms, group.all()));
        EXPECT_THAT(notes, ElementsAre("first", "third too late"));
        held.erase(held.begin());
        loop_.run(loop_.within(20ms, group.all()));
        held.erase(held.begin());
        EXPECT_TRUE(loop_.run(loop_.within(30s, group.all())).value_or(false));
    }
    EXPECT_THAT(notes, ElementsAre("first", "third too late", "second", "fourth"));
    held.clear();
    EXPECT_EQ(turns.waiting(), 0u);
}

TEST_F(HttpTest, a_turn_that_was_handed_to_a_dropped_task_goes_to_the_next) {
    Turns turns(loop_, 1);
    std::vector<std::string> notes;
    std::vector<Turn> held;
    const Steady far = loop_.now() + 1h;
    Group group(loop_);
    group.add(pool_take(turns, far, notes, "first", held));
    auto dropped = std::make_unique<Group>(loop_);
    dropped->add(pool_take(turns, far, notes, "dropped", held));
    group.add(pool_take(turns, far, notes, "next", held));
    held.clear();  // Handed to the one that is dropped before it runs.
    dropped.reset();
    EXPECT_TRUE(loop_.run(loop_.within(30s, group.all())).value_or(false));
    EXPECT_THAT(notes, ElementsAre("first", "next"));
    held.clear();
}

TEST_F(HttpTest, idle_connections_are_closed_after_a_time) {
    std::atomic<int> closed{0};
    RawServer server([&](RawConnection& connection) {
        answer_everything(connection);
        ++closed;
    });
    for (const bool capped : {false, true}) {
        HttpOptions options = capped ? pool_options(server, 4) : HttpOptions{};
        options.idle_connection_limit = 1s;
        Http http(loop_, options);
        const int before = closed;
        run(http.send({.url = server.url()}));
        const auto gone = [](Loop& loop, std::atomic<int>& count, int old) -> Task<void> {
            while (count == old) co_await loop.sleep(5ms);
        };
        EXPECT_TRUE(loop_.run(loop_.within(30s, gone(loop_, closed, before))).value_or(false));
        EXPECT_EQ(run(http.send({.url = server.url()})).status, 200);  // Over a new one.
    }
}

// Below 64 KiB they are put together first.
TEST_F(HttpTest, a_body_in_pieces_arrives_as_one) {
    RawServer server(answer_everything);
    const auto piece = [](std::size_t bytes, char c) {
        return std::make_shared<const std::string>(bytes, c);
    };
    for (const std::size_t bytes : {2U, 65'532U, 65'533U, 270'000U}) {
        const HttpBody body(
            {piece(3, 'a'), piece(0, '-'), piece(bytes - 1, 'b'), piece(1, 'c'), piece(1, 'd')});
        EXPECT_EQ(body.size(), bytes + 4);
        for (const char* method : {"POST", "PUT"}) {
            const HttpResponse response =
                run(http_.send({.method = method, .url = server.url(), .body = body}));
            EXPECT_THAT(response.body, testing::StartsWith(std::string(method) + " / "));
            EXPECT_THAT(response.body, HasSubstr(fmt::format("Content-Length: {}\r\n", bytes + 4)));
            EXPECT_TRUE(response.body.ends_with("\r\n\r\n" + body.text()));
        }
    }
    EXPECT_EQ(server.connections(), 1);
}

Task<void> pool_await_owner(Loop& loop, std::shared_ptr<const std::string>& piece) {
    while (piece.use_count() > 1) co_await loop.sleep(1ms);
}

TEST_F(HttpTest, a_body_is_let_go_once_it_is_sent) {
    for (const std::size_t pieces : {1U, 2U}) {
        std::atomic<bool> goes_on{false};
        RawServer server([&](RawConnection& connection) {
            const std::string request = connection.read_request();
            connection.await(goes_on);  // The answer is thought about.
            connection.answer(request.substr(request.size() - 3));
        });
        auto piece = std::make_shared<const std::string>(100'000, 'x');
        HttpRequest request{.method = "POST", .url = server.url()};
        request.body = HttpBody(std::vector<HttpBody::Piece>(pieces, piece));
        int answers = 0;
        Group group(loop_);
        group.add(pool_send(http_, std::move(request), answers));
        EXPECT_TRUE(loop_.run(loop_.within(30s, pool_await_owner(loop_, piece))).value_or(false));
        EXPECT_EQ(answers, 0);
        goes_on = true;
        EXPECT_TRUE(loop_.run(loop_.within(30s, group.all())).value_or(false));
        EXPECT_EQ(answers, 1);
    }
}

TEST_F(HttpTest, a_body_in_pieces_is_not_sent_twice) {
    for (const std::size_t bytes : {5'000U, 50'000U}) {
        // The connection dies under the second request, before an answer: it may have been acted
        // on.
        std::atomic<int> requests{0};
        RawServer server([&](RawConnection& connection) {
            for (std::string request; !(request = connection.read_request()).empty();) {
                if (++requests == 2) return connection.close();
                connection.answer(request);
            }
        });
        const auto piece = std::make_shared<const std::string>(bytes, 'x');
        const HttpBody body({piece, piece});
        run(http_.send({.method = "POST", .url = server.url(), .body = body}));
        EXPECT_THAT(http_complaint([&] {
                        run(http_.send({.method = "POST", .url = server.url(), .body = body}));
                    }),
                    testing::StartsWith("outcome_unknown: "));
        EXPECT_EQ(requests, 2);
    }
}

}  // namespace
}  // namespace base
