#include "sim/script.hpp"

#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "sim/check.hpp"
#include "sim/reading.hpp"
#include "sim/wire.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;

struct ScriptedCall {
    std::string tool;
    Json input;
    bool operator==(const ScriptedCall&) const = default;
};

struct ScriptedDay {
    std::vector<ScriptedCall> calls;
    int turns = 0;
};

const char* const script_person =
    "Du bist Anna, 22, Studentin mit ADHS. Deine Module: todo 0.3, "
    "journal 0.3, notes 0.2, mood 0.2.";

// Plays a whole day against a product that answers every call; ids begin with `salt`.
ScriptedDay script_play(const std::string& system, const std::string& plan, std::uint64_t seed,
                        const std::string& salt, double mistakes = 0) {
    ScriptedDay day;
    Json body = sim_tests::visit_body(system, plan);
    for (; day.turns < 20; ++day.turns) {
        Json normal = body;
        sim::check_request(normal, {});
        const Json blocks = sim::next_blocks(normal, {.seed = seed, .mistakes = mistakes});
        Json content = Json::array();
        Json results = Json::array();
        for (Json block : blocks) {
            if (block["type"] == "tool_use") {
                const std::string id = "toolu_" + salt + std::to_string(day.calls.size());
                block["id"] = id;
                day.calls.push_back({block["name"], block["input"]});
                const Json made = {{"task",
                                    {{"id", salt + std::to_string(day.calls.size())},
                                     {"title", block["input"].value("title", "Ding")}}}};
                results.push_back(
                    {{"type", "tool_result"}, {"tool_use_id", id}, {"content", made.dump()}});
            }
            content.push_back(block);
        }
        body["messages"].push_back({{"role", "assistant"}, {"content", content}});
        if (results.empty()) return {day.calls, day.turns + 1};
        body["messages"].push_back({{"role", "user"}, {"content", results}});
    }
    return day;
}

// Calls with ids taken out.
std::vector<std::string> script_masked(const ScriptedDay& day) {
    std::vector<std::string> list;
    for (ScriptedCall call : day.calls) {
        if (call.input.contains("id")) call.input["id"] = "*";
        list.push_back(call.tool + call.input.dump());
    }
    return list;
}

TEST(Script, same_seed_same_day_whatever_the_ids_and_dates) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const ScriptedDay one =
            script_play(script_person, "Es ist der 21. November 2026.", seed, "a");
        const ScriptedDay two =
            script_play(script_person, "Es ist der 3. Dezember 2026.", seed, "zz");
        std::vector<std::string> left = script_masked(one);
        std::vector<std::string> right = script_masked(two);
        for (auto* list : {&left, &right}) {
            for (std::string& call : *list) call = sim::masked(call);
        }
        EXPECT_EQ(left, right) << seed;
    }
}

TEST(Script, other_seed_or_person_other_day) {
    const auto base_day = script_masked(script_play(script_person, "Plan", 1, "a"));
    EXPECT_NE(base_day, script_masked(script_play(script_person, "Plan", 2, "a")));
    EXPECT_NE(base_day, script_masked(script_play("Du bist Ben. todo 1.0", "Plan", 1, "a")));
}

TEST(Script, days_have_a_sensible_size) {
    std::set<std::string> modules;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const ScriptedDay day = script_play(script_person, "Plan", seed, "a", 0.08);
        EXPECT_GE(day.calls.size(), 4U);
        EXPECT_LE(day.calls.size(), 14U);
        EXPECT_LE(day.turns, 13);
        for (const ScriptedCall& call : day.calls) modules.insert(sim::module_of(call.tool));
    }
    EXPECT_TRUE(modules.contains("todo") && modules.contains("journal") &&
                modules.contains("notes") && modules.contains("mood"));
    EXPECT_FALSE(modules.contains("contacts")) << "nobody asked for contacts";
}

TEST(Script, the_shipped_people_fill_a_day) {
    std::ifstream file(std::string(SOURCE_DIR) + "/catalog/personas.json");
    const Json catalog = Json::parse(file);
    const Json& people = catalog.is_array() ? catalog : catalog["personas"];
    ASSERT_EQ(people.size(), 10U);
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        std::size_t calls = 0;
        std::set<std::string> modules;
        for (const Json& person : people) {
            std::string plan = "Es ist der 21. November 2026. Vorgenommen:\n";
            for (const auto& [module, weight] : person["moduleMix"].items()) {
                plan += "- " + module + " " + weight.dump() + "\n";
            }
            const ScriptedDay day = script_play(person["systemPrompt"], plan, seed, "a", 0.08);
            EXPECT_LE(day.turns, 15) << person["email"];
            EXPECT_GE(day.calls.size(), 3U) << person["email"];
            calls += day.calls.size();
            for (const ScriptedCall& call : day.calls) modules.insert(sim::module_of(call.tool));
        }
        EXPECT_GE(calls, 40U) << seed;
        EXPECT_GE(modules.size(), 7U) << seed;
    }
}

TEST(Script, people_are_taken_for_what_they_are) {
    EXPECT_EQ(sim::theme_of("Du bist Paul, Fotograf; Maya ist Praktikantin bei dir."),
              sim::Theme::photographer);
    EXPECT_EQ(sim::theme_of("Du bist Maya, Praktikantin bei einem Fotografen."),
              sim::Theme::newcomer);
    EXPECT_EQ(sim::theme_of("Guten Tag."), sim::Theme::everyday);
}

TEST(Script, completes_what_results_showed) {
    int completed = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const ScriptedDay day = script_play("Du bist Maya. todo 1.0", "Plan", seed, "id-");
        for (const ScriptedCall& call : day.calls) {
            if (call.tool != "todo_complete") continue;
            EXPECT_TRUE(call.input["id"].get<std::string>().starts_with("id-"));
            ++completed;
        }
    }
    EXPECT_GT(completed, 10);
}

TEST(Script, arguments_fit_their_schemas) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        const ScriptedDay day =
            script_play("Du bist Marcus, CEO. calendar 0.4, contacts 0.3, mood 0.3",
                        "Es ist der 21. November 2026.", seed, "a");
        for (const ScriptedCall& call : day.calls) {
            if (call.tool == "mood_log") {
                EXPECT_GE(call.input["level"].get<int>(), 1);
                EXPECT_LE(call.input["level"].get<int>(), 10);
                EXPECT_TRUE(call.input.contains("emotion"));
            }
            if (call.tool == "calendar_create") {
                const std::string starts = call.input["startsAt"];
                EXPECT_TRUE(starts.starts_with("2026-11-21T")) << starts;
                EXPECT_LT(starts, call.input["endsAt"].get<std::string>());
            }
            if (call.tool == "contacts_create") {
                EXPECT_FALSE(call.input["firstName"].get<std::string>().empty());
            }
        }
    }
}

TEST(Script, tries_differently_once_after_an_error) {
    Json body = sim_tests::visit_body("Du bist Maya. todo 1.0", "Plan");
    sim_tests::add_call(body, "toolu_1", "todo_complete", {{"id", "gibt-es-nicht"}},
                        "Keine Aufgabe mit dieser id.", true);
    sim::normalize(body);
    const Json blocks = sim::next_blocks(body, {});
    EXPECT_EQ(blocks[0]["type"], "text");
    EXPECT_EQ(blocks[1]["name"], "todo_list") << "she looks what there is";

    sim_tests::add_call(body, "toolu_2", "todo_list", Json::object(), "kaputt", true);
    sim::normalize(body);
    for (const Json& block : sim::next_blocks(body, {.seed = 1, .mistakes = 0})) {
        if (block["type"] == "text") {
            EXPECT_EQ(block["text"].get<std::string>().find("versuche es anders"),
                      std::string::npos);
        }
    }
}

TEST(Script, mistakes_happen_and_are_wrong) {
    int wrong = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        for (const ScriptedCall& call :
             script_play("Du bist Maya. mood 1.0", "Plan", seed, "a", 1.0).calls) {
            if (call.input.value("emotion", "") == "ganz besonders") ++wrong;
        }
    }
    EXPECT_GT(wrong, 20);
}

TEST(Script, changes_change_something_and_searches_search) {
    int changed = 0;
    int searched = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        for (const ScriptedCall& call :
             script_play("Du bist Kai. notes 1.0", "Plan", seed, "n-").calls) {
            if (call.tool == "notes_update") {
                EXPECT_GE(call.input.size(), 2U) << call.input.dump();
                ++changed;
            }
            if (call.tool == "notes_search") {
                EXPECT_FALSE(call.input["query"].get<std::string>().empty());
                ++searched;
            }
        }
    }
    EXPECT_GT(changed, 10);
    EXPECT_GT(searched, 10);
}

TEST(Script, odd_schemas_do_not_break_it) {
    Json body = sim_tests::visit_body("Du bist Kai. odd 1.0", "Plan");
    body["tools"] = Json::parse(R"([{"name":"odd_make","input_schema":{"type":"object",
        "required":["a","b","c","d","e","f"],
        "$defs":{"loop":{"$ref":"#/$defs/loop"},"word":{"type":"string","maxLength":3}},
        "properties":{"a":{"$ref":"#/$defs/loop"},"b":{"$ref":"#/$defs/word"},"c":true,
            "d":{"type":["null","integer"],"minimum":5,"maximum":5},
            "e":{"type":"array","minItems":2,"items":{"type":"object","required":["x"],
                 "properties":{"x":{"const":7}}}},
            "f":{"$ref":"#/nirgends"}}}}])");
    sim::check_request(body, {});
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (const Json& block : sim::next_blocks(body, {.seed = seed, .mistakes = 0})) {
            if (block["type"] != "tool_use") continue;
            EXPECT_LE(block["input"]["b"].get<std::string>().size(), 3U);
            EXPECT_EQ(block["input"]["d"], 5);
            EXPECT_EQ(block["input"]["e"].size(), 2U);
            EXPECT_EQ(block["input"]["e"][0]["x"], 7);
        }
    }
}

TEST(Script, tool_choice_is_obeyed) {
    Json body = sim_tests::visit_body(script_person, "Plan");
    sim::normalize(body);
    body["tool_choice"] = {{"type", "tool"}, {"name", "notes_create"}};
    const Json forced = sim::next_blocks(body, {});
    ASSERT_EQ(forced.size(), 1U);
    EXPECT_EQ(forced[0]["name"], "notes_create");
    body["tool_choice"] = {{"type", "none"}};
    EXPECT_EQ(sim::next_blocks(body, {})[0]["type"], "text");
}

TEST(Reading, weights_come_from_numbers_percentages_or_mentions) {
    const std::vector<std::string> modules{"journal", "notes", "todo"};
    const auto by_number =
        sim::read_weights(modules, "Du magst todo 0.3, notes: 0,6 und journal (0.1).");
    EXPECT_NEAR(by_number[0].second, 0.1, 1e-9);
    EXPECT_NEAR(by_number[1].second, 0.6, 1e-9);
    const auto by_percent = sim::read_weights(modules, "todo: 30 %\nnotes: 60 %\njournal: 10 %");
    EXPECT_NEAR(by_percent[2].second, 0.3, 1e-9);
    const auto by_mention = sim::read_weights(modules, "Heute: todo und notes");
    EXPECT_GT(by_mention[2].second, 0.4);
    EXPECT_LT(by_mention[0].second, 0.1);
    const auto silent = sim::read_weights(modules, "Hallo");
    EXPECT_NEAR(silent[0].second, 1.0 / 3, 1e-9);
}

TEST(Reading, modules_come_from_names_of_any_fashion) {
    EXPECT_EQ(sim::module_of("todo_create"), "todo");
    EXPECT_EQ(sim::module_of("todo.create"), "todo");
    EXPECT_EQ(sim::module_of("mcp__mana__todo_create"), "todo");
    EXPECT_EQ(sim::module_of("todoCreate"), "todo");
    EXPECT_EQ(sim::module_of("search"), "search");
}

}  // namespace
