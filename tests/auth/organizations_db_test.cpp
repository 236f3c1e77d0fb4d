// Spaces themselves, over HTTP.
#include <gmock/gmock.h>

#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

using Organizations = SpaceTest;

// auth-api-doubts B66: metadata is an object everywhere, and the new space shows it.
TEST_F(Organizations, ANewSpaceShowsItsMetadataAndItsOwner) {
    const Answer made = ask("anna", "create",
                            {{"name", "Chor"},
                             {"slug", "chor"},
                             {"logo", "https://mana.how/chor.png"},
                             {"metadata", {{"type", "club"}, {"uid", "7"}}}});
    ASSERT_EQ(made.status, 200) << made.raw.body;
    EXPECT_EQ(made.json["metadata"], (Json{{"type", "club"}, {"uid", "7"}, {"tier", "public"}}));
    EXPECT_EQ(made.text("logo"), "https://mana.how/chor.png");
    ASSERT_EQ(made.json["members"].size(), 1U);
    EXPECT_EQ(made.json["members"][0]["role"], "owner");
    EXPECT_EQ(made.json["members"][0]["userId"], id_of("anna"));

    const Answer list = read("anna", "list");
    ASSERT_EQ(list.json.size(), 2U);  // Her personal space and this one.
    EXPECT_EQ(list.json[1]["id"], made.text("id"));
    EXPECT_EQ(list.json[1]["metadata"]["type"], "club");
    EXPECT_EQ(list.json[1]["metadata"]["uid"], "7");
    EXPECT_EQ(count("auth.security_events where event_type = 'ORG_CREATED' and user_id = $1",
                    {id_of("anna")}),
              1);
}

// auth-api-doubts B35
TEST_F(Organizations, ASecondPersonalSpaceOrAHigherTierIsRefused) {
    for (const Json& metadata : {Json{{"type", "personal"}},
                                 Json{{"type", "club"}, {"tier", "founder"}}, Json::object()}) {
        expect_code(ask("anna", "create", {{"name", "x"}, {"slug", "x"}, {"metadata", metadata}}),
                    400, "SPACE_METADATA_INVALID");
    }
    EXPECT_EQ(count("auth.organizations"), 1);
    EXPECT_EQ(ask("ben", "create", {{"name", "x"}, {"slug", "x"}}).text("code"),
              "SPACE_METADATA_INVALID");
    as("fay", "founder");
    EXPECT_EQ(
        ask("fay", "create", {{"name", "x"}, {"slug", "x"}, {"metadata", {{"type", "brand"}}}})
            .json["metadata"]["tier"],
        "founder");
}

TEST_F(Organizations, ASlugIsTakenOnceAndReservedOnesNever) {
    found("anna", "chor");
    const Json metadata = {{"type", "club"}};
    for (const char* slug : {"chor", "admin", "anna"}) {
        expect_code(ask("ben", "create", {{"name", "x"}, {"slug", slug}, {"metadata", metadata}}),
                    400, "ORGANIZATION_ALREADY_EXISTS");
        expect_code(ask("ben", "check-slug", {{"slug", slug}}), 400,
                    "ORGANIZATION_SLUG_ALREADY_TAKEN");
    }
    for (const char* slug : {"Bad Slug/äö", "-x", "Chor"}) {
        expect_code(ask("ben", "create", {{"name", "x"}, {"slug", slug}, {"metadata", metadata}}),
                    400, "VALIDATION_ERROR");
    }
    EXPECT_EQ(ask("ben", "check-slug", {{"slug", "free"}}).json, (Json{{"status", true}}));
}

// auth-api-doubts B54: the active space is stored, for this session alone.
TEST_F(Organizations, TheActiveSpaceStaysAndEndsWithTheMembership) {
    const std::string chor = found("anna", "chor");
    EXPECT_EQ(read("anna", "get-active-member").json["organizationId"], chor);
    EXPECT_EQ(get("/api/auth/get-session", as("anna")).json["session"]["activeOrganizationId"],
              chor);
    EXPECT_EQ(get("/api/auth/get-session", again("anna")).json["session"]["activeOrganizationId"],
              nullptr);

    EXPECT_EQ(ask("anna", "set-active", {{"organizationId", nullptr}}).json, Json(nullptr));
    expect_code(read("anna", "get-active-member"), 400, "NO_ACTIVE_ORGANIZATION");
    EXPECT_EQ(read("anna", "get-full-organization").json, Json(nullptr));
    EXPECT_EQ(ask("anna", "set-active", {{"organizationSlug", "chor"}}).text("id"), chor);
    EXPECT_EQ(ask("anna", "set-active", Json::object()).text("id"), chor);
    EXPECT_EQ(read("anna", "get-active-member-role").json, (Json{{"role", "owner"}}));

    const std::string member = join("anna", chor, "ben");
    EXPECT_EQ(read("ben", "get-active-member").json["id"], member);  // Accepting made it active.
    EXPECT_EQ(ask("anna", "remove-member", {{"memberIdOrEmail", member}}).status, 200);
    expect_code(read("ben", "get-active-member"), 400, "NO_ACTIVE_ORGANIZATION");

    const Json keep = {{"name", "x"},
                       {"slug", "other"},
                       {"metadata", {{"type", "team"}}},
                       {"keepCurrentActiveOrganization", true}};
    EXPECT_EQ(ask("anna", "create", keep).status, 200);
    EXPECT_EQ(read("anna", "get-active-member").json["organizationId"], chor);
    EXPECT_EQ(ask("anna", "delete", {{"organizationId", chor}}).status, 200);
    expect_code(read("anna", "get-active-member"), 400, "NO_ACTIVE_ORGANIZATION");
}

TEST_F(Organizations, SettingAnActiveSpaceRenewsTheCookieOfABrowser) {
    const std::string chor = found("anna", "chor");
    add_user("eva@example.com");
    const std::string cookie = sent_cookie(login("eva@example.com"));
    const base::HttpHeaders browser = {{"Cookie", cookie}, {"Origin", service_->url()}};
    const Answer none =
        post("/api/auth/organization/set-active", {{"organizationId", nullptr}}, browser);
    ASSERT_EQ(none.status, 200) << none.raw.body;
    ASSERT_EQ(none.cookies().size(), 1U);
    EXPECT_THAT(none.cookies()[0], HasSubstr("session_token"));
    expect_code(post("/api/auth/organization/set-active", {{"organizationId", chor}}, browser), 403,
                "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
}

TEST_F(Organizations, StrangersNeitherSeeNorChangeASpace) {
    const std::string chor = found("anna", "chor");
    const std::string by_id = "?organizationId=" + chor;
    constexpr const char* outsider = "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION";
    expect_code(read("ben", "get-full-organization" + by_id), 403, outsider);
    expect_code(read("ben", "get-full-organization?organizationSlug=chor"), 403, outsider);
    expect_code(read("ben", "get-full-organization?organizationSlug=none"), 400,
                "ORGANIZATION_NOT_FOUND");
    expect_code(read("ben", "list-members" + by_id), 403,
                "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");
    expect_code(read("ben", "list-invitations" + by_id), 403,
                "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");
    expect_code(ask("ben", "set-active", {{"organizationId", chor}}), 403, outsider);
    expect_code(ask("ben", "update", {{"organizationId", chor}, {"data", {{"name", "x"}}}}), 400,
                outsider);
    expect_code(ask("ben", "delete", {{"organizationId", chor}}), 400, outsider);
    expect_code(ask("ben", "delete", {{"organizationId", "none"}}), 400, outsider);
    expect_code(
        ask("ben", "has-permission", {{"organizationId", chor}, {"permissions", Json::object()}}),
        401, outsider);
    EXPECT_EQ(get("/api/auth/organization/list").status, 401);
}

TEST_F(Organizations, OwnersAndAdminsUpdateMembersDoNot) {
    const std::string chor = found("anna", "chor");
    join("anna", chor, "adam", "admin");
    join("anna", chor, "mia");
    const auto update = [&](const std::string& who, const Json& data) {
        return ask(who, "update", {{"organizationId", chor}, {"data", data}});
    };
    const Answer named = update("adam", {{"name", "Neu"}, {"slug", "neu"}, {"logo", "/l.png"}});
    ASSERT_EQ(named.status, 200) << named.raw.body;
    EXPECT_EQ(named.text("name"), "Neu");
    EXPECT_EQ(named.text("slug"), "neu");
    EXPECT_EQ(update("anna", {{"logo", nullptr}}).json["logo"], nullptr);
    EXPECT_EQ(update("anna", {{"logo", nullptr}}).text("name"), "Neu");
    expect_code(update("mia", {{"name", "x"}}), 403,
                "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION");
    expect_code(update("anna", {{"slug", "admin"}}), 400, "ORGANIZATION_SLUG_ALREADY_TAKEN");
    expect_code(update("anna", {{"slug", "mia"}}), 400, "ORGANIZATION_SLUG_ALREADY_TAKEN");
    expect_code(update("anna", {{"logo", "javascript:alert(1)"}}), 400, "VALIDATION_ERROR");

    // auth-api-doubts B35: type and tier are the service's.
    const Answer kept = update("anna", {{"metadata", {{"motto", "la"}}}});
    EXPECT_EQ(kept.json["metadata"], (Json{{"motto", "la"}, {"type", "club"}, {"tier", "public"}}));
    for (const Json& metadata : {Json{{"tier", "founder"}}, Json{{"type", "personal"}}}) {
        expect_code(update("anna", {{"metadata", metadata}}), 400, "SPACE_METADATA_INVALID");
    }
}

// auth-api-doubts B35: what makes a space personal is no metadata.
TEST_F(Organizations, APersonalSpaceCannotBeDeletedLeftOrShared) {
    const std::string home = read("anna", "list").json[0]["id"].get<std::string>();
    expect_code(ask("anna", "delete", {{"organizationId", home}}), 403,
                "SPACE_PERSONAL_UNDELETABLE");
    expect_code(ask("anna", "update",
                    {{"organizationId", home}, {"data", {{"metadata", {{"type", "club"}}}}}}),
                400, "SPACE_METADATA_INVALID");
    expect_code(ask("anna", "leave", {{"organizationId", home}}), 400,
                "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER");
    expect_code(ask("anna", "invite-member",
                    {{"organizationId", home}, {"email", "b@example.com"}, {"role", "owner"}}),
                403, "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE");
    const std::string guest = join("anna", home, "ben");
    expect_code(ask("anna", "update-member-role",
                    {{"organizationId", home}, {"memberId", guest}, {"role", "owner"}}),
                403, "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER");
}

TEST_F(Organizations, OnlyOwnersDelete) {
    const std::string chor = found("anna", "chor");
    join("anna", chor, "adam", "admin");
    const std::string open = invite("anna", chor, "nora");
    expect_code(ask("adam", "delete", {{"organizationId", chor}}), 403,
                "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION");
    const Answer gone = ask("anna", "delete", {{"organizationId", chor}});
    EXPECT_EQ(gone.text("id"), chor);
    EXPECT_EQ(gone.text("slug"), "chor");
    EXPECT_EQ(count("auth.members where organization_id = $1", {chor}), 0);
    EXPECT_EQ(count("auth.invitations where organization_id = $1", {chor}), 0);
    expect_code(ask("nora", "accept-invitation", {{"invitationId", open}}), 400,
                "INVITATION_NOT_FOUND");
}

TEST_F(Organizations, AFullSpaceShowsMembersAndInvitations) {
    const std::string chor = found("anna", "chor");
    join("anna", chor, "ben");
    invite("anna", chor, "nora");
    const Answer full = read("ben", "get-full-organization?organizationId=" + chor);
    ASSERT_EQ(full.status, 200);
    ASSERT_EQ(full.json["members"].size(), 2U);
    EXPECT_EQ(full.json["members"][0]["user"]["email"], email_of("anna"));
    ASSERT_EQ(full.json["invitations"].size(), 2U);
    EXPECT_EQ(full.json["invitations"][0]["email"], email_of("nora"));
    const std::string one = "get-full-organization?membersLimit=1&organizationId=" + chor;
    EXPECT_EQ(read("ben", one).json["members"].size(), 1U);
    expect_code(read("ben", "get-full-organization?membersLimit=0"), 400, "VALIDATION_ERROR");
}

TEST_F(Organizations, AUserHasAtMostAHundredSpaces) {
    as("anna");
    sql(R"(with made as (
             insert into auth.organizations (id, name, slug)
             select 'o' || n, 'x', 's' || n from generate_series(1, 98) n returning id)
           insert into auth.members (id, organization_id, user_id, role)
           select 'm' || id, id, $1, 'member' from made)",
        {id_of("anna")});
    found("anna", "hundredth");
    expect_code(
        ask("anna", "create", {{"name", "x"}, {"slug", "more"}, {"metadata", {{"type", "club"}}}}),
        403, "YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS");
}

}  // namespace
}  // namespace tests
