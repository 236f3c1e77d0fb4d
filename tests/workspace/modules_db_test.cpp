// What every module promises, over the wire.
#include "workspace/modules.hpp"

#include <gmock/gmock.h>

#include "tests/workspace/world.hpp"

namespace {

using testing::IsEmpty;
using tests::Client;
using tests::Json;
using tests::World;

// mcp-tools 8, rows 1 and 17: every answer is structured as its schema says, as text alike.
TEST(Modules, AnswerAsTheirOutputSchemasSay) {
    World world;
    Client anna(world, "anna", "home");
    anna.open();
    std::map<std::string, Json> outputs;
    const Json listing = anna.request("tools/list");
    for (const Json& tool : listing["result"]["tools"]) {
        outputs[tool["name"].get<std::string>()] = tool["outputSchema"];
    }
    const std::vector<std::pair<std::string, Json>> calls = {
        {"todo.create", {{"title", "t"}}},
        {"todo.list", Json::object()},
        {"calendar.create", {{"title", "t"}, {"startTime", "2026-11-20T10:00:00Z"}}},
        {"calendar.today", Json::object()},
        {"journal.add", {{"content", "c"}}},
        {"journal.list", Json::object()},
        {"notes.create", {{"title", "n"}}},
        {"notes.search", Json::object()},
        {"mood.log", {{"level", 5}, {"emotion", "calm"}}},
        {"mood.recent", Json::object()},
        {"habits.create", {{"title", "h"}}},
        {"habits.today", Json::object()},
        {"contacts.create", {{"firstName", "f"}}},
        {"contacts.search", Json::object()},
        {"articles.save", {{"url", "https://a.org"}, {"title", "t"}}},
        {"articles.list", Json::object()},
        {"todo.search", {{"query", "t"}}},
        {"todo.due", Json::object()},
        {"calendar.search", {{"query", "t"}}},
        {"mood.search", {{"query", "calm"}}},
        {"contacts.birthdays", Json::object()},
        {"dreams.create", {{"content", "c"}}},
        {"dreams.list", Json::object()},
        {"library.create", {{"kind", "book"}, {"title", "t"}}},
        {"library.list", Json::object()},
        {"goals.create",
         {{"title", "g"}, {"target", {{"value", 3}, {"period", "week"}, {"comparison", "gte"}}}}},
        {"goals.list", Json::object()},
        {"invoices.create",
         {{"client", {{"name", "c"}}},
          {"lines", {{{"title", "l"}, {"quantity", 1}, {"unitPrice", 1.5}, {"vatRate", 19}}}}}},
        {"invoices.list", Json::object()},
        {"spaces.list", Json::object()},
        {"spaces.members", Json::object()}};

    for (const auto& [tool, arguments] : calls) {
        const Json answer = anna.result(tool, arguments);
        ASSERT_TRUE(answer.contains("structuredContent")) << tool << answer.dump();
        EXPECT_THAT(workspace::check(outputs.at(tool), answer["structuredContent"]), IsEmpty())
            << tool;
        EXPECT_EQ(Json::parse(answer["content"][0]["text"].get<std::string>()),
                  answer["structuredContent"])
            << tool;
    }
}

}  // namespace
