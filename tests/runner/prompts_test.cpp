// What we say to Claude: the plan of a day and the texts around it.
#include "runner/prompts.hpp"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catalog/catalog.hpp"
#include "sim/check.hpp"

namespace {

using catalog::ModuleMix;
using runner::DayPlan;
using runner::plan_day;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> prompt_served{"calendar", "contacts", "habits", "mood",
                                             "notes",    "timer",    "todo"};
const ModuleMix prompt_mix{{"todo", 0.4}, {"notes", 0.3}, {"mood", 0.2}, {"habits", 0.1}};

std::vector<std::string> names_of_plan(const DayPlan& plan) {
    std::vector<std::string> names;
    for (const auto& [module, weight] : plan.modules) names.push_back(module);
    return names;
}

// A moment as the persona's wall clock shows it.
base::Moment prompt_wall(int year, unsigned month, unsigned day, int hour, int minute) {
    return std::chrono::sys_days{std::chrono::year{year} / month / day} + std::chrono::hours{hour} +
           std::chrono::minutes{minute};
}

catalog::Persona prompt_anna() {
    catalog::Persona anna;
    anna.email = "persona.anna@mana.test";
    anna.name = "Anna Klein";
    anna.system_prompt = "Du bist Anna, 34, Hebamme in Bremen.";
    anna.module_mix = prompt_mix;
    return anna;
}

TEST(PlanDay, SameSeedDrawsTheSamePlan) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        EXPECT_EQ(plan_day(prompt_mix, prompt_served, seed),
                  plan_day(prompt_mix, prompt_served, seed));
    }
}

TEST(PlanDay, SeedsDrawDifferentPlansOfTwoToFourModulesWithoutRepeats) {
    std::set<std::vector<std::string>> seen;
    std::set<std::size_t> sizes;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::vector<std::string> names =
            names_of_plan(plan_day(prompt_mix, prompt_served, seed));
        EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
        seen.insert(names);
        sizes.insert(names.size());
    }
    EXPECT_THAT(sizes, ElementsAre(2, 3, 4));
    EXPECT_GT(seen.size(), 10U);
}

TEST(PlanDay, WeightsDecideWhatComesFirst) {
    int todo_first = 0, habits_first = 0;
    for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
        const std::string first = plan_day(prompt_mix, prompt_served, seed).modules.front().first;
        todo_first += first == "todo" ? 1 : 0;
        habits_first += first == "habits" ? 1 : 0;
    }
    EXPECT_NEAR(todo_first, 400, 60);
    EXPECT_NEAR(habits_first, 100, 40);
}

TEST(PlanDay, DrawsOnlyWhatIsServedAndNamesTheRest) {
    const ModuleMix mix{{"todo", 1}, {"garden", 50}, {"notes", 1}, {"zoo", 50}};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const DayPlan plan = plan_day(mix, prompt_served, seed);
        EXPECT_THAT(names_of_plan(plan), Not(Contains("garden")));
        EXPECT_THAT(names_of_plan(plan), Not(Contains("zoo")));
        EXPECT_THAT(plan.not_served, ElementsAre("garden", "zoo"));
    }
}

TEST(PlanDay, ModulesOfWeightZeroAreNeitherDrawnNorMissed) {
    const ModuleMix mix{{"todo", 0}, {"notes", 1}, {"mood", 2}, {"garden", 0}};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const DayPlan plan = plan_day(mix, prompt_served, seed);
        EXPECT_THAT(names_of_plan(plan), Not(Contains("todo")));
        EXPECT_TRUE(plan.not_served.empty());
    }
}

TEST(PlanDay, FallsBackToTheFirstFourServedModules) {
    const DayPlan plan = plan_day({{"garden", 1}}, prompt_served, 7);
    EXPECT_THAT(names_of_plan(plan), ElementsAre("calendar", "contacts", "habits", "mood"));
    EXPECT_THAT(plan.not_served, ElementsAre("garden"));
    EXPECT_EQ(names_of_plan(plan_day({}, {"todo"}, 7)), std::vector<std::string>{"todo"});
    EXPECT_TRUE(plan_day(prompt_mix, {}, 7).modules.empty());
}

TEST(PlanDay, KeepsTheWeightsOfTheMix) {
    const DayPlan plan = plan_day({{"todo", 3}}, prompt_served, 1);
    EXPECT_EQ(plan.modules, (ModuleMix{{"todo", 3}}));
}

TEST(Prompts, SystemTextIsThePersonaAndTheSameEveryDay) {
    const catalog::Persona anna = prompt_anna();
    const std::string text = runner::system_text(anna);
    EXPECT_TRUE(text.starts_with(anna.system_prompt));
    catalog::Persona tomorrow = anna;
    tomorrow.user_id = "0198a1b2-visit";
    tomorrow.last_active_at = prompt_wall(2026, 11, 20, 9, 0);
    EXPECT_EQ(runner::system_text(tomorrow), text);
    EXPECT_EQ(runner::rating_system_text(tomorrow), runner::rating_system_text(anna));
}

TEST(Prompts, SystemTextsHoldNoDateAndNoId) {
    for (const catalog::Persona& persona : catalog::shipped_catalog().personas) {
        for (const std::string& text :
             {runner::system_text(persona), runner::rating_system_text(persona)}) {
            // What the shipped prompt itself says is hers; ours comes behind it.
            const std::string ours = text.substr(persona.system_prompt.size());
            EXPECT_THAT(ours, Not(HasSubstr("202"))) << persona.email;
            EXPECT_THAT(ours, Not(HasSubstr(persona.email)));
            EXPECT_EQ(text.substr(0, persona.system_prompt.size()), persona.system_prompt);
        }
    }
}

TEST(Prompts, OpeningSaysTheDateInGerman) {
    const DayPlan plan = plan_day(prompt_mix, prompt_served, 3);
    EXPECT_THAT(runner::opening_text(prompt_anna(), plan, {}, prompt_wall(2026, 3, 1, 7, 5)),
                HasSubstr("Es ist Sonntag, der 1. März 2026 (2026-03-01), 07:05 Uhr."));
    EXPECT_THAT(runner::opening_text(prompt_anna(), plan, {}, prompt_wall(2026, 12, 31, 23, 59)),
                HasSubstr("Donnerstag, der 31. Dezember 2026 (2026-12-31), 23:59 Uhr."));
}

TEST(Prompts, OpeningNamesPersonaPlanAndWhatIsNotServed) {
    DayPlan plan{{{"notes", 0.5}, {"todo", 0.25}}, {"garden", "zoo"}};
    const base::Moment now = prompt_wall(2026, 11, 21, 9, 0);
    const std::string text = runner::opening_text(prompt_anna(), plan, {}, now);
    EXPECT_THAT(text, HasSubstr("Anna Klein"));
    EXPECT_THAT(text, HasSubstr("- notes 0.50\n- todo 0.25\n"));
    EXPECT_THAT(text, HasSubstr("garden, zoo."));
    plan.not_served.clear();
    EXPECT_THAT(runner::opening_text(prompt_anna(), plan, {}, now),
                Not(HasSubstr("bietet sie heute")));
    catalog::Persona nameless = prompt_anna();
    nameless.name.clear();
    EXPECT_THAT(runner::opening_text(nameless, plan, {}, now), HasSubstr("vorgenommen, anna,"));
}

TEST(Prompts, RatingQuestionListsTheDayAndTheModules) {
    using Outcome = catalog::Action::Outcome;
    const std::string text = runner::rating_question(
        {"todo", "notes"}, {{1, "todo", "todo.create", Outcome::ok, "angelegt"},
                            {2, "notes", "notes.add", Outcome::error, "title fehlt"},
                            {3, "notes", "notes.add", Outcome::unknown, "?"}});
    EXPECT_THAT(text, HasSubstr("#1 [todo] todo.create: gelungen. angelegt\n"));
    EXPECT_THAT(text, HasSubstr("#2 [notes] notes.add: Fehler. title fehlt\n"));
    EXPECT_THAT(text, HasSubstr("#3 [notes] notes.add: keine Antwort. ?\n"));
    EXPECT_THAT(text, HasSubstr("1 bis 5: todo, notes."));
}

TEST(Prompts, RatingSchemaLiesInTheSubsetOfStructuredOutputs) {
    const base::Json schema = runner::rating_schema({"todo", "notes"});
    EXPECT_NO_THROW(sim::check_strict_schema(schema, "output_config.format.schema"));
    const base::Json& item = schema["properties"]["ratings"]["items"];
    EXPECT_EQ(item["properties"]["module"]["enum"], (base::Json{"todo", "notes"}));
    EXPECT_EQ(item["properties"]["rating"]["enum"], (base::Json{1, 2, 3, 4, 5}));
    EXPECT_EQ(item["additionalProperties"], false);
    // Structured outputs demand that every property is required.
    EXPECT_EQ(item["required"].size(), item["properties"].size());
}

}  // namespace
