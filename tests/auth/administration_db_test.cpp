// /api/v1/admin: numbers, users, tiers, over HTTP.
#include <gmock/gmock.h>

#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

class Administration : public SpaceTest {
  protected:
    void SetUp() override {
        SpaceTest::SetUp();
        root_ = add_user("root@example.com", "admin");
        admin_ = bearer(login("root@example.com").text("accessToken"));
        clock_.advance(std::chrono::seconds(1));
    }
    Answer read(const std::string& path) { return get("/api/v1/admin" + path, admin_); }
    Answer tier(const std::string& user, const Json& body) {
        auto headers = admin_;
        headers.emplace_back("Content-Type", "application/json");
        return send("PUT", "/api/v1/admin/users/" + user + "/tier", headers, base::to_text(body));
    }

    std::string root_;
    base::HttpHeaders admin_;
};

// auth-api-doubts B57: successes and failures are both counted, and neither hides the other.
TEST_F(Administration, StatsCountWhatHappened) {
    add_user("eva@example.com");
    login("eva@example.com", "ganz falsch 1");
    login("eva@example.com");
    const Json stats = read("/stats").json;
    EXPECT_EQ(stats["totalUsers"], 2);
    EXPECT_EQ(stats["newUsers7d"], 2);
    EXPECT_EQ(stats["newUsers30d"], 2);
    EXPECT_EQ(stats["activeSessions"], 2);
    EXPECT_EQ(stats["uniqueUsers24h"], 2);
    EXPECT_EQ(stats["loginSuccess7d"], 2);
    EXPECT_EQ(stats["loginFailed7d"], 1);
    EXPECT_EQ(stats["generatedAt"], base::to_iso(clock_.now()));
    clock_.advance(std::chrono::hours(24 * 8));
    admin_ = bearer(login("root@example.com").text("accessToken"));
    const Json later = read("/stats").json;
    EXPECT_EQ(later["newUsers7d"], 0);
    EXPECT_EQ(later["newUsers30d"], 2);
    EXPECT_EQ(later["loginSuccess7d"], 1);
}

// auth-api-doubts B56: users with sessions are listed, pages are clamped.
TEST_F(Administration, UsersAreListedInPagesAndSearched) {
    for (const char* name : {"anna", "hanna", "ben", "50%"}) as(name);
    const Answer page = read("/users?limit=2");
    ASSERT_EQ(page.status, 200) << page.raw.body;
    EXPECT_EQ(page.json["total"], 5);
    ASSERT_EQ(page.json["users"].size(), 2U);
    EXPECT_EQ(page.json["users"][0]["name"], "50%");
    EXPECT_TRUE(page.json["users"][0].contains("lastActiveAt"));
    EXPECT_EQ(read("/users?limit=2&page=3").json["users"].size(), 1U);
    EXPECT_EQ(read("/users?search=ANNA").json["total"], 2);
    EXPECT_EQ(read("/users?search=50%25").json["total"], 1);
    EXPECT_EQ(read("/users?search=%25").json["total"], 1);
    EXPECT_EQ(read("/users?search=_").json["total"], 0);
    for (const char* wrong : {"page=0", "page=x", "page=-1", "limit=0", "limit=101", "limit=1.5",
                              "tier=king", "tier=beta&page=1", "tier=beta&search=x", "pag=1"}) {
        const Answer refused = read("/users?" + std::string(wrong));
        EXPECT_EQ(refused.status, 400) << wrong << refused.raw.body;
        EXPECT_THAT(refused.text("error"),
                    HasSubstr(std::string(wrong).substr(0, std::string(wrong).find('='))));
    }
    EXPECT_EQ(read("/users?search=" + std::string(321, 'a')).status, 400);
    EXPECT_EQ(get("/api/v1/admin/users", as("anna")).status, 401);  // A session token is no JWT.
}

TEST_F(Administration, ATierReachesTheClaimTheSpaceAndTheList) {
    const std::string eva = add_user("eva@example.com");
    EXPECT_EQ(read("/users/" + eva + "/tier").json,
              (Json{{"id", eva}, {"email", "eva@example.com"}, {"accessTier", "public"}}));
    for (const char* word : {"guest", "public", "beta", "alpha", "founder"}) {
        const Answer changed = tier(eva, {{"tier", word}});
        EXPECT_EQ(changed.json["user"]["accessTier"], word) << changed.raw.body;
    }
    const Answer in = login("eva@example.com");
    EXPECT_EQ(in.json["user"]["accessTier"], "founder");
    const auto claim = [&](const std::string& jwt) {
        return post("/api/v1/auth/validate", {{"token", jwt}}).json["payload"]["tier"];
    };
    EXPECT_EQ(claim(in.text("accessToken")), "founder");
    tier(eva, {{"tier", "beta"}});
    // The tier of a token that is minted afterwards, of the same session, is the database's.
    const Answer next =
        post("/api/v1/auth/session-to-token", Json::object(), bearer(in.text("token")));
    EXPECT_EQ(claim(next.text("accessToken")), "beta");
    // auth-api-doubts B73: the personal space follows.
    const Json spaces = get("/api/auth/organization/list", bearer(in.text("token"))).json;
    EXPECT_EQ(spaces[0]["metadata"]["tier"], "beta");
    EXPECT_EQ(spaces[0]["metadata"]["type"], "personal");
    const Json list = read("/users?tier=beta").json;
    EXPECT_EQ(list["count"], 1);
    EXPECT_EQ(list["users"][0]["accessTier"], "beta");
    EXPECT_EQ(count("auth.security_events where event_type = 'TIER_CHANGED' and user_id = $1 and "
                    "metadata ->> 'by' = $2",
                    {eva, root_}),
              6);
    EXPECT_EQ(tier("nobody", {{"tier", "beta"}}).status, 404);
    EXPECT_EQ(read("/users/nobody/tier").status, 404);
    EXPECT_EQ(tier(eva, {{"tier", "king"}}).status, 400);
}

// auth-api-doubts B2: the role is the database's, at this moment.
TEST_F(Administration, WhoIsNoAdministratorAnyMoreIsRefusedAtOnce) {
    EXPECT_EQ(read("/stats").status, 200);
    sql("update auth.users set role = 'user' where id = $1", {root_});
    const Answer refused = read("/stats");
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.text("error"), "Forbidden");
}

TEST_F(Administration, UsersAreShownAndDeletedWithoutAMail) {
    const std::string anna = id_of("anna");
    EXPECT_EQ(read("/users/" + anna + "/data").json["user"]["email"], email_of("anna"));
    EXPECT_EQ(read("/users/nobody/data").status, 404);
    const Answer gone = send("DELETE", "/api/v1/admin/users/" + anna + "/data", admin_);
    EXPECT_EQ(gone.json["success"], true) << gone.raw.body;
    EXPECT_EQ(count("auth.users where id = $1", {anna}), 0);
    EXPECT_TRUE(mails().empty());
    EXPECT_EQ(send("DELETE", "/api/v1/admin/users/" + anna + "/data", admin_).status, 404);
    const Answer self = send("DELETE", "/api/v1/admin/users/" + root_ + "/data", admin_);
    EXPECT_EQ(self.status, 409) << self.raw.body;
    EXPECT_EQ(self.text("code"), "SELF");
    as("pia");
    sql("update auth.users set kind = 'persona' where id = $1", {id_of("pia")});
    EXPECT_EQ(send("DELETE", "/api/v1/admin/users/" + id_of("pia") + "/data", admin_).status, 403);
}

}  // namespace
}  // namespace tests
