#include "catalog/modules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using catalog::Modules;

TEST(Modules, TheFirstPatternThatFitsCounts) {
    const Modules modules(R"({"modules":[{"tool":"github:*","module":"code"},
        {"tool":"*_issue","module":"todo"},{"tool":"a*b*c","module":"letters"}]})",
                          "m.json");

    EXPECT_EQ(modules.module_of("github:create_issue"), "code");
    EXPECT_EQ(modules.module_of("Create_Issue"), "todo");
    EXPECT_EQ(modules.module_of("abbcbc"), "letters");
    EXPECT_EQ(modules.module_of("abcd"), std::nullopt);
    EXPECT_EQ(modules.module_of(""), std::nullopt);
    EXPECT_EQ(Modules().module_of("github:x"), std::nullopt);
}

TEST(Modules, WithoutAPatternTheNameSaysIt) {
    EXPECT_EQ(catalog::module_by_name("todo.create", "mana"), "todo");
    EXPECT_EQ(catalog::module_by_name("crm/add", "mana"), "crm");
    EXPECT_EQ(catalog::module_by_name("notes_add", "mana"), "notes");
    EXPECT_EQ(catalog::module_by_name("create_issue", "github"), "github");
    EXPECT_EQ(catalog::module_by_name("get-sum", "everything"), "everything");
    EXPECT_EQ(catalog::module_by_name("get.sum", "everything"), "get");
    EXPECT_EQ(catalog::module_by_name("gzip-file-as-resource", "everything"), "everything");
    EXPECT_EQ(catalog::module_by_name("trigger-long-running-operation", "everything"),
              "everything");
    EXPECT_EQ(catalog::module_by_name("echo", "everything"), "everything");
    EXPECT_EQ(catalog::module_by_name("_x", "everything"), "everything");
    EXPECT_EQ(catalog::module_by_name("github:create_issue", "product"), "github");
    EXPECT_EQ(catalog::module_by_name("crm:deals.add", "product"), "deals");
}

TEST(Modules, TheShippedOnesKnowThePlannersNames) {
    const Modules modules = catalog::shipped_modules();
    EXPECT_EQ(modules.module_of("create_event"), "calendar");
    EXPECT_EQ(modules.module_of("get_todays_events"), "calendar");
    EXPECT_EQ(modules.module_of("research_news"), "newsResearch");
    EXPECT_EQ(modules.module_of("get_contacts"), "contacts");
}

TEST(Modules, AWrongFileIsNamedWithItsField) {
    for (const char* wrong :
         {R"({"modules":[{"tool":"x"}]})", R"({"modules":[{"tool":"","module":"m"}]})",
          R"({"modules":[{"tool":"x","module":"m","more":1}]})", R"({})"}) {
        try {
            Modules(wrong, "m.json");
            ADD_FAILURE() << wrong;
        } catch (const base::Failure& failure) {
            EXPECT_THAT(failure.what(), testing::HasSubstr("m.json"));
        }
    }
    EXPECT_THROW(catalog::load_modules("/no/such/file"), base::Failure);
}

}  // namespace
