#include "runner/servers.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/failure.hpp"

namespace {

using clients::McpServer;
using testing::HasSubstr;

std::vector<McpServer> read(const std::string& text, const std::string& auth_url = "",
                            std::map<std::string, std::string> variables = {}) {
    return runner::read_servers(text, auth_url, [variables](const std::string& name) {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    });
}

std::string complaint(const std::string& text, const std::string& auth_url = "",
                      std::map<std::string, std::string> variables = {}) {
    try {
        read(text, auth_url, std::move(variables));
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "no failure";
}

TEST(Servers, NothingMeansTheHostedWorkspaceAndOneUrlTheProduct) {
    const auto hosted = read("");
    ASSERT_EQ(hosted.size(), 1U);
    EXPECT_EQ(hosted[0].url, "");
    EXPECT_EQ(hosted[0].bearer, McpServer::Bearer::login);
    const auto one = read("http://127.0.0.1:3069/mcp");
    EXPECT_EQ(one[0].url, "http://127.0.0.1:3069/mcp");
    EXPECT_EQ(one[0].bearer, McpServer::Bearer::login);
    EXPECT_TRUE(runner::login_urls(hosted).empty());
    EXPECT_EQ(runner::login_urls(one), std::vector<std::string>{"http://127.0.0.1:3069/mcp"});
}

TEST(Servers, TheLoginGoesToNoForeignAddressUnasked) {
    for (const char* home :
         {"http://localhost:1/mcp", "http://[::1]:1/mcp", "http://mana-mcp:3069/mcp",
          "https://auth.mana.how/mcp", "https://mcp.auth.mana.how/mcp"}) {
        EXPECT_EQ(read(home, "https://auth.mana.how")[0].bearer, McpServer::Bearer::login) << home;
    }
    for (const char* foreign :
         {"https://mcp.example.com/mcp", "https://mana.how/mcp", "https://evilauth.mana.how/mcp",
          "https://auth.mana.how.evil.com/mcp"}) {
        EXPECT_THAT(complaint(foreign, "https://auth.mana.how"), HasSubstr("\"bearer\":\"login\""))
            << foreign;
        EXPECT_THAT(complaint(foreign), HasSubstr("MANA_MCP_URL")) << foreign;
    }
}

TEST(Servers, AListNamesEachServerWithItsBearerAndHeaders) {
    const auto servers = read(R"({"mcpServers":{
        "mana":{"hosted":true},
        "own":{"url":"https://own.example/mcp/","bearer":"login","era":"sessions"},
        "github":{"type":"http","url":"https://api.example/mcp","bearer":"${TOKEN}",
                  "headers":{"X-Readonly":"true","X-Team":"team-${TEAM}!"},"era":"stateless",
                  "tools":["*_issue","list_repos"]},
        "open":{"url":"http://open.example"}}})",
                              "", {{"TOKEN", "secret-1\n"}, {"TEAM", "a"}});
    ASSERT_EQ(servers.size(), 4U);
    EXPECT_EQ(servers[0].alias, "mana");
    EXPECT_EQ(servers[0].url, "");
    EXPECT_EQ(servers[0].bearer, McpServer::Bearer::login);
    EXPECT_EQ(servers[1].url, "https://own.example/mcp/") << "another address without the slash";
    EXPECT_EQ(servers[1].bearer, McpServer::Bearer::login);
    EXPECT_EQ(servers[1].era, clients::McpEra::sessions);
    EXPECT_EQ(servers[2].bearer, McpServer::Bearer::fixed);
    EXPECT_EQ(servers[2].token.reveal(), "secret-1");
    EXPECT_EQ(servers[2].headers,
              (base::HttpHeaders{{"X-Readonly", "true"}, {"X-Team", "team-a!"}}));
    EXPECT_EQ(servers[2].era, clients::McpEra::stateless);
    EXPECT_EQ(servers[2].tools, (std::vector<std::string>{"*_issue", "list_repos"}));
    EXPECT_TRUE(servers[3].tools.empty()) << "all are wanted";
    EXPECT_EQ(servers[3].bearer, McpServer::Bearer::none) << "nobody gets a token by default";
    EXPECT_EQ(servers[3].era, clients::McpEra::automatic);
}

TEST(Servers, AListAndATokenMayStandInFiles) {
    const auto folder =
        std::filesystem::temp_directory_path() / ("servers-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "token") << "from-a-file\n";
    std::ofstream(folder / "list.json")
        << R"({"mcpServers":{"a":{"url":"http://a.example","bearer":"file:)" +
               (folder / "token").string() + R"("}}})";

    EXPECT_EQ(read((folder / "list.json").string())[0].token.reveal(), "from-a-file");

    std::filesystem::remove_all(folder);
    EXPECT_THAT(complaint((folder / "list.json").string()), HasSubstr("cannot read"));
}

TEST(Servers, AWrongListSaysWhereAndWhatWouldBeValid) {
    const auto one = [](const std::string& inner) {
        return complaint("{\"mcpServers\":{\"a\":" + inner + "}}");
    };
    EXPECT_THAT(complaint("{"), HasSubstr("MANA_MCP_URL"));
    EXPECT_THAT(complaint("{}"), HasSubstr("mcpServers"));
    EXPECT_THAT(complaint(R"({"mcpServers":{}})"), HasSubstr("1 to 32"));
    EXPECT_THAT(complaint(R"({"mcpServers":{"a b":{"url":"http://a.example"}}})"),
                HasSubstr("name"));
    EXPECT_THAT(one("{}"), HasSubstr("either \"url\" or \"hosted\""));
    EXPECT_THAT(one(R"({"url":"ftp://x"})"), HasSubstr("mcpServers.a.url"));
    EXPECT_THAT(one(R"({"url":"http://a.example","bearer":"${NOT_SET}"})"), HasSubstr("NOT_SET"));
    EXPECT_THAT(one(R"({"url":"http://a.example","headers":{"Authorization":"x"}})"),
                HasSubstr("Authorization"));
    EXPECT_THAT(one(R"({"url":"http://a.example","headers":{"Mcp-Session-Id":"x"}})"),
                HasSubstr("Mcp-Session-Id"));
    EXPECT_THAT(one(R"({"url":"http://a.example","headers":{"X":"a\nb"}})"), HasSubstr("one line"));
    EXPECT_THAT(one(R"({"url":"http://a.example","era":"old"})"), HasSubstr("auto"));
    for (const char* tools : {"[]", "[1]", "[\"\"]", "\"x\""}) {
        EXPECT_THAT(one(std::string(R"({"url":"http://a.example","tools":)") + tools + "}"),
                    HasSubstr("mcpServers.a.tools"));
    }
    EXPECT_THAT(one(R"({"url":"http://a.example","command":"npx"})"), HasSubstr("command"));
    EXPECT_THAT(one(R"({"hosted":true,"bearer":"none"})"), HasSubstr("ours"));
    EXPECT_THAT(complaint(R"({"mcpServers":{"a":{"hosted":true},"b":{"hosted":true}}})"),
                HasSubstr("only one"));
}

TEST(Servers, ATokenThatStandsInTheListIsRefusedAndNotRepeated) {
    const std::string said =
        complaint(R"({"mcpServers":{"a":{"url":"http://a.example","bearer":"ghp_topsecret"}}})");
    EXPECT_THAT(said, HasSubstr("${VARIABLE}"));
    EXPECT_THAT(said, testing::Not(HasSubstr("topsecret")));
}

}  // namespace
