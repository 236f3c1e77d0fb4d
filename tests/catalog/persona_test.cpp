#include "catalog/persona.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace {

using catalog::Persona;

Persona anna() {
    return {.user_id = "u1",
            .email = "persona.anna@mana.test",
            .name = "Anna",
            .archetype = "adhd-student",
            .system_prompt = "Du bist Anna.",
            .module_mix = {{"todo", 0.5}, {"notes", 0.5}},
            .cadence = catalog::Cadence::weekdays,
            .last_active_at = base::from_iso("2026-11-20T09:30:00.250Z")};
}

TEST(Persona, ShortName) {
    EXPECT_EQ(catalog::short_name("persona.anna@mana.test"), "anna");
    EXPECT_EQ(catalog::short_name("p1@mana.test"), "p1");
    EXPECT_EQ(catalog::short_name("persona.@mana.test"), "persona.");
}

TEST(Persona, WireFormGoesBothWays) {
    EXPECT_EQ(catalog::persona_from_json(catalog::to_json(anna()), "p"), anna());
    Persona fresh = anna();
    fresh.last_active_at.reset();
    base::Json json = catalog::to_json(fresh);
    EXPECT_TRUE(json["lastActiveAt"].is_null());
    EXPECT_EQ(catalog::persona_from_json(json, "p"), fresh);
}

TEST(Persona, RowsOfTheListWithoutNameAreRead) {
    base::Json json = catalog::to_json(anna());
    json.erase("name");
    EXPECT_EQ(catalog::persona_from_json(json, "p").name, "anna");
}

TEST(Persona, WrongFieldsAreNamed) {
    for (const char* field : {"email", "archetype", "systemPrompt", "moduleMix"}) {
        base::Json json = catalog::to_json(anna());
        json[field] = 7;
        try {
            catalog::persona_from_json(json, "personas[3]");
            FAIL() << field;
        } catch (const base::Failure& failure) {
            EXPECT_NE(std::string(failure.what()).find(std::string("personas[3].") + field),
                      std::string::npos)
                << failure.what();
        }
    }
    base::Json json = catalog::to_json(anna());
    json["lastActiveAt"] = "yesterday";
    EXPECT_THROW(catalog::persona_from_json(json, "p"), base::Failure);
}

TEST(Persona, ModuleMixHasAtMostSixtyFourModules) {
    base::Json mix = base::Json::object();
    for (int i = 0; i < 64; ++i) mix["m" + std::to_string(i)] = 1;
    EXPECT_EQ(catalog::module_mix_from_json(mix, "mix").size(), 64u);
    mix["one more"] = 1;
    EXPECT_THROW(catalog::module_mix_from_json(mix, "mix"), base::Failure);
}

}  // namespace
