// /api/auth and what holds for every answer, over the wire.
#include "auth/identity/cookie.hpp"
#include "base/jwt.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class NativeTest : public ServiceTest {
  protected:
    Answer sign_in(const base::Json& more = base::Json::object()) {
        base::Json body = {{"email", "anna@example.com"}, {"password", good_password}};
        body.update(more);
        return post("/api/auth/sign-in/email", body);
    }
};

TEST_F(NativeTest, SigningInGivesACookieThatReadsTheSession) {
    start();
    const std::string id = add_user("anna@example.com");

    const Answer in = sign_in();
    const Answer session = get("/api/auth/get-session", {{"Cookie", sent_cookie(in)}});

    EXPECT_EQ(in.status, 200);
    EXPECT_EQ(in.json["redirect"], false);
    EXPECT_EQ(session.json["session"]["userId"], id);
    EXPECT_EQ(session.json["session"]["token"], in.text("token"));
    EXPECT_EQ(session.json["user"]["email"], "anna@example.com");
    const std::string jwt(session.raw.header("set-auth-jwt"));
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", jwt}}).json["valid"], true);
    EXPECT_EQ(session.raw.header("Access-Control-Expose-Headers"), "Set-Cookie, set-auth-jwt");
    EXPECT_EQ(get("/api/v1/auth/session", {{"Cookie", sent_cookie(in)}}).json["user"]["id"], id);
}

TEST_F(NativeTest, WithoutASessionThereIsNull) {
    start();

    const Answer nobody = get("/api/auth/get-session");
    EXPECT_EQ(nobody.status, 200);
    EXPECT_TRUE(nobody.json.is_null());
    EXPECT_TRUE(nobody.cookies().empty());

    const std::string dead = auth::sign_cookie(service_secret, base::random_id());
    const Answer unknown = get("/api/auth/get-session", {{"Cookie", "mana.session_token=" + dead}});
    EXPECT_TRUE(unknown.json.is_null());
    EXPECT_EQ(unknown.cookies().size(), 3u);
    EXPECT_EQ(unknown.cookies()[0],
              "mana.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");

    const Answer posted = post("/api/auth/get-session", base::Json::object());
    EXPECT_EQ(posted.status, 405);
    EXPECT_EQ(posted.text("code"), "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED");
}

// auth-api-doubts B1: every way of showing who one is opens the reads.
TEST_F(NativeTest, CookieSessionTokenAndJwtAllList) {
    start();
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    const std::vector<base::HttpHeaders> ways = {
        {{"Cookie", sent_cookie(in)}}, bearer(in.text("token")), bearer(in.text("accessToken"))};
    for (const auto& headers : ways) {
        const Answer list = get("/api/auth/organization/list", headers);
        ASSERT_EQ(list.status, 200);
        ASSERT_EQ(list.json.size(), 1u);
        EXPECT_EQ(list.json[0]["slug"], "anna");
        // auth-api-doubts B66: metadata is an object, always.
        EXPECT_EQ(base::to_text(list.json[0]["metadata"]),
                  R"({"tier":"public","type":"personal"})");
        EXPECT_EQ(get("/api/auth/token", headers).text("token").substr(0, 3), "eyJ");
        EXPECT_EQ(get("/api/auth/get-session", headers).json["user"]["name"], "anna");
        EXPECT_EQ(send("POST", "/api/v1/auth/session-to-token",
                       [&] {
                           auto more = headers;
                           more.emplace_back("Origin", "https://mana.how");
                           return more;
                       }())
                      .status,
                  200);
    }
    const Answer nobody = get("/api/auth/organization/list");
    EXPECT_EQ(nobody.status, 401);
    EXPECT_EQ(nobody.text("code"), "UNAUTHORIZED");
    EXPECT_EQ(get("/api/auth/token", bearer("x.y.z")).status, 401);
    EXPECT_EQ(get("/api/auth/get-session", bearer(in.text("accessToken"))).json["session"]["token"],
              "");
}

TEST_F(NativeTest, SessionsAreRenewedOnceADay) {
    start();
    add_user("anna@example.com");
    const Answer in = sign_in();
    const base::HttpHeaders cookie = {{"Cookie", sent_cookie(in)}};

    clock_.advance(std::chrono::hours(23));
    EXPECT_TRUE(get("/api/auth/get-session", cookie).cookies().empty());
    clock_.advance(std::chrono::hours(1));
    EXPECT_TRUE(get("/api/auth/get-session?disableRefresh=true", cookie).cookies().empty());
    const Answer renewed = get("/api/auth/token", cookie);
    ASSERT_EQ(renewed.cookies().size(), 1u);
    EXPECT_NE(renewed.cookies()[0].find("Max-Age=604800"), std::string::npos);
    EXPECT_TRUE(get("/api/auth/token", cookie).cookies().empty());

    clock_.advance(std::chrono::hours(24 * 7));
    EXPECT_EQ(get("/api/auth/token", cookie).status, 401);
    EXPECT_EQ(count("auth.sessions"), 0);
}

TEST_F(NativeTest, WithoutRememberMeItEndsWithTheDay) {
    start();
    add_user("anna@example.com");

    const Answer in = sign_in({{"rememberMe", false}});

    ASSERT_EQ(in.cookies().size(), 2u);
    EXPECT_EQ(in.cookies()[0].find("Max-Age"), std::string::npos);
    EXPECT_TRUE(in.cookies()[1].starts_with("mana.dont_remember=true."));
    clock_.advance(std::chrono::hours(23));
    EXPECT_EQ(get("/api/auth/token", bearer(in.text("token"))).status, 200);
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(get("/api/auth/token", bearer(in.text("token"))).status, 401);
}

TEST_F(NativeTest, ACallbackMustBeTrusted) {
    start();
    add_user("anna@example.com");

    const Answer in = sign_in({{"callbackURL", "/home"}});
    EXPECT_EQ(in.json["redirect"], true);
    EXPECT_EQ(in.text("url"), "/home");
    EXPECT_EQ(in.raw.header("Location"), "/home");

    const Answer evil = sign_in({{"callbackURL", "https://evil.com"}});
    EXPECT_EQ(evil.status, 403);
    EXPECT_EQ(evil.text("code"), "INVALID_CALLBACK_URL");
}

// auth-api-doubts B31
TEST_F(NativeTest, ACookieFromAForeignPageChangesNothing) {
    start();
    add_user("anna@example.com");
    const std::string cookie = sent_cookie(sign_in());

    const Answer foreign =
        send("POST", "/api/auth/sign-out", {{"Cookie", cookie}, {"Origin", "https://evil.com"}});
    EXPECT_EQ(foreign.status, 403);
    EXPECT_EQ(foreign.text("code"), "INVALID_ORIGIN");
    EXPECT_EQ(count("auth.sessions"), 1);
    const Answer plain = send(
        "POST", "/api/v1/auth/refresh",
        {{"Cookie", cookie}, {"Origin", "https://mana.how"}, {"Content-Type", "text/plain"}}, "{}");
    EXPECT_EQ(plain.status, 415);

    const Answer out =
        send("POST", "/api/auth/sign-out", {{"Cookie", cookie}, {"Origin", "https://mana.how"}});
    EXPECT_EQ(out.json, base::Json({{"success", true}}));
    EXPECT_EQ(out.cookies().size(), 3u);
    EXPECT_EQ(count("auth.sessions"), 0);
}

TEST_F(NativeTest, TheKeySetVerifiesOurTokens) {
    start();
    add_user("anna@example.com");
    const std::string jwt = login("anna@example.com").text("accessToken");

    const Answer jwks = get("/api/auth/jwks");

    ASSERT_EQ(jwks.json["keys"].size(), 1u);
    const base::Json key = jwks.json["keys"][0];
    EXPECT_EQ(key["alg"], "EdDSA");
    EXPECT_EQ(key["crv"], "Ed25519");
    EXPECT_EQ(key["kty"], "OKP");
    EXPECT_EQ(key["x"].get<std::string>().size(), 43u);
    EXPECT_EQ(key["use"], "sig");
    EXPECT_FALSE(key.contains("d"));
    EXPECT_EQ(get("/api/v1/auth/jwks").raw.body, jwks.raw.body);
    EXPECT_TRUE(base::verify_jwt(jwt, base::read_jwks(jwks.json),
                                 {.issuers = {service_->url()}, .audience = "mana"}, clock_.now()));
}

// auth-api-doubts B72: one issuer, whichever address the service was reached under.
TEST_F(NativeTest, TheIssuerIsTheConfiguredOne) {
    auth::Options named = options();
    named.base_url = "http://auth.example.org/";
    start(named);
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");

    const Answer valid = post("/api/v1/auth/validate", {{"token", in.text("accessToken")}});

    EXPECT_EQ(valid.json["payload"]["iss"], "http://auth.example.org");
    EXPECT_EQ(get("/api/auth/token", bearer(in.text("accessToken"))).status, 200);
}

// auth-api-doubts B48: two services that start at once make one key.
TEST_F(NativeTest, StartingTwiceMakesOneKey) {
    start();
    auth::Service second(pool_, options(), clock_, metrics_);
    second.start();

    EXPECT_EQ(count("auth.jwks"), 1);
}

TEST_F(NativeTest, AnotherSecretThanTheKeysIsRefusedAtStart) {
    start();
    auth::Options other = options();
    other.secret = base::Secret("another-secret-another-secret");

    try {
        start(other);
        FAIL() << "it started";
    } catch (const base::Failure& failure) {
        EXPECT_NE(std::string(failure.what()).find("BETTER_AUTH_SECRET"), std::string::npos);
    }
}

TEST_F(NativeTest, EveryAnswerCarriesRequestIdAndCors) {
    start();

    const Answer plain = get("/health", {{"X-Request-Id", "abc-1"}});
    EXPECT_EQ(plain.raw.header("X-Request-Id"), "abc-1");
    EXPECT_EQ(plain.raw.header("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(plain.raw.header("Access-Control-Expose-Headers"), "Set-Cookie");
    EXPECT_EQ(plain.raw.header("Vary"), "Origin");
    EXPECT_EQ(plain.raw.header("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(get("/health").raw.header("X-Request-Id").size(), 8u);
    EXPECT_EQ(
        get("/health", {{"X-Request-Id", std::string(300, 'a')}}).raw.header("X-Request-Id").size(),
        8u);
    EXPECT_EQ(get("/health", {{"Origin", "http://localhost:5173"}})
                  .raw.header("Access-Control-Allow-Origin"),
              "http://localhost:5173");
    EXPECT_EQ(
        get("/health", {{"Origin", "https://evil.com"}}).raw.header("Access-Control-Allow-Origin"),
        "");

    const Answer preflight =
        send("OPTIONS", "/api/v1/auth/login",
             {{"Origin", "http://localhost:5173"}, {"Access-Control-Request-Method", "POST"}});
    EXPECT_EQ(preflight.status, 204);
    EXPECT_EQ(preflight.raw.header("Access-Control-Allow-Methods"),
              "GET,HEAD,PUT,POST,DELETE,PATCH");
    EXPECT_EQ(preflight.raw.header("Access-Control-Allow-Headers"),
              "Content-Type,Authorization,X-Service-Key,X-App-Id");
}

TEST_F(NativeTest, UnknownPathsAreSaidPlainly) {
    start();

    const Answer unknown = get("/api/v1/nothing");
    EXPECT_EQ(unknown.status, 404);
    EXPECT_TRUE(unknown.raw.header("Content-Type").starts_with("text/plain"));
    EXPECT_EQ(get("/api/auth/nothing").raw.body, "");
    EXPECT_EQ(send("DELETE", "/api/v1/auth/login").status, 405);
    const Answer slash = get("/health/?a=1");
    EXPECT_EQ(slash.status, 301);
    EXPECT_EQ(slash.raw.header("Location"), "/health?a=1");
    EXPECT_EQ(get("/api/auth/ok").json, base::Json({{"ok", true}}));
}

// auth-api-doubts B62
TEST_F(NativeTest, ABodyThatIsNoJsonIsTheCallersFault) {
    start();

    const Answer answer = send("POST", "/api/auth/sign-in/email",
                               {{"Content-Type", "application/json"}}, "{\"email\":");

    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.text("code"), "VALIDATION_ERROR");
}

TEST_F(NativeTest, AFormLogsInAsJsonDoes) {
    start();
    add_user("form@example.com");
    const auto with = [&](const std::string& body, const char* page = "http://localhost:5173") {
        return send("POST", "/api/auth/sign-in/email",
                    {{"Content-Type", "application/x-www-form-urlencoded"}, {"Origin", page}},
                    body);
    };
    const std::string account = "email=form%40example.com&password=" + good_password;
    const Answer in = with(account + "&callbackURL=%2Fwelcome");
    EXPECT_EQ(in.status, 200) << in.raw.body;
    EXPECT_EQ(in.raw.header("Location"), "/welcome");
    EXPECT_EQ(in.cookies().size(), 1u);
    EXPECT_THAT(in.cookies()[0], testing::HasSubstr("Max-Age=604800"));
    EXPECT_THAT(with(account + "&rememberMe=false").cookies()[0],
                testing::Not(testing::HasSubstr("Max-Age")));
    EXPECT_EQ(with(account, "https://evil.example").status, 403);
    EXPECT_EQ(with(account + "&callbackURL=https%3A%2F%2Fevil.example").status, 403);
    for (const char* wrong : {"email=a%4", "email=%ff&password=x", "email=a&email=b", "", "="}) {
        EXPECT_EQ(with(wrong).status, 400) << wrong;
    }
    std::string many;
    for (int i = 0; i < 21; ++i) many += "f" + std::to_string(i) + "=1&";
    EXPECT_EQ(with(many + account).status, 400);
}

// auth-api-doubts B32: nothing that was sent gets into a page.
TEST_F(NativeTest, TheErrorPageShowsACodeAndNothingElse) {
    start();
    const Answer page = get("/api/auth/error?error=INVALID_TOKEN");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.raw.header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_THAT(page.raw.body, testing::HasSubstr("INVALID_TOKEN"));
    for (const std::string& hostile :
         std::vector<std::string>{"%3Cscript%3E", "a%22b", "%26lt%3B", std::string(65, 'a')}) {
        const Answer other = get("/api/auth/error?error=" + hostile);
        EXPECT_THAT(other.raw.body, testing::HasSubstr("Code: UNKNOWN")) << hostile;
    }
}

}  // namespace
}  // namespace tests
