// Who belongs to a space, over HTTP.
#include <thread>

#include <gmock/gmock.h>

#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;

class Members : public SpaceTest {
  protected:
    void SetUp() override {
        SpaceTest::SetUp();
        chor_ = found("anna", "chor");
        adam_ = join("anna", chor_, "adam", "admin");
        mia_ = join("anna", chor_, "mia");
    }
    Answer change(const std::string& who, const std::string& member, const Json& role) {
        return ask(who, "update-member-role",
                   {{"organizationId", chor_}, {"memberId", member}, {"role", role}});
    }
    Answer remove(const std::string& who, const std::string& member) {
        return ask(who, "remove-member", {{"organizationId", chor_}, {"memberIdOrEmail", member}});
    }
    std::string role_of(const std::string& name) {
        const auto rows =
            sql("select role from auth.members where organization_id = $1 and "
                "user_id = $2",
                {chor_, id_of(name)});
        return rows.empty() ? "" : rows[0].text("role");
    }
    std::string member_of(const std::string& name) {
        return sql("select id from auth.members where organization_id = $1 and user_id = $2",
                   {chor_, id_of(name)})[0]
            .text("id");
    }

    std::string chor_, adam_, mia_;
};

TEST_F(Members, AreListedWithTheirUsers) {
    const Answer list = read("mia", "list-members?organizationId=" + chor_);
    ASSERT_EQ(list.status, 200);
    EXPECT_EQ(list.json["total"], 3);
    EXPECT_EQ(list.json["members"][1]["user"]["name"], "adam");
    const Answer admins = read("mia",
                               "list-members?organizationSlug=chor&filterField=role"
                               "&filterValue=admin&limit=5");
    EXPECT_EQ(admins.json["total"], 1);
    EXPECT_EQ(admins.json["members"][0]["id"], adam_);
    expect_code(read("zoe", "list-members"), 400, "NO_ACTIVE_ORGANIZATION");
    expect_code(read("mia", "list-members?sortBy=password"), 400, "VALIDATION_ERROR");
    EXPECT_EQ(read("mia", "get-active-member-role?userId=" + id_of("anna")).json,
              (Json{{"role", "owner"}}));
    expect_code(read("mia", "get-active-member-role?userId=" + id_of("zoe")), 403,
                "YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION");
}

TEST_F(Members, AdminsChangeRolesButNotOwners) {
    constexpr const char* refused = "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER";
    const Answer raised = change("adam", mia_, Json{"admin", "member"});
    EXPECT_EQ(raised.text("role"), "admin,member") << raised.raw.body;
    expect_code(change("adam", mia_, "owner"), 403, refused);
    expect_code(change("adam", adam_, "owner"), 403, refused);
    expect_code(change("adam", member_of("anna"), "member"), 403, refused);
    EXPECT_EQ(change("anna", mia_, "member").status, 200);
    expect_code(change("mia", mia_, "admin"), 403, refused);
    expect_code(change("anna", mia_, "king"), 400, "ROLE_NOT_FOUND");
    expect_code(change("anna", "nobody", "admin"), 400, "MEMBER_NOT_FOUND");
    expect_code(change("zoe", mia_, "admin"), 400, "MEMBER_NOT_FOUND");
    EXPECT_EQ(role_of("anna"), "owner");
    EXPECT_EQ(count("auth.security_events where event_type = 'ORG_ROLE_CHANGED'"), 2);
}

TEST_F(Members, ASpaceKeepsAnOwner) {
    const std::string anna = member_of("anna");
    expect_code(change("anna", anna, "admin"), 400,
                "YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER");
    constexpr const char* only = "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER";
    expect_code(ask("anna", "leave", {{"organizationId", chor_}}), 400, only);
    expect_code(remove("anna", anna), 400, only);
    EXPECT_EQ(change("anna", adam_, "owner").status, 200);
    EXPECT_EQ(ask("anna", "leave", {{"organizationId", chor_}}).text("id"), anna);
    EXPECT_EQ(role_of("anna"), "");
    expect_code(ask("adam", "leave", {{"organizationId", chor_}}), 400, only);
}

TEST_F(Members, TwoOwnersWhoLeaveAtOnceDoNotBothGo) {
    for (int round = 0; round < 5; ++round) {
        const std::string space = found("anna", "duo" + std::to_string(round));
        join("anna", space, "ben", "owner");
        const auto anna = as("anna"), ben = as("ben");
        int left = 0;
        std::mutex mutex;
        const auto leave = [&](const base::HttpHeaders& headers) {
            const Answer answer =
                post("/api/auth/organization/leave", {{"organizationId", space}}, headers);
            const std::lock_guard lock(mutex);
            left += answer.status == 200 ? 1 : 0;
        };
        std::thread first([&] { leave(anna); });
        std::thread second([&] { leave(ben); });
        first.join();
        second.join();
        EXPECT_EQ(left, 1);
        EXPECT_EQ(count("auth.members where organization_id = $1", {space}), 1);
    }
}

TEST_F(Members, AreRemovedByIdOrAddress) {
    constexpr const char* refused = "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER";
    expect_code(remove("mia", adam_), 401, refused);
    expect_code(remove("adam", member_of("anna")), 401, refused);
    const Answer gone = remove("adam", "MIA@example.com");
    EXPECT_EQ(gone.json["member"]["id"], mia_) << gone.raw.body;
    expect_code(remove("adam", mia_), 400, "MEMBER_NOT_FOUND");
    const std::string other = found("ben", "other");
    const std::string foreign = join("ben", other, "nora");
    expect_code(remove("anna", foreign), 400, "MEMBER_NOT_FOUND");
    EXPECT_EQ(count("auth.members where id = $1", {foreign}), 1);
}

// auth-api-doubts B64
TEST_F(Members, NobodyIsAMemberTwice) {
    expect_code(ask("anna", "invite-member",
                    {{"organizationId", chor_}, {"email", email_of("mia")}, {"role", "member"}}),
                400, "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION");
    const Json body = {{"organizationId", chor_}, {"userId", id_of("mia")}, {"role", "admin"}};
    const base::HttpHeaders service = {{"X-Service-Key", "dev-service-key"}};
    expect_code(post("/api/auth/organization/add-member", body, service), 400,
                "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION");
    EXPECT_THROW(sql("insert into auth.members (id, organization_id, user_id, role) "
                     "values ('x', $1, $2, 'owner')",
                     {chor_, id_of("mia")}),
                 base::Failure);
    EXPECT_EQ(role_of("mia"), "member");
}

TEST_F(Members, OnlyAServiceAddsWithoutAsking) {
    const Json body = {{"organizationId", chor_}, {"userId", id_of("zoe")}, {"role", "member"}};
    EXPECT_EQ(post("/api/auth/organization/add-member", body, as("anna")).status, 401);
    EXPECT_EQ(role_of("zoe"), "");
    const base::HttpHeaders service = {{"X-Service-Key", "dev-service-key"}};
    const Answer added = post("/api/auth/organization/add-member", body, service);
    EXPECT_EQ(added.text("userId"), id_of("zoe")) << added.raw.body;
    EXPECT_EQ(role_of("zoe"), "member");
    Json unknown = body;
    unknown["userId"] = "nobody";
    expect_code(post("/api/auth/organization/add-member", unknown, service), 400, "USER_NOT_FOUND");
}

TEST_F(Members, AHundredAreTheMost) {
    sql(R"(with made as (
             insert into auth.users (id, name, email)
             select 'u' || n, 'x', 'u' || n || '@example.com' from generate_series(1, 96) n
             returning id)
           insert into auth.members (id, organization_id, user_id, role)
           select 'm' || id, $1, id, 'member' from made)",
        {chor_});
    join("anna", chor_, "hundredth");
    const std::string late = invite("anna", chor_, "late");
    expect_code(ask("late", "accept-invitation", {{"invitationId", late}}), 403,
                "ORGANIZATION_MEMBERSHIP_LIMIT_REACHED");
    EXPECT_EQ(ask("anna", "leave", {{"organizationId", chor_}}).status, 400);
    EXPECT_EQ(remove("anna", mia_).status, 200);
    EXPECT_EQ(ask("late", "accept-invitation", {{"invitationId", late}}).status, 200);
}

TEST_F(Members, PermissionsAreAnsweredByName) {
    const auto may = [&](const std::string& who, const Json& permissions) {
        return ask(who, "has-permission", {{"organizationId", chor_}, {"permissions", permissions}})
            .json;
    };
    EXPECT_EQ(may("adam", {{"member", {"create"}}}), (Json{{"error", nullptr}, {"success", true}}));
    EXPECT_EQ(may("adam", {{"organization", {"delete"}}}),
              (Json{{"error", nullptr}, {"success", false}}));
    EXPECT_EQ(ask("anna", "has-permission", {{"permission", {{"organization", {"delete"}}}}})
                  .json["success"],
              true);
    expect_code(ask("anna", "has-permission", {{"permissions", {{"member", "create"}}}}), 400,
                "VALIDATION_ERROR");
}

TEST_F(Members, OtherServicesAskForMemberships) {
    const base::HttpHeaders service = {{"X-Service-Key", "dev-service-key"}};
    const auto asked = [&](const std::string& user) {
        return get("/api/v1/internal/org/" + chor_ + "/member/" + user, service).json;
    };
    EXPECT_EQ(asked(id_of("adam")), (Json{{"isMember", true}, {"role", "admin"}}));
    EXPECT_EQ(asked("nobody"), (Json{{"isMember", false}, {"role", ""}}));
    const Json list =
        get("/api/v1/internal/users/" + id_of("mia") + "/memberships", service).json["memberships"];
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[1], (Json{{"organizationId", chor_}, {"role", "member"}}));
    EXPECT_EQ(get("/api/v1/internal/org/" + chor_ + "/member/x", as("anna")).status, 401);
}

// auth-api-doubts B16: no space, membership or invitation outlives the last who could care for it.
TEST_F(Members, WhoIsDeletedLeavesNothingBehind) {
    const std::string solo = found("adam", "solo");
    join("adam", solo, "mia");
    invite("adam", chor_, "nora");
    invite("anna", chor_, "later");
    sql("insert into auth.invitations (id, organization_id, email, role, status, expires_at) "
        "values ('to-adam', $1, 'adam@example.com', 'member', 'rejected', now())",
        {chor_});
    const std::string adam = id_of("adam");
    pool_.transact([&](base::Transaction& transaction) {
        EXPECT_TRUE(auth::delete_user_completely(transaction, adam));
    });
    EXPECT_EQ(count("auth.organizations where id = $1", {solo}), 0);
    EXPECT_EQ(count("auth.organizations where slug = 'adam'"), 0);
    EXPECT_EQ(count("auth.organizations where id = $1", {chor_}), 1);
    EXPECT_EQ(count("auth.members where user_id = $1", {adam}), 0);
    EXPECT_EQ(count("auth.invitations where email = 'adam@example.com'"), 0);
    EXPECT_EQ(sql("select status from auth.invitations where email = 'nora@example.com'")[0].text(
                  "status"),
              "canceled");
    EXPECT_EQ(sql("select status from auth.invitations where email = 'later@example.com'")[0].text(
                  "status"),
              "pending");
}

}  // namespace
}  // namespace tests
