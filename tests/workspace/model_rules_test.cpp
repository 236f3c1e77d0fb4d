// Every tool of the workspace as the model is told of it: adapted by our client, judged by the
// simulator's rules of the model's API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "clients/mcp_message.hpp"
#include "clients/tool_map.hpp"
#include "sim/check.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"

namespace {

using base::Json;
using testing::HasSubstr;
using testing::IsEmpty;

std::string model_verdict(const Json& tools) {
    Json body = {{"model", "claude-sonnet-5-5"},
                 {"max_tokens", 1'000},
                 {"messages", {{{"role", "user"}, {"content", "Guten Morgen."}}}},
                 {"tools", tools}};
    try {
        sim::check_request(body, {});
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "accepted";
}

TEST(ModelRules, AreKeptByEveryTool) {
    workspace::Registry registry;
    workspace::add_all(registry);
    const clients::ToolPage page = clients::read_tool_page({{"tools", registry.listing()}});

    const clients::ToolMap map(page.tools, "mana");

    EXPECT_THAT(page.left_out, IsEmpty());
    EXPECT_THAT(map.left_out(), IsEmpty());
    ASSERT_EQ(map.entries().size(), registry.tools().size());
    const Json tools = Json::parse(map.tools_json());
    EXPECT_EQ(model_verdict(tools), "accepted");
    for (const Json& tool : tools) {
        EXPECT_EQ(model_verdict(Json::array({tool})), "accepted") << tool["name"];
    }
    for (const clients::ToolMap::Entry& entry : map.entries()) {
        EXPECT_EQ(entry.schema, *registry.find(entry.tool.name)->input)
            << entry.tool.name << ": nothing had to be adapted";
    }
    Json spoilt = tools;
    spoilt[3]["input_schema"]["properties"]["id"]["type"] = "text";
    EXPECT_THAT(model_verdict(spoilt), HasSubstr("tools.3.")) << "the rules can refuse";
}

}  // namespace
