#include "catalog/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/failure.hpp"

namespace {

using catalog::read_catalog;
using testing::HasSubstr;

base::Json good() {
    return {{"email", "Persona.Ida@mana.test"},
            {"name", "Ida"},
            {"archetype", "tester"},
            {"tickCadence", "hourly"},
            {"systemPrompt", "Du bist Ida und prüfst alles zweimal."},
            {"moduleMix", {{"todo", 2}, {"notes", 0}}}};
}

std::string file_of(std::initializer_list<base::Json> personas) {
    base::Json json;
    json["personas"] = base::Json::array();
    for (const base::Json& persona : personas) json["personas"].push_back(persona);
    return json.dump();
}

std::string fault_of(const std::string& text) {
    try {
        read_catalog(text, "file.json");
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
        return failure.what();
    }
    return "no fault";
}

TEST(Catalog, ReadsAPersonaAndLowersHerAddress) {
    auto read = read_catalog(file_of({good()}), "file.json");
    ASSERT_EQ(read.personas.size(), 1u);
    const catalog::Persona& ida = read.personas[0];
    EXPECT_EQ(ida.email, "persona.ida@mana.test");
    EXPECT_EQ(ida.cadence, catalog::Cadence::hourly);
    EXPECT_EQ(ida.module_mix, (catalog::ModuleMix{{"todo", 2}, {"notes", 0}}));
}

TEST(Catalog, EveryFaultNamesFilePersonaAndField) {
    struct Case {
        const char* field;
        base::Json value;
    };
    for (const Case& wrong : std::initializer_list<Case>{{"email", "persona.ida@example.org"},
                                                         {"email", "@mana.test"},
                                                         {"email", "a b@mana.test"},
                                                         {"email", 7},
                                                         {"name", ""},
                                                         {"name", " \t"},
                                                         {"systemPrompt", "ääääääääää"},
                                                         {"archetype", nullptr},
                                                         {"tickCadence", "monthly"},
                                                         {"systemPrompt", "zu kurz"},
                                                         {"moduleMix", base::Json::array()},
                                                         {"moduleMix", base::Json::object()},
                                                         {"moduleMix", {{"todo", 0}}},
                                                         {"moduleMix", {{"todo", -1}}},
                                                         {"moduleMix", {{"todo", "viel"}}},
                                                         {"favourite", "colour"}}) {
        base::Json persona = good();
        persona[wrong.field] = wrong.value;
        std::string fault = fault_of(file_of({persona}));
        EXPECT_THAT(fault, HasSubstr("file.json: personas[0]")) << wrong.field;
        EXPECT_THAT(fault, HasSubstr(wrong.field)) << wrong.field;
    }
}

TEST(Catalog, LimitsCountCharactersAsTheSchemaDoes) {
    const auto times = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += "ä";
        return text;
    };
    base::Json persona = good();
    persona["name"] = times(80);
    persona["systemPrompt"] = times(32'768);
    EXPECT_NO_THROW(read_catalog(file_of({persona}), "file.json"));
    persona["name"] = times(81);
    EXPECT_THAT(fault_of(file_of({persona})), HasSubstr("name"));
    persona["name"] = "Ida";
    persona["systemPrompt"] = times(32'769);
    EXPECT_THAT(fault_of(file_of({persona})), HasSubstr("systemPrompt"));
}

TEST(Catalog, AddressesAreUniqueWhateverTheirCase) {
    base::Json other = good();
    other["email"] = "persona.IDA@mana.test";
    EXPECT_THAT(fault_of(file_of({good(), other})), HasSubstr("personas[1]"));
}

TEST(Catalog, ShowsAllFaultsButNotMoreThanTwenty) {
    base::Json bad = good();
    bad["name"] = "";
    bad["archetype"] = "";
    std::string two = fault_of(file_of({bad}));
    EXPECT_EQ(std::ranges::count(two, '\n'), 1);
    base::Json many{{"personas", base::Json::array()}};
    for (int i = 0; i < 30; ++i) many["personas"].push_back(7);
    std::string cut = fault_of(many.dump());
    EXPECT_EQ(std::ranges::count(cut, '\n'), 20);
    EXPECT_THAT(cut, HasSubstr("and 10 more"));
}

TEST(Catalog, RefusesOtherShapes) {
    for (const char* text : {"", "[]", "{}", "{\"personas\":{}}", "{\"personas\":[]}",
                             "{\"personas\":[], \"people\":1}", "not json"})
        EXPECT_THAT(fault_of(text), HasSubstr("file.json: ")) << text;
}

TEST(Catalog, MissingFileIsNamed) {
    try {
        catalog::load_catalog("/nowhere/personas.json");
        FAIL();
    } catch (const base::Failure& failure) {
        EXPECT_THAT(failure.what(), HasSubstr("/nowhere/personas.json"));
    }
}

TEST(Catalog, TheShippedTenAreTheTen) {
    auto shipped = catalog::shipped_catalog();
    std::vector<std::string> names;
    for (const auto& persona : shipped.personas) names.push_back(persona.name);
    EXPECT_THAT(names, testing::ElementsAre("Anna", "Ben", "Marcus", "Lena", "Sofia", "Tom", "Kai",
                                            "Julia", "Paul", "Maya"));
    for (const auto& persona : shipped.personas) {
        std::istringstream words(persona.system_prompt);
        auto count = std::distance(std::istream_iterator<std::string>(words), {});
        EXPECT_GE(count, 80) << persona.name;
        EXPECT_LE(count, 160) << persona.name;
        EXPECT_THAT(persona.system_prompt, testing::StartsWith("Du bist " + persona.name));
        double sum = 0;
        for (const auto& [module, weight] : persona.module_mix) sum += weight;
        EXPECT_NEAR(sum, 1, 1e-9) << persona.name;
    }
    EXPECT_EQ(shipped.personas[2].cadence, catalog::Cadence::weekdays);
    EXPECT_EQ(shipped.personas[9].module_mix,
              (catalog::ModuleMix{{"todo", 0.6}, {"journal", 0.4}}));
}

TEST(Catalog, TheFileOnDiskIsTheOneInTheBinary) {
    auto disk = catalog::load_catalog(SOURCE_DIR "/catalog/personas.json");
    EXPECT_EQ(disk.personas, catalog::shipped_catalog().personas);
    EXPECT_EQ(disk.spaces, catalog::shipped_catalog().spaces);
}

TEST(Catalog, FivePairsShareASpace) {
    std::set<std::string> members, types;
    const catalog::Catalog shipped = catalog::shipped_catalog();
    ASSERT_EQ(shipped.spaces.size(), 5u);
    for (const catalog::SharedSpace& space : shipped.spaces) {
        EXPECT_EQ(space.members.size(), 2u);
        EXPECT_GT(space.weight, 0);
        types.insert(space.type);
        members.insert(space.members.begin(), space.members.end());
    }
    EXPECT_EQ(members.size(), 10u) << "everybody is in one";
    EXPECT_EQ(types, (std::set<std::string>{"family", "team", "practice", "brand"}));
}

TEST(Catalog, NamesWhatIsWrongWithASpace) {
    base::Json two = base::Json::parse(file_of({good(), [] {
                                                    base::Json other = good();
                                                    other["email"] = "persona.two@mana.test";
                                                    return other;
                                                }()}));
    const std::string one = two["personas"][0]["email"];
    const base::Json fine = {{"slug", "flat"},
                             {"name", "Flat"},
                             {"type", "family"},
                             {"weight", 0.5},
                             {"members", {one, "Persona.Two@mana.test"}}};
    two["spaces"] = base::Json::array({fine});
    EXPECT_EQ(catalog::read_catalog(two.dump(), "file.json").spaces[0].members[1],
              "persona.two@mana.test");
    const std::pair<const char*, base::Json> wrong[] = {
        {"slug", "Flat!"},
        {"slug", "-flat"},
        {"slug", 7},
        {"name", ""},
        {"type", "personal"},
        {"type", nullptr},
        {"weight", 1.1},
        {"weight", "half"},
        {"members", {one}},
        {"members", {one, one}},
        {"members", {one, "persona.lost@mana.test"}},
        {"members", 7},
        {"more", 1}};
    for (const auto& [field, value] : wrong) {
        base::Json space = fine;
        space[field] = value;
        two["spaces"] = base::Json::array({space});
        EXPECT_THAT(fault_of(two.dump()), HasSubstr("file.json: spaces[0]")) << field << value;
        EXPECT_THAT(fault_of(two.dump()), HasSubstr(field)) << field << value;
    }
    two["spaces"] = base::Json::array({fine, fine});
    EXPECT_THAT(fault_of(two.dump()), HasSubstr("spaces[1].slug must be unique"));
    base::Json heavy = fine;
    heavy["slug"] = "other";
    heavy["weight"] = 0.6;
    two["spaces"] = base::Json::array({fine, heavy});
    EXPECT_THAT(fault_of(two.dump()), HasSubstr("a sum of at most 1"));
}

TEST(Catalog, TheSchemaKnowsExactlyTheLoadersFieldsAndWords) {
    std::ifstream file(SOURCE_DIR "/catalog/personas.schema.json");
    base::Json schema = base::Json::parse(file);
    const base::Json& persona = schema["$defs"]["persona"];
    std::set<std::string> fields;
    for (const auto& [name, value] : persona["properties"].items()) fields.insert(name);
    EXPECT_EQ(fields, (std::set<std::string>{"email", "name", "archetype", "tickCadence",
                                             "systemPrompt", "moduleMix"}));
    std::vector<std::string> cadences = persona["properties"]["tickCadence"]["enum"];
    auto words = catalog::cadence_words();
    EXPECT_TRUE(std::ranges::equal(cadences, words));
    // What the schema requires, the loader requires too.
    for (const std::string name : persona["required"]) {
        base::Json without = good();
        without.erase(name);
        EXPECT_THAT(fault_of(file_of({without})), HasSubstr(name));
    }
}

}  // namespace
