#include "auth/spaces/metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace {

using base::Json;
using testing::HasSubstr;

std::string refusal(const auto& act) {
    try {
        act();
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.code(), "SPACE_METADATA_INVALID");
        return failure.what();
    }
    return "";
}

TEST(SpaceMetadata, FiveTypesCanBeMade) {
    for (const char* type : {"brand", "club", "family", "team", "practice"}) {
        const Json made = auth::new_space_metadata({{"type", type}, {"uid", "CHE-1"}}, "beta");
        EXPECT_EQ(made, (Json{{"type", type}, {"uid", "CHE-1"}, {"tier", "beta"}}));
    }
}

// auth-api-doubts B35
TEST(SpaceMetadata, TheSixthIsMadeBySignUpAlone) {
    for (const Json& wrong : {Json{{"type", "personal"}}, Json{{"type", "castle"}},
                              Json{{"type", 7}}, Json::object(), Json("club"), Json::array()}) {
        EXPECT_THAT(refusal([&] { auth::new_space_metadata(wrong, "founder"); }),
                    HasSubstr("metadata"))
            << wrong;
    }
}

// auth-api-doubts B35
TEST(SpaceMetadata, NobodyGivesASpaceMoreThanTheirOwnTier) {
    EXPECT_EQ(auth::new_space_metadata({{"type", "club"}, {"tier", "guest"}}, "beta")["tier"],
              "guest");
    EXPECT_EQ(auth::new_space_metadata({{"type", "club"}, {"tier", "beta"}}, "beta")["tier"],
              "beta");
    EXPECT_THAT(
        refusal([] { auth::new_space_metadata({{"type", "club"}, {"tier", "alpha"}}, "beta"); }),
        HasSubstr("metadata.tier must be at most beta"));
    EXPECT_THAT(
        refusal([] { auth::new_space_metadata({{"type", "club"}, {"tier", "king"}}, "founder"); }),
        HasSubstr("metadata.tier must be one of guest, public, beta, alpha, founder"));
}

// auth-api-doubts B35
TEST(SpaceMetadata, AChangeKeepsTypeAndTier) {
    const Json stored = {{"type", "club"}, {"tier", "public"}, {"uid", "1"}};
    EXPECT_EQ(auth::changed_space_metadata(stored, {{"motto", "hi"}}),
              (Json{{"motto", "hi"}, {"type", "club"}, {"tier", "public"}}));
    EXPECT_EQ(auth::changed_space_metadata(stored, stored),
              (Json{{"uid", "1"}, {"type", "club"}, {"tier", "public"}}));
    EXPECT_THAT(refusal([&] { auth::changed_space_metadata(stored, {{"type", "team"}}); }),
                HasSubstr("metadata.type must stay club"));
    EXPECT_THAT(refusal([&] { auth::changed_space_metadata(stored, {{"tier", "founder"}}); }),
                HasSubstr("metadata.tier must stay public"));
    EXPECT_THAT(refusal([&] { auth::changed_space_metadata({}, {{"type", "personal"}}); }),
                HasSubstr("metadata"));
}

TEST(SpaceMetadata, SizeDepthAndTextsAreBounded) {
    const auto sized = [](std::size_t bytes) {
        const Json metadata = {{"type", "club"}, {"x", ""}};
        Json filled = metadata;
        filled["x"] = std::string(bytes - base::to_text(metadata).size(), 'a');
        return filled;
    };
    EXPECT_EQ(refusal([&] { auth::new_space_metadata(sized(16 * 1024), "public"); }), "");
    EXPECT_THAT(refusal([&] { auth::new_space_metadata(sized(16 * 1024 + 1), "public"); }),
                HasSubstr("at most 16384 bytes"));
    Json deep = {{"type", "club"}}, inner = 1;
    for (int i = 0; i < 7; ++i) inner = Json::array({inner});
    deep["x"] = inner;
    EXPECT_EQ(refusal([&] { auth::new_space_metadata(deep, "public"); }), "");
    deep["x"] = Json::array({inner});
    EXPECT_THAT(refusal([&] { auth::new_space_metadata(deep, "public"); }),
                HasSubstr("at most 8 levels"));
    EXPECT_THAT(refusal([] {
                    auth::new_space_metadata({{"type", "club"}, {"x", std::string("a\0b", 3)}},
                                             "public");
                }),
                HasSubstr("NUL"));
    EXPECT_THAT(
        refusal([] { auth::new_space_metadata({{"type", "club"}, {"voiceDoc", 7}}, "public"); }),
        HasSubstr("metadata.voiceDoc must be text"));
}

}  // namespace
