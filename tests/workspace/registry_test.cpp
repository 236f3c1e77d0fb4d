#include "workspace/registry.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "workspace/modules.hpp"

namespace {

using base::Json;

TEST(Registry, HasTheToolsThatPersonasReachFor) {
    workspace::Registry registry;
    workspace::add_all(registry);

    std::set<std::string> modules;
    for (const workspace::Tool& tool : registry.tools()) modules.insert(tool.module());

    EXPECT_THAT(modules, testing::ElementsAre("articles", "calendar", "contacts", "dreams", "goals",
                                              "habits", "invoices", "journal", "library", "mood",
                                              "newsResearch", "notes", "spaces", "todo"));
    for (const char* name :
         {"todo.create",     "todo.list",        "todo.complete",   "habits.create",
          "habits.list",     "habits.update",    "habits.archive",  "habits.log",
          "notes.create",    "notes.search",     "journal.add",     "journal.list",
          "mood.log",        "mood.today",       "mood.recent",     "spaces.list",
          "calendar.create", "calendar.today",   "contacts.create", "contacts.search",
          "articles.save",   "articles.list",    "dreams.create",   "dreams.archive",
          "library.create",  "library.complete", "goals.progress",  "newsResearch.search",
          "invoices.create", "invoices.pay",     "spaces.members"}) {
        EXPECT_NE(registry.find(name), nullptr) << name;
    }
    EXPECT_EQ(registry.find("todo"), nullptr);
}

// mcp-tools 8, row 17: hints and output schemas are published.
TEST(Registry, ListsEveryToolWithTextsSchemasAndTrueHints) {
    workspace::Registry registry;
    workspace::add_all(registry);

    const Json listing = registry.listing();

    ASSERT_EQ(listing.size(), registry.tools().size());
    for (const Json& tool : listing) {
        const auto name = tool["name"].get<std::string>();
        EXPECT_LE(name.size(), 64u) << name;
        EXPECT_GE(tool["description"].get<std::string>().size(), 20u) << name;
        EXPECT_EQ(tool["inputSchema"]["type"], "object") << name;
        EXPECT_EQ(tool["outputSchema"]["type"], "object") << name;
        const std::string verb = name.substr(name.find('.') + 1);
        const bool reads = verb.starts_with("list") || verb == "search" || verb == "today" ||
                           verb == "recent" || verb == "due" || verb == "birthdays" ||
                           verb == "members";
        EXPECT_EQ(tool["annotations"]["readOnlyHint"], reads) << name;
    }
    EXPECT_EQ(registry.find("todo.delete")->effect, workspace::Effect::removes);
    EXPECT_EQ(registry.find("todo.create")->effect, workspace::Effect::adds);
}

// Two listings are equal byte by byte, so that a prompt cache holds.
TEST(Registry, ListsInAStableOrder) {
    workspace::Registry one, two;
    workspace::add_all(one);
    workspace::add_all(two);

    EXPECT_EQ(one.listing().dump(), two.listing().dump());
}

TEST(RegistryDeathTest, AbortsWhenANameIsRegisteredTwice) {
    workspace::Registry registry;
    workspace::add_todo(registry);

    EXPECT_DEATH(workspace::add_todo(registry), "registered once");
}

TEST(Registry, TellsTheModelWhatToCorrect) {
    workspace::Registry registry;
    workspace::add_todo(registry);

    EXPECT_EQ(
        workspace::refusal_of_arguments(*registry.find("todo.create"),
                                        {"title is required", "x is not known"}),
        "todo.create was not run: title is required; x is not known. Correct the arguments and "
        "call it again.");
}

}  // namespace
