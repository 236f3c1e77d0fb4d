#include "catalog/standing.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace tests {
namespace {

using catalog::Whom;

constexpr base::Moment standing_now =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{9};

std::string standing_fault(const base::Json& json) {
    try {
        catalog::whom_from_json(json);
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return {};
}

TEST(Standing, SurvivesTheWire) {
    catalog::Standing standing{.pauses_count = 3, .quarantined_count = 1, .skipped_24h = 9};
    standing.pauses = {{{Whom::Scope::all, ""}, standing_now},
                       {{Whom::Scope::archetype, "student"}, standing_now},
                       {{Whom::Scope::persona, "anna@mana.test"}, standing_now}};
    standing.quarantined = {{"ben@mana.test", standing_now, standing_now}};
    standing.skipped = {{"ben@mana.test", standing_now, 7, "missed", 2, standing_now}};
    EXPECT_EQ(catalog::standing_from_json(catalog::to_json(standing)), standing);
    EXPECT_EQ(catalog::standing_from_json(catalog::to_json(catalog::Standing{})),
              catalog::Standing{});
}

TEST(Standing, WhomIsReadStrictlySoThatATypoPausesNobodyElse) {
    EXPECT_EQ(catalog::whom_from_json({{"scope", "persona"}, {"email", "Anna@Mana.Test"}}).name,
              "anna@mana.test");
    EXPECT_NE(standing_fault({{"scope", "some"}}).find("scope"), std::string::npos);
    EXPECT_NE(standing_fault({{"scope", "persona"}}).find("email"), std::string::npos);
    EXPECT_NE(standing_fault({{"scope", "archetype"}, {"archetype", ""}}).find("archetype"),
              std::string::npos);
    EXPECT_NE(standing_fault({{"scope", "all"}, {"email", "anna@mana.test"}}).find("email"),
              std::string::npos);
}

TEST(Standing, WhomHasWordsForPeople) {
    EXPECT_EQ(catalog::to_text({Whom::Scope::all, ""}), "everybody");
    EXPECT_EQ(catalog::to_text({Whom::Scope::archetype, "student"}), "archetype student");
    EXPECT_EQ(catalog::to_text({Whom::Scope::persona, "anna@mana.test"}), "anna@mana.test");
}

}  // namespace
}  // namespace tests
