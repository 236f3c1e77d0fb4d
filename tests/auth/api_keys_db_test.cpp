// Keys for programs: shown once, kept as digests, good for what they say.
#include <gmock/gmock.h>

#include "base/crypto.hpp"
#include "tests/auth/browser.hpp"

namespace tests {
namespace {

using base::Json;
using testing::ElementsAre;

class ApiKeysTest : public BrowserTest {
  protected:
    void SetUp() override {
        start();
        anna_id_ = add_user("anna@example.com");
        anna_ = bearer(login("anna@example.com").text("accessToken"));
    }
    Answer make(const Json& body) { return post("/api/v1/api-keys", body, anna_); }
    Json validate(const std::string& key, const std::string& scope = "") {
        Json body = {{"apiKey", key}};
        if (!scope.empty()) body["scope"] = scope;
        return post("/api/v1/api-keys/validate", body).json;
    }
    std::string anna_id_;
    base::HttpHeaders anna_;
};

// auth-api-doubts B49, B50: it works, shows the key once and never its digest, checks scopes, and
// validation needs no token.
TEST_F(ApiKeysTest, AKeyIsShownOnceAndGoodForItsScopes) {
    const Answer made = make({{"name", "phone"}, {"scopes", {"tts"}}});

    ASSERT_EQ(made.status, 201) << made.raw.body;
    const std::string key = made.text("key");
    EXPECT_THAT(key, testing::MatchesRegex("sk_live_[0-9a-f]{64}"));
    EXPECT_EQ(made.text("keyPrefix"), key.substr(8, 8));
    EXPECT_FALSE(made.json.contains("keyHash"));
    EXPECT_EQ(count("auth.api_keys where key_hash = $1", {base::to_hex(base::sha256(key))}), 1);
    EXPECT_EQ(count("auth.api_keys k where k::text like $1", {"%" + key + "%"}), 0);
    EXPECT_EQ(count("auth.security_events where event_type = 'API_KEY_CREATED' and user_id = $1",
                    {anna_id_}),
              1);

    const Json good = validate(key, "tts");
    EXPECT_EQ(good["valid"], true);
    EXPECT_EQ(good["userId"], anna_id_);
    EXPECT_THAT(good["scopes"], ElementsAre("tts"));
    EXPECT_EQ(good["rateLimit"], (Json{{"requests", 60}, {"window", 60}}));
    EXPECT_EQ(validate(key, "stt"), (Json{{"valid", false}, {"reason", "scope_denied"}}));
    EXPECT_EQ(validate(key + "0"), (Json{{"valid", false}}));

    const Answer list = get("/api/v1/api-keys", anna_);
    ASSERT_EQ(list.json.size(), 1u);
    EXPECT_FALSE(list.json[0].contains("key"));
    EXPECT_FALSE(list.json[0].contains("keyHash"));
    EXPECT_EQ(list.json[0]["lastUsedAt"], base::to_iso(clock_.now()));
    EXPECT_THAT(make({{"name", "all"}}).json["scopes"], ElementsAre("stt", "tts"));
}

// auth-api-doubts B50: the row's own limits are told and kept.
TEST_F(ApiKeysTest, AKeysLimitIsItsOwn) {
    const std::string key =
        make({{"name", "x"}, {"rateLimit", {{"requests", 2}, {"window", 30}}}}).text("key");

    EXPECT_EQ(validate(key)["rateLimit"], (Json{{"requests", 2}, {"window", 30}}));
    EXPECT_EQ(validate(key)["valid"], true);
    clock_.advance(std::chrono::seconds(10));
    EXPECT_EQ(validate(key),
              (Json{{"valid", false}, {"reason", "rate_limited"}, {"retryAfterSec", 20}}));
    clock_.advance(std::chrono::seconds(20));
    EXPECT_EQ(validate(key)["valid"], true);

    for (const Json& more :
         {Json{{"requests", 61}, {"window", 86'400}}, Json{{"requests", 60}, {"window", 59}}}) {
        Json wish = {{"name", "x"}, {"rateLimit", more}};
        const Answer refused = make(wish);
        EXPECT_EQ(refused.status, 403) << refused.raw.body;
        EXPECT_EQ(refused.text("code"), "RATE_LIMIT_NOT_ALLOWED");
        auto headers = anna_;
        headers.emplace_back("X-Service-Key", "dev-service-key");
        EXPECT_EQ(post("/api/v1/api-keys", wish, headers).json["rateLimit"], more);
    }
}

TEST_F(ApiKeysTest, ARevokedKeyIsGoodForNothing) {
    const Answer made = make({{"name", "x"}});
    const std::string path = "/api/v1/api-keys/" + made.text("id");
    add_user("ben@example.com");
    const auto ben = bearer(login("ben@example.com").text("accessToken"));
    EXPECT_EQ(send("DELETE", path, ben).status, 404) << "not his";
    EXPECT_EQ(validate(made.text("key"))["valid"], true);

    EXPECT_EQ(send("DELETE", path, anna_).json, (Json{{"success", true}}));
    const Json first = get("/api/v1/api-keys", anna_).json[0]["revokedAt"];
    clock_.advance(std::chrono::minutes(1));
    EXPECT_EQ(send("DELETE", path, anna_).status, 200);

    EXPECT_EQ(get("/api/v1/api-keys", anna_).json[0]["revokedAt"], first);
    EXPECT_EQ(validate(made.text("key")), (Json{{"valid", false}}));
    EXPECT_EQ(count("auth.security_events where event_type = 'API_KEY_REVOKED'"), 1);
    EXPECT_EQ(send("DELETE", "/api/v1/api-keys/unknown", anna_).status, 404);
}

TEST_F(ApiKeysTest, ADeletedUsersKeysEndAndThereIsAMost) {
    const std::string key = make({{"name", "x"}}).text("key");
    for (int i = 0; i < 49; ++i) ASSERT_EQ(make({{"name", "x"}}).status, 201);
    EXPECT_EQ(make({{"name", "x"}}).status, 409);
    sql("update auth.users set deleted_at = now() where id = $1", {anna_id_});
    EXPECT_EQ(validate(key), (Json{{"valid", false}}));
}

// auth-api-doubts B31: a cookie is no way in for foreign pages here either.
TEST_F(ApiKeysTest, ForeignPagesCannotBorrowTheCookie) {
    Browser browser;
    sign_in(browser, "anna@example.com");
    EXPECT_EQ(tell(browser, "/api/v1/api-keys", {{"name", "mine"}}).status, 201);
    browser.origin = "https://evil.example";
    EXPECT_EQ(tell(browser, "/api/v1/api-keys", {{"name", "theirs"}}).status, 403);
    EXPECT_EQ(count("auth.api_keys"), 1);
}

}  // namespace
}  // namespace tests
