// What a user sees and does of her own account, over the wire.
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

class ProfileTest : public ServiceTest {
  protected:
    void SetUp() override {
        start();
        anna_ = add_user("anna@example.com");
        in_ = login("anna@example.com");
        me_ = bearer(in_.text("token"));
    }
    Answer remove(const std::string& path, const Json& body, base::HttpHeaders headers) {
        headers.emplace_back("Content-Type", "application/json");
        return send("DELETE", path, headers, base::to_text(body));
    }

    std::string anna_;
    Answer in_;
    base::HttpHeaders me_;
};

TEST_F(ProfileTest, NameAndImageChangeOnBothRoutes) {
    EXPECT_EQ(post("/api/v1/auth/profile", {{"name", " Anna B "}}, me_).json["status"], true);
    EXPECT_EQ(
        post("/api/auth/update-user", {{"image", "https://example.com/a.png"}}, me_).json["status"],
        true);
    const Json user = get("/api/v1/auth/profile", me_).json["user"];
    EXPECT_EQ(user["name"], "Anna B");
    EXPECT_EQ(user["image"], "https://example.com/a.png");
    post("/api/auth/update-user", {{"image", nullptr}}, me_);
    EXPECT_TRUE(get("/api/v1/auth/profile", me_).json["user"]["image"].is_null());
    // auth-api-doubts B46
    EXPECT_EQ(count("auth.security_events where event_type = 'PROFILE_UPDATED' and user_id = $1",
                    {anna_}),
              3);
    EXPECT_TRUE(get("/api/v1/auth/profile").json.is_null());
}

TEST_F(ProfileTest, WhatIsNotHersToChangeIsRefused) {
    const auto code = [&](const Json& body) {
        return post("/api/auth/update-user", body, me_).text("code");
    };
    EXPECT_EQ(code({{"name", "x"}, {"email", "x@example.com"}}), "EMAIL_CAN_NOT_BE_UPDATED");
    EXPECT_EQ(code({{"name", "x"}, {"accessTier", "founder"}}), "FIELD_NOT_ALLOWED");
    EXPECT_EQ(code({{"name", "x"}, {"kind", "system"}}), "FIELD_NOT_ALLOWED");
    EXPECT_EQ(code({{"role", "admin"}}), "VALIDATION_ERROR") << "nothing is left to change";
    EXPECT_EQ(post("/api/v1/auth/profile", {{"email", "x@example.com"}}, me_).text("error"),
              "VALIDATION");
    EXPECT_EQ(post("/api/v1/auth/profile", {{"name", "x"}}).text("error"), "UNAUTHORIZED");
    EXPECT_EQ(get("/api/auth/get-session", me_).json["user"]["role"], "user");
}

// auth-api-doubts B31: no foreign page changes anything with her cookie.
TEST_F(ProfileTest, ACookieNeedsATrustedPageAndJson) {
    const std::string cookie = sent_cookie(in_);
    const std::string body = R"({"name":"Eve"})";
    const auto from = [&](const char* origin, const char* type) {
        return send("POST", "/api/v1/auth/profile",
                    {{"Cookie", cookie}, {"Origin", origin}, {"Content-Type", type}}, body)
            .status;
    };
    EXPECT_EQ(from("https://evil.example", "application/json"), 403);
    EXPECT_EQ(from("https://mana.how", "text/plain"), 415);
    EXPECT_EQ(from("https://mana.how", "application/json"), 200);
}

// auth-api-doubts B58
TEST_F(ProfileTest, AnAccountIsDeletedWithItsPasswordAndLeavesAPseudonym) {
    EXPECT_EQ(remove("/api/v1/auth/account", {{"password", "wrong-password"}}, me_).text("error"),
              "INVALID_CREDENTIALS");
    EXPECT_EQ(remove("/api/v1/auth/account", Json::object(), me_).text("error"), "VALIDATION");

    const Answer gone = remove("/api/v1/auth/account", {{"password", good_password}}, me_);

    ASSERT_EQ(gone.status, 200) << gone.raw.body;
    EXPECT_EQ(gone.cookies().size(), 3u);
    EXPECT_EQ(count("auth.users"), 0);
    EXPECT_EQ(count("auth.organizations"), 0);
    EXPECT_EQ(count("auth.security_events where event_type = 'ACCOUNT_DELETED' and user_id is "
                    "null and ip_address is null and pseudonym is not null"),
              1);
    EXPECT_THAT(mails().at(0), HasSubstr("To: anna@example.com"));
    // auth-api-doubts B37: her JWT ends with her.
    EXPECT_EQ(get("/api/auth/token", bearer(in_.text("accessToken"))).status, 401);
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", in_.text("accessToken")}}).json["valid"],
              false);
    EXPECT_EQ(remove("/api/v1/auth/account", {{"password", good_password}},
                     bearer(in_.text("accessToken")))
                  .status,
              401);
}

TEST_F(ProfileTest, TheCreditsServiceIsToldOfADeletedAccount) {
    base::Server credits{base::ServerOptions{}};
    std::string target;
    credits.route("DELETE", "/*", [&](const base::ServerRequest& request) {
        target = request.target;
        return base::ServerResponse::json(Json::object());
    });
    credits.start();
    auth::Options told = options();
    told.credits_url = credits.url();
    start(told);

    ASSERT_EQ(post("/api/auth/delete-user", {{"password", good_password}}, me_).json["success"],
              true);
    service_->deliver_due();
    credits.stop();

    EXPECT_EQ(target, "/api/v1/internal/credits/balance/" + anna_);
}

TEST_F(ProfileTest, AFreshSessionMayDeleteWithoutThePassword) {
    EXPECT_EQ(post("/api/auth/delete-user", {{"password", "wrong-password"}}, me_).text("code"),
              "INVALID_PASSWORD");
    clock_.advance(std::chrono::hours(24));
    EXPECT_EQ(post("/api/auth/delete-user", Json::object(), me_).text("code"), "SESSION_EXPIRED");
    EXPECT_EQ(count("auth.users"), 1);

    const Answer fresh = login("anna@example.com");
    EXPECT_EQ(send("POST", "/api/auth/delete-user", bearer(fresh.text("token"))).json["success"],
              true);
    EXPECT_EQ(count("auth.users"), 0);
}

// auth-api-doubts B39, B68
TEST_F(ProfileTest, SessionsAreListedByIdAndEndOneByOne) {
    const Answer other = login("anna@example.com");
    const Json list = get("/api/auth/list-sessions", me_).json;
    ASSERT_EQ(list.size(), 2u);
    std::string other_id;
    for (const Json& session : list) {
        const bool current = session["token"] == in_.text("token");
        if (!current) other_id = session["id"].get<std::string>();
        EXPECT_EQ(session["token"], current ? Json(in_.text("token")) : session["id"]);
        EXPECT_EQ(session["userId"], anna_);
    }
    const Json plain = get("/api/v1/auth/sessions", me_).json;
    ASSERT_EQ(plain.size(), 2u);
    EXPECT_FALSE(plain[0].contains("token"));
    EXPECT_EQ(plain[0]["current"] != plain[1]["current"], true);

    add_user("ben@example.com");
    const Answer ben = login("ben@example.com");
    EXPECT_EQ(post("/api/auth/revoke-session", {{"token", ben.text("token")}}, me_).json["status"],
              true);
    EXPECT_EQ(get("/api/auth/token", bearer(ben.text("token"))).status, 200) << "not hers";

    EXPECT_EQ(post("/api/auth/revoke-session", {{"token", other_id}}, me_).json["status"], true);
    EXPECT_EQ(get("/api/auth/token", bearer(other.text("token"))).status, 401);
    EXPECT_EQ(count("auth.security_events where event_type = 'SESSION_REVOKED'"), 1);

    const Answer third = login("anna@example.com");
    EXPECT_EQ(
        post("/api/auth/revoke-session", {{"token", third.text("token")}}, me_).json["status"],
        true);
    EXPECT_EQ(get("/api/auth/token", bearer(third.text("token"))).status, 401);
    const std::string id = get("/api/v1/auth/sessions", me_).json[0]["id"].get<std::string>();
    EXPECT_EQ(send("DELETE", "/api/v1/auth/sessions/" + id, me_).json["success"], true);
    EXPECT_EQ(get("/api/v1/auth/sessions", me_).status, 401);
}

TEST_F(ProfileTest, AccountsAreListedAsTheClientLibraryReadsThem) {
    const Json list = get("/api/auth/list-accounts", me_).json;
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0]["providerId"], "credential");
    EXPECT_EQ(list[0]["accountId"], anna_);
    EXPECT_EQ(list[0]["userId"], anna_);
    EXPECT_EQ(list[0]["scopes"], Json::array());
    EXPECT_EQ(base::to_text(list).find("password"), std::string::npos);
    EXPECT_EQ(get("/api/auth/list-accounts").status, 401);
}

// What better-auth's server answers when no other provider is set up.
TEST_F(ProfileTest, OtherProvidersAreToldOfAsMissing) {
    const auto expect = [&](const Answer& answer, int status, const std::string& code) {
        EXPECT_EQ(answer.status, status) << answer.raw.body;
        EXPECT_EQ(answer.text("code"), code) << answer.raw.body;
    };
    const std::string native = "/api/auth/";
    for (const char* path : {"sign-in/social", "link-social"}) {
        expect(post(native + path, {{"provider", "google"}}, me_), 404, "PROVIDER_NOT_FOUND");
        expect(post(native + path, Json::object(), me_), 400, "VALIDATION_ERROR");
        expect(post(native + path,
                    {{"provider", "google"}, {"callbackURL", "https://evil.example"}}, me_),
               403, "INVALID_CALLBACK_URL");
    }
    expect(post(native + "sign-in/social", {{"provider", "google"}}), 404, "PROVIDER_NOT_FOUND");
    for (const char* path : {"refresh-token", "get-access-token"}) {
        expect(post(native + path, {{"providerId", "google"}}, me_), 400, "PROVIDER_NOT_SUPPORTED");
    }
    expect(get(native + "account-info", me_), 400, "ACCOUNT_NOT_FOUND");
    expect(get(native + "account-info?accountId=x", me_), 400, "ACCOUNT_NOT_FOUND");
    expect(get(native + "account-info?accountId=" + anna_, me_), 400, "PROVIDER_NOT_CONFIGURED");
    expect(get(native + "delete-user/callback?token=x", me_), 404, "INVALID_TOKEN");
    EXPECT_THAT(std::string(get(native + "callback/google").raw.header("Location")),
                testing::EndsWith("/api/auth/error?error=state_not_found"));
    EXPECT_THAT(std::string(get(native + "callback/google?state=x").raw.header("Location")),
                testing::EndsWith("/api/auth/error?error=state_mismatch"));
    for (const char* path : {"link-social", "unlink-account", "get-access-token"}) {
        EXPECT_EQ(post(native + path, {{"provider", "x"}, {"providerId", "x"}}).status, 401);
    }
}

TEST_F(ProfileTest, OfTwoAccountsOneCanGoAndTheLastStays) {
    const auto unlink = [&](const Json& body) {
        return post("/api/auth/unlink-account", body, me_);
    };
    EXPECT_EQ(unlink({{"providerId", "google"}}).text("code"), "FAILED_TO_UNLINK_LAST_ACCOUNT");
    sql("insert into auth.accounts (id, account_id, provider_id, user_id) values "
        "('g', 'her id there', 'google', $1)",
        {anna_});
    EXPECT_EQ(unlink({{"providerId", "github"}}).text("code"), "ACCOUNT_NOT_FOUND");
    EXPECT_EQ(unlink({{"providerId", "google"}, {"accountId", "another"}}).text("code"),
              "ACCOUNT_NOT_FOUND");
    // Both at once: each is one of two until the other is gone.
    std::vector<std::thread> threads;
    pool_.transact([&](base::Transaction& transaction) {
        transaction.run("select id from auth.accounts for update");
        for (const char* provider : {"google", "credential"}) {
            threads.emplace_back([&, provider] { unlink({{"providerId", provider}}); });
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (count("pg_locks where not granted") < 2) {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            std::this_thread::yield();
        }
    });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(count("auth.accounts"), 1);
    EXPECT_EQ(count("auth.security_events where event_type = 'ACCOUNT_UNLINKED'"), 1);
    clock_.advance(std::chrono::hours(24));
    EXPECT_EQ(unlink({{"providerId", "credential"}}).text("code"), "SESSION_NOT_FRESH");
}

TEST_F(ProfileTest, APictureIsTheAddressOfOne) {
    for (const char* image : {"javascript:alert(1)", "//evil.example/x", "data:text/html,x", "x"}) {
        const Answer refused = post("/api/auth/update-user", {{"image", image}}, me_);
        EXPECT_EQ(refused.status, 400) << image;
        EXPECT_THAT(refused.text("message"), HasSubstr("image must be text: the address"));
    }
    for (const char* image : {"https://mana.how/a.png", "/a.png", "data:image/png;base64,AA", ""}) {
        EXPECT_EQ(post("/api/auth/update-user", {{"image", image}}, me_).status, 200) << image;
    }
}

// Nobody moves into a space, or lives longer, by writing it into her own session.
TEST_F(ProfileTest, NoFieldOfASessionIsItsUsersToSet) {
    const auto before = sql("select * from auth.sessions order by id")[0].text("id");
    for (const char* field : {"activeOrganizationId", "expiresAt", "userId", "token", "id"}) {
        const Answer refused = post("/api/auth/update-session", {{field, "x"}}, me_);
        EXPECT_EQ(refused.status, 400) << field;
        EXPECT_EQ(refused.text("code"), "FIELD_NOT_ALLOWED") << field;
        EXPECT_THAT(refused.text("message"), HasSubstr(field));
    }
    EXPECT_EQ(post("/api/auth/update-session", {{"theme", "dark"}}, me_).status, 400);
    EXPECT_EQ(post("/api/auth/update-session", Json::object(), me_).status, 400);
    EXPECT_EQ(post("/api/auth/update-session", {{"theme", "dark"}}).status, 401);
    EXPECT_EQ(sql("select * from auth.sessions order by id")[0].text("id"), before);
}

TEST_F(ProfileTest, AllOrAllOtherSessionsEnd) {
    const Answer two = login("anna@example.com"), three = login("anna@example.com");
    EXPECT_EQ(post("/api/auth/revoke-other-sessions", Json::object(), me_).json["status"], true);
    EXPECT_EQ(get("/api/auth/token", bearer(two.text("token"))).status, 401);
    EXPECT_EQ(get("/api/auth/token", bearer(three.text("accessToken"))).status, 401);
    EXPECT_EQ(get("/api/auth/token", me_).status, 200);

    EXPECT_EQ(send("POST", "/api/auth/revoke-sessions", me_).json["status"], true);
    EXPECT_EQ(get("/api/auth/token", me_).status, 401);
    EXPECT_EQ(send("DELETE", "/api/v1/auth/sessions/x", me_).status, 401);
}

// auth-api-doubts B53
TEST_F(ProfileTest, OwnEventsComeInPagesNewestFirst) {
    add_user("ben@example.com");
    login("ben@example.com");
    for (int i = 0; i < 6; ++i) {
        clock_.advance(std::chrono::seconds((i + 1) % 2));  // Some at the same time.
        post("/api/v1/auth/profile", {{"name", "Anna " + std::to_string(i)}}, me_);
    }
    const auto page = [&](const std::string& query) {
        return get("/api/v1/auth/security-events" + query, bearer(in_.text("accessToken")));
    };
    std::vector<std::string> seen;
    std::string query = "?limit=3";
    for (int i = 0; i < 4; ++i) {
        const Answer answer = page(query);
        ASSERT_EQ(answer.status, 200) << answer.raw.body;
        for (const Json& event : answer.json) {
            EXPECT_EQ(event["userId"], anna_);
            EXPECT_TRUE(event["ipAddress"].is_string());
            seen.push_back(event["id"].get<std::string>());
        }
        if (answer.json.empty()) break;
        query = "?limit=3&before=" + seen.back();
    }
    EXPECT_EQ(seen.size(), 7u) << "her login and six changes";
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 7u);
    EXPECT_EQ(page("").json.back()["eventType"], "LOGIN_SUCCESS");
    EXPECT_EQ(page("?before=nonsense").status, 400);
    EXPECT_THAT(page("?before=nonsense").text("message"), HasSubstr("before: must be"));
    for (const char* limit : {"0", "201", "x", "", "1.5"}) {
        const Answer refused = page("?limit=" + std::string(limit));
        EXPECT_EQ(refused.status, 400) << limit;
        EXPECT_THAT(refused.text("message"), HasSubstr("from 1 to 200")) << limit;
    }
    EXPECT_EQ(get("/api/v1/auth/security-events").status, 401);
}

// auth-api-doubts B27: what counts are users of the day, whichever way they came.
TEST_F(ProfileTest, TheSignUpStatusTellsWhatIsLeftToday) {
    EXPECT_EQ(base::to_text(get("/api/v1/auth/signup-status").json),
              R"({"registrationOpen":true,"spotsRemaining":null,"totalToday":0,"limit":0,)"
              R"("resetsAt":""})");
    auth::Options capped = options();
    capped.daily_signups_max = 2;
    start(capped);
    EXPECT_EQ(base::to_text(get("/api/v1/auth/signup-status").json),
              R"({"registrationOpen":true,"spotsRemaining":1,"totalToday":1,"limit":2,)"
              R"("resetsAt":"2026-11-21T00:00:00.000Z"})");
    add_user("ben@example.com");
    EXPECT_EQ(get("/api/v1/auth/signup-status").json["registrationOpen"], false);
    clock_.advance(std::chrono::hours(24));
    EXPECT_EQ(get("/api/v1/auth/signup-status").json["spotsRemaining"], 2);
}

}  // namespace
}  // namespace tests
