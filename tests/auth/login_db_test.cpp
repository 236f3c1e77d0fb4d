// Logging in over the wire: what is answered, what is counted, what is kept.
#include "auth/identity/login.hpp"

#include <atomic>
#include <thread>

#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class LoginTest : public ServiceTest {};

// auth-api-doubts B3, B4
TEST_F(LoginTest, LoginAnswersAllTokensAndSetsTheCookie) {
    start();
    const std::string id = add_user("anna@example.com");

    const Answer answer = login("anna@example.com");

    ASSERT_EQ(answer.status, 200) << answer.raw.body;
    EXPECT_EQ(answer.json["redirect"], false);
    EXPECT_EQ(answer.text("token").size(), 32u);
    EXPECT_EQ(answer.text("refreshToken"), answer.text("token"));
    EXPECT_EQ(answer.json["user"]["id"], id);
    EXPECT_EQ(answer.json["user"]["emailVerified"], true);
    const std::string jwt = answer.text("accessToken");
    EXPECT_EQ(std::count(jwt.begin(), jwt.end(), '.'), 2);
    ASSERT_EQ(answer.cookies().size(), 1u);
    EXPECT_TRUE(
        answer.cookies()[0].starts_with("mana.session_token=" + answer.text("token") + "."));
    EXPECT_NE(answer.cookies()[0].find("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"),
              std::string::npos);
}

// auth-api-doubts B65
TEST_F(LoginTest, AnAccessTokenIsValidForAQuarterOfAnHour) {
    start();
    add_user("anna@example.com", "admin");
    const std::string jwt = login("anna@example.com").text("accessToken");

    const Answer good = post("/api/v1/auth/validate", {{"token", jwt}});
    EXPECT_EQ(good.json["valid"], true);
    EXPECT_EQ(good.json["payload"]["email"], "anna@example.com");
    EXPECT_EQ(good.json["payload"]["role"], "admin");  // auth-api-doubts B2
    EXPECT_EQ(good.json["payload"]["kind"], "human");
    EXPECT_EQ(good.json["payload"]["iss"], service_->url());
    EXPECT_EQ(good.json["payload"]["aud"], "mana");

    clock_.advance(std::chrono::minutes(16));
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", jwt}}).json, base::Json({{"valid", false}}));
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", "x"}}).json["valid"], false);
    EXPECT_EQ(send("POST", "/api/v1/auth/validate", {}, "nonsense").text("error"), "VALIDATION");
}

TEST_F(LoginTest, UnknownAndWrongAnswerAlike) {
    start();
    add_user("anna@example.com");

    const Answer wrong = login("anna@example.com", "wrong-password");
    const Answer unknown = login("nobody@example.com", "wrong-password");

    EXPECT_EQ(wrong.status, 401);
    EXPECT_EQ(wrong.text("error"), "INVALID_CREDENTIALS");
    EXPECT_EQ(wrong.raw.body, unknown.raw.body);
    EXPECT_EQ(count("auth.security_events where event_type = 'LOGIN_FAILURE'"), 2);
}

TEST_F(LoginTest, BadInputNamesTheField) {
    start();

    EXPECT_EQ(login("no address").status, 400);
    EXPECT_NE(login("no address").text("message").find("email"), std::string::npos);
    const Answer missing = post("/api/v1/auth/login", {{"email", "a@b.de"}});
    EXPECT_EQ(missing.status, 400);
    EXPECT_EQ(missing.text("error"), "VALIDATION");
    EXPECT_NE(missing.text("message").find("password"), std::string::npos);
    EXPECT_EQ(send("POST", "/api/v1/auth/login", {}, "{").status, 400);
}

// auth-api-doubts B19, B21
TEST_F(LoginTest, FiveWrongPasswordsLockForThirtyMinutesInAnySpelling) {
    start();
    add_user("dora@example.com");
    for (int i = 0; i < 5; ++i) {
        const std::string spelling = i % 2 == 0 ? "dora@example.com" : "Dora@Example.com";
        EXPECT_EQ(login(spelling, "wrong-password").status, 401);
    }

    const Answer locked = login("DORA@example.com");
    EXPECT_EQ(locked.status, 429);
    EXPECT_EQ(locked.text("error"), "ACCOUNT_LOCKED");
    EXPECT_EQ(locked.json["retryAfterSec"], 1800);
    EXPECT_EQ(locked.raw.header("Retry-After"), "1800");

    clock_.advance(std::chrono::minutes(29));
    EXPECT_EQ(login("dora@example.com").status, 429);
    clock_.advance(std::chrono::minutes(1));
    EXPECT_EQ(login("dora@example.com").status, 200);
}

TEST_F(LoginTest, WrongPasswordsFarApartDoNotLock) {
    start();
    add_user("dora@example.com");
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(login("dora@example.com", "wrong-password").status, 401);
        clock_.advance(std::chrono::minutes(4));
    }
    EXPECT_EQ(login("dora@example.com").status, 200);
}

// auth-api-doubts B20
TEST_F(LoginTest, GuessesOnTheNativeRouteCountToo) {
    start();
    add_user("dora@example.com");
    const base::Json guess = {{"email", "dora@example.com"}, {"password", "wrong-password"}};
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(post("/api/auth/sign-in/email", guess).text("code"), "INVALID_EMAIL_OR_PASSWORD");
    }

    EXPECT_EQ(post("/api/auth/sign-in/email", guess).text("code"), "ACCOUNT_LOCKED");
    EXPECT_EQ(login("dora@example.com").status, 429);
}

// auth-api-doubts B22: of many guesses at once, five learn something.
TEST_F(LoginTest, ParallelGuessesGetFiveAnswers) {
    auth::Options wide = options();
    wide.scrypt_parallel_max = 4;
    wide.scrypt_waiting_max = 64;
    start(wide);
    add_user("dora@example.com");
    std::atomic<int> refused{0}, locked{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 50; ++i) {
        threads.emplace_back([&] {
            // 503 is no verdict: a slow machine could not hash it in time.
            int status = 503;
            for (int again = 0; status == 503 && again < 20; ++again) {
                status = login("dora@example.com", "wrong-password").status;
            }
            if (status == 401) ++refused;
            if (status == 429) ++locked;
        });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(refused, 5);
    EXPECT_EQ(locked, 45);
}

// auth-api-doubts B22: a stranger's guesses do not shut her out where she has been before.
TEST_F(LoginTest, AStrangerLocksOnlyUnknownPlaces) {
    auth::Options proxied = options();
    proxied.trusted_proxies = {"127.0.0.1"};
    start(proxied);
    add_user("dora@example.com");
    const auto from = [&](const std::string& address, const std::string& password) {
        return post("/api/v1/auth/login", {{"email", "dora@example.com"}, {"password", password}},
                    {{"X-Forwarded-For", address}})
            .status;
    };
    ASSERT_EQ(from("192.0.2.1", good_password), 200);

    for (int i = 0; i < 5; ++i) EXPECT_EQ(from("198.51.100.7", "wrong-password"), 401);

    EXPECT_EQ(from("198.51.100.8", good_password), 429);
    EXPECT_EQ(from("192.0.2.1", good_password), 200);
}

// auth-api-doubts B23
TEST_F(LoginTest, AForwardedAddressIsBelievedFromProxiesOnly) {
    start();
    add_user("dora@example.com");
    post("/api/v1/auth/login", {{"email", "dora@example.com"}, {"password", good_password}},
         {{"X-Forwarded-For", "192.0.2.1"}});

    EXPECT_EQ(sql("select ip_address from auth.sessions")[0].text("ip_address"), "127.0.0.1");

    auth::Options proxied = options();
    proxied.trusted_proxies = {"127.0.0.1", "10.0.0.0/8"};
    start(proxied);
    // The client's own header and the proxy's are one list.
    post("/api/v1/auth/login", {{"email", "dora@example.com"}, {"password", good_password}},
         {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "192.0.2.1, 10.0.0.1"}});
    EXPECT_EQ(count("auth.sessions where ip_address = '192.0.2.1'"), 1);
}

TEST_F(LoginTest, TheServiceKeyExemptsFromAddressLimits) {
    auth::Options limited = options();
    limited.address_limits = true;
    start(limited);
    add_user("anna@example.com");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(login("anna@example.com").status, 200);

    const Answer refused = login("anna@example.com");
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.text("error"), "RATE_LIMITED");

    const base::Json body = {{"email", "anna@example.com"}, {"password", good_password}};
    EXPECT_EQ(post("/api/v1/auth/login", body, {{"X-Service-Key", "dev-service-key"}}).status, 200);
    EXPECT_EQ(post("/api/v1/auth/login", body, {{"X-Service-Key", "wrong"}}).status, 429);
}

// auth-api-doubts B39
TEST_F(LoginTest, TheDatabaseHoldsNoToken) {
    start();
    add_user("anna@example.com");
    const std::string token = login("anna@example.com").text("token");

    const std::string stored = sql("select token from auth.sessions")[0].text("token");
    EXPECT_EQ(stored, "sha256:" + base::to_hex(base::sha256(token)));
}

// auth-api-doubts B44
TEST_F(LoginTest, ADeletedUserIsUnknown) {
    start();
    add_user("anna@example.com");
    const Answer before = login("anna@example.com");
    sql("update auth.users set deleted_at = now()");

    EXPECT_EQ(login("anna@example.com").text("error"), "INVALID_CREDENTIALS");
    EXPECT_EQ(get("/api/auth/token", bearer(before.text("token"))).status, 401);
}

// auth-api-doubts B46, B57
TEST_F(LoginTest, EventsNameUserAndAgentAndAttemptsStay) {
    start();
    const std::string id = add_user("anna@example.com");
    login("anna@example.com", "wrong-password");
    const Answer in =
        post("/api/v1/auth/login", {{"email", "anna@example.com"}, {"password", good_password}},
             {{"User-Agent", "browser/1"}});
    send("POST", "/api/v1/auth/logout", bearer(in.text("token")));

    EXPECT_EQ(count("auth.security_events where user_id = $1 and event_type = 'LOGIN_SUCCESS' and "
                    "user_agent = 'browser/1'",
                    {id}),
              1);
    EXPECT_EQ(count("auth.security_events where user_id = $1 and event_type = 'LOGOUT'", {id}), 1);
    EXPECT_EQ(count("auth.login_attempts where successful"), 1);
    EXPECT_EQ(count("auth.login_attempts where not successful"), 1);
}

TEST_F(LoginTest, AnAccountWithASecondFactorGetsNoSession) {
    start();
    add_user("anna@example.com");
    sql("update auth.users set two_factor_enabled = true");

    const Answer answer = login("anna@example.com");

    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json["twoFactorRedirect"], true);
    for (const char* token : {"token", "accessToken", "refreshToken"}) {
        EXPECT_FALSE(answer.json.contains(token)) << token;
    }
    for (const std::string& cookie : answer.cookies()) {
        const bool session = cookie.starts_with("mana.session_token=");
        EXPECT_TRUE(!session || cookie.starts_with("mana.session_token=;")) << cookie;
    }
    EXPECT_EQ(count("auth.sessions"), 0);
}

// auth-api-doubts B12: a user whom an older service left without a space gets one.
TEST_F(LoginTest, LoginRepairsAMissingPersonalSpace) {
    start();
    add_user("anna@example.com");
    sql("delete from auth.organizations");

    const Answer answer = login("anna@example.com");

    const Answer spaces = get("/api/auth/organization/list", bearer(answer.text("accessToken")));
    ASSERT_EQ(spaces.json.size(), 1u);
    EXPECT_EQ(spaces.json[0]["metadata"]["type"], "personal");
}

// auth-api-doubts B5
TEST_F(LoginTest, RefreshTakesBodyBearerOrCookie) {
    start();
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    const std::string token = in.text("token");

    const Answer body = post("/api/v1/auth/refresh", {{"refreshToken", token}});
    EXPECT_EQ(body.status, 200);
    EXPECT_EQ(body.text("refreshToken"), token);
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", body.text("accessToken")}}).json["valid"],
              true);
    EXPECT_EQ(send("POST", "/api/v1/auth/refresh", bearer(token)).status, 200);
    EXPECT_EQ(send("POST", "/api/v1/auth/refresh",
                   {{"Cookie", sent_cookie(in)}, {"Origin", "https://mana.how"}})
                  .status,
              200);

    EXPECT_EQ(post("/api/v1/auth/refresh", {{"refreshToken", "x"}}).text("error"), "TOKEN_EXPIRED");
    EXPECT_EQ(send("POST", "/api/v1/auth/refresh").status, 401);
    EXPECT_EQ(send("POST", "/api/v1/auth/refresh", {{"Cookie", sent_cookie(in)}}).text("error"),
              "MISSING_OR_NULL_ORIGIN");
    clock_.advance(std::chrono::hours(24 * 7 + 1));
    EXPECT_EQ(post("/api/v1/auth/refresh", {{"refreshToken", token}}).status, 401);
}

// auth-api-doubts B37, B45
TEST_F(LoginTest, AfterLogoutNeitherTokenIsAccepted) {
    start();
    add_user("anna@example.com", "admin");
    const Answer in = login("anna@example.com");
    EXPECT_EQ(get("/api/v1/admin/personas", bearer(in.text("accessToken"))).status, 200);

    EXPECT_EQ(send("POST", "/api/v1/auth/logout", bearer(in.text("token"))).json,
              base::Json({{"success", true}}));

    EXPECT_EQ(get("/api/auth/token", bearer(in.text("token"))).status, 401);
    EXPECT_EQ(get("/api/auth/organization/list", bearer(in.text("accessToken"))).status, 401);
    EXPECT_EQ(get("/api/v1/admin/personas", bearer(in.text("accessToken"))).status, 401);
    EXPECT_EQ(send("POST", "/api/v1/auth/session-to-token", bearer(in.text("token"))).text("error"),
              "UNAUTHORIZED");
    EXPECT_EQ(send("POST", "/api/v1/auth/logout").json, base::Json({{"success", true}}));
}

// auth-api-doubts B2, B37: the role is looked up, not believed.
TEST_F(LoginTest, AnAdminWhoIsNoneAnyMoreIsForbidden) {
    start();
    add_user("anna@example.com", "admin");
    const std::string jwt = login("anna@example.com").text("accessToken");
    sql("update auth.users set role = 'user'");

    const Answer answer = get("/api/v1/admin/personas", bearer(jwt));

    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.text("error"), "Forbidden");
    sql("delete from auth.users");
    EXPECT_EQ(get("/api/v1/admin/personas", bearer(jwt)).status, 401);
    EXPECT_TRUE(get("/api/v1/admin/personas").json.contains("statusCode"));
}

// auth-api-doubts B36
TEST_F(LoginTest, TheServiceKeyOpensInternalRoutesOnly) {
    start();
    const std::string id = add_user("anna@example.com");
    const std::string path = "/api/v1/internal/users/" + id + "/memberships";

    EXPECT_EQ(get(path).status, 401);
    EXPECT_EQ(get(path, {{"X-Service-Key", "dev-service-kez"}}).status, 401);
    const Answer answer = get(path, {{"X-Service-Key", "dev-service-key"}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.json["userId"], id);
    EXPECT_EQ(answer.json["memberships"][0]["role"], "owner");
    EXPECT_EQ(
        get("/api/v1/internal/users/nobody/memberships", {{"X-Service-Key", "dev-service-key"}})
            .json["memberships"],
        base::Json::array());
}

// auth-api-doubts B36
TEST_F(LoginTest, ProductionRefusesDevelopmentDefaults) {
    auth::Options production = options();
    production.production = true;
    const auto refusal = [&] {
        try {
            start(production);
        } catch (const base::Failure& failure) {
            return std::string(failure.what());
        }
        return std::string("none");
    };
    production.notify_url = "http://127.0.0.1:9";
    EXPECT_EQ(refusal().find("MANA_SERVICE_KEY"), 0U) << "only this one is the default";
    production.service_key = base::Secret("a-service-key-of-our-own");
    production.secret = base::Secret(auth::development_secret);
    EXPECT_EQ(refusal().find("BETTER_AUTH_SECRET"), 0U);
    production.secret = service_secret;
    production.notify_url.clear();
    EXPECT_EQ(refusal().find("MANA_NOTIFY_URL"), 0U);
    production.notify_url = "http://127.0.0.1:9";
    production.cors_origins = {"https://app.example.org"};
    start(production);
    EXPECT_EQ(get("/health").text("service"), "mana-auth");
    // What runs on a visitor's own machine is no page of ours.
    for (const char* origin : {"http://localhost:5173", "http://localhost:3001"}) {
        const Answer borrowed =
            post("/api/auth/sign-out", Json::object(), {{"Cookie", "x=y"}, {"Origin", origin}});
        EXPECT_EQ(borrowed.text("code"), "INVALID_ORIGIN") << origin;
        EXPECT_EQ(borrowed.raw.header("Access-Control-Allow-Origin"), "") << origin;
    }
}

}  // namespace
}  // namespace tests
