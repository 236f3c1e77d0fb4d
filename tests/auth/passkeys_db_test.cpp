// Passkeys: enrolled, used, renamed, deleted, on both route families.
#include <gmock/gmock.h>

#include "tests/auth/browser.hpp"
#include "tests/auth/soft_authenticator.hpp"

namespace tests {
namespace {

using base::Json;

const std::string passkey_native = "/api/auth/passkey/";
const std::string passkey_custom = "/api/v1/auth/passkeys/";

class PasskeysTest : public BrowserTest {
  protected:
    void SetUp() override {
        start();
        anna_id_ = add_user("anna@example.com");
        sign_in(anna_, "anna@example.com");
    }
    Answer enrol(Browser& browser, SoftAuthenticator& key) {
        const Answer options =
            ask(browser, passkey_native + "generate-register-options?name=phone");
        return tell(browser, passkey_native + "verify-registration",
                    {{"response", key.create(options.text("challenge"))}, {"name", "phone"}});
    }
    Answer use(Browser& browser, SoftAuthenticator& key) {
        const Answer options = ask(browser, passkey_native + "generate-authenticate-options");
        return tell(browser, passkey_native + "verify-authentication",
                    {{"response", key.get(options.text("challenge"))}});
    }
    Answer use_custom(Browser& browser, SoftAuthenticator& key) {
        const Answer options =
            tell(browser, passkey_custom + "authenticate/options", Json::object());
        return tell(browser, passkey_custom + "authenticate/verify",
                    {{"response", key.get(options.text("challenge"))}});
    }
    std::int64_t events(const std::string& type) {
        return count("auth.security_events where event_type = $1 and user_id = $2",
                     {type, anna_id_});
    }
    std::string anna_id_;
    Browser anna_;
};

// auth-api-doubts B46: its events name the user.
TEST_F(PasskeysTest, IsEnrolledAndLogsIn) {
    SoftAuthenticator key;
    const Answer options = ask(anna_, passkey_native + "generate-register-options");
    ASSERT_EQ(options.status, 200) << options.raw.body;
    EXPECT_EQ(options.json["rp"], (Json{{"name", "Mana"}, {"id", "localhost"}}));
    EXPECT_EQ(options.json["user"]["name"], "anna@example.com");
    EXPECT_EQ(options.json["attestation"], "none");
    EXPECT_EQ(options.json["pubKeyCredParams"].size(), 3u);
    EXPECT_TRUE(anna_.has("better-auth-passkey"));

    const Answer made = tell(anna_, passkey_native + "verify-registration",
                             {{"response", key.create(options.text("challenge"))}});
    ASSERT_EQ(made.status, 200) << made.raw.body;
    EXPECT_EQ(made.text("credentialID"), key.credential_id());
    EXPECT_EQ(made.text("transports"), "internal,hybrid");
    EXPECT_EQ(made.text("deviceType"), "singleDevice");
    EXPECT_EQ(made.json["userId"], anna_id_);
    EXPECT_EQ(events("PASSKEY_REGISTERED"), 1);
    EXPECT_EQ(ask(anna_, passkey_native + "generate-register-options")
                  .json["excludeCredentials"][0]["id"],
              key.credential_id());

    Browser other;
    const Answer in = use(other, key);
    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_EQ(in.json["user"]["id"], anna_id_);
    EXPECT_EQ(session(other).json["session"]["token"], in.json["session"]["token"]);
    EXPECT_EQ(events("PASSKEY_LOGIN_SUCCESS"), 1);
    EXPECT_EQ(count("auth.passkeys where counter = 1 and last_used_at is not null"), 1);
}

// auth-api-doubts B52: enrolling works by the wrapper too, its answer carries cookie and refresh
// token, a bad assertion is 401 and one event, deleting needs no content type.
TEST_F(PasskeysTest, TheWrapperDoesTheSame) {
    SoftAuthenticator key;
    EXPECT_EQ(get("/api/v1/auth/passkeys/capability").json["rpId"], "localhost");
    const Answer options = tell(anna_, passkey_custom + "register/options", Json::object());
    ASSERT_EQ(options.status, 200) << options.raw.body;
    const Answer made = tell(anna_, passkey_custom + "register/verify",
                             {{"response", key.create(options.text("challenge"))}});
    ASSERT_EQ(made.status, 200) << made.raw.body;

    Browser other;
    const Answer in = use_custom(other, key);
    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_TRUE(other.has("session_token"));
    EXPECT_EQ(post("/api/v1/auth/refresh", {{"refreshToken", in.text("refreshToken")}}).status,
              200);
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", in.text("accessToken")}}).json["valid"],
              true);

    SoftAuthenticator stranger;
    Browser evil;
    EXPECT_EQ(use_custom(evil, stranger).text("error"), "PASSKEY_VERIFICATION_FAILED");
    stranger.id = key.id;
    const Answer forged = use_custom(evil, stranger);
    EXPECT_EQ(forged.status, 401);
    EXPECT_EQ(forged.text("error"), "PASSKEY_VERIFICATION_FAILED");
    EXPECT_EQ(events("PASSKEY_LOGIN_FAILURE"), 1);
    const Answer nothing =
        post(passkey_custom + "authenticate/verify", {{"response", key.get("x")}});
    EXPECT_EQ(nothing.status, 400);
    EXPECT_EQ(nothing.text("error"), "VALIDATION");

    const std::string path = passkey_custom + made.text("id");
    auto headers = anna_.headers();
    headers.emplace_back("Content-Type", "application/json");
    EXPECT_EQ(send("PATCH", path, headers, R"({"name":"desk"})").json["passkey"]["name"], "desk");
    EXPECT_EQ(ask(anna_, "/api/v1/auth/passkeys").json[0]["name"], "desk");
    EXPECT_EQ(send("DELETE", path, anna_.headers()).json["status"], true);
    EXPECT_EQ(send("DELETE", path, anna_.headers()).status, 404);
    EXPECT_EQ(events("PASSKEY_RENAMED") + events("PASSKEY_DELETED"), 2);
    EXPECT_EQ(use_custom(other, key).status, 401);
}

TEST_F(PasskeysTest, AChallengeIsGoodOnceForItsBrowserAndCeremony) {
    SoftAuthenticator key;
    ASSERT_EQ(enrol(anna_, key).status, 200);
    Browser browser;
    const Answer options = ask(browser, passkey_native + "generate-authenticate-options");
    const std::string challenge = options.text("challenge");
    const Browser before = browser;
    ASSERT_EQ(
        tell(browser, passkey_native + "verify-authentication", {{"response", key.get(challenge)}})
            .status,
        200);
    Browser replay = before;
    const Answer again =
        tell(replay, passkey_native + "verify-authentication", {{"response", key.get(challenge)}});
    EXPECT_EQ(again.status, 400);
    EXPECT_EQ(again.text("code"), "CHALLENGE_NOT_FOUND");

    Browser other;
    const Answer mine = ask(other, passkey_native + "generate-authenticate-options");
    EXPECT_EQ(
        tell(other, passkey_native + "verify-authentication", {{"response", key.get(challenge)}})
            .text("code"),
        "AUTHENTICATION_FAILED")
        << "a challenge of another browser";
    ask(other, passkey_native + "generate-authenticate-options");
    clock_.advance(std::chrono::minutes(5));
    EXPECT_EQ(tell(other, passkey_native + "verify-authentication",
                   {{"response", key.get(mine.text("challenge"))}})
                  .text("code"),
              "CHALLENGE_NOT_FOUND");

    const Answer login_options = ask(anna_, passkey_native + "generate-authenticate-options");
    SoftAuthenticator second;
    EXPECT_EQ(tell(anna_, passkey_native + "verify-registration",
                   {{"response", second.create(login_options.text("challenge"))}})
                  .text("code"),
              "CHALLENGE_NOT_FOUND")
        << "of another ceremony";
}

TEST_F(PasskeysTest, ACopyOfAnAuthenticatorIsNoticed) {
    SoftAuthenticator key;
    ASSERT_EQ(enrol(anna_, key).status, 200);
    SoftAuthenticator copy = key;
    Browser browser;
    ASSERT_EQ(use(browser, key).status, 200);
    ASSERT_EQ(use(browser, key).status, 200);

    const Answer cloned = use(browser, copy);

    EXPECT_EQ(cloned.status, 400);
    EXPECT_EQ(cloned.text("code"), "AUTHENTICATION_FAILED");
}

TEST_F(PasskeysTest, TenWrongAnswersBlockThePasskeyForFiveMinutes) {
    SoftAuthenticator key, forger;
    ASSERT_EQ(enrol(anna_, key).status, 200);
    forger.id = key.id;
    Browser browser;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(use(browser, forger).status, 400);
    const Answer blocked = use_custom(browser, key);
    EXPECT_EQ(blocked.status, 429);
    EXPECT_EQ(blocked.json["retryAfterSec"], 300);
    clock_.advance(std::chrono::seconds(300));
    EXPECT_EQ(use_custom(browser, key).status, 200);
}

// auth-api-doubts B40: with a second factor on, a passkey that was only touched is one factor.
TEST_F(PasskeysTest, ATouchAloneDoesNotPassTheSecondFactor) {
    SoftAuthenticator key;
    ASSERT_EQ(enrol(anna_, key).status, 200);
    sql("update auth.users set two_factor_enabled = true");
    sql("insert into auth.two_factor_auth (user_id, secret, backup_codes, totp_verified) values "
        "($1, 'x', 'x', true)",
        {anna_id_});
    Browser browser;
    key.user_verified = false;
    const Answer asked = use(browser, key);
    EXPECT_EQ(asked.json["twoFactorRedirect"], true) << asked.raw.body;
    EXPECT_TRUE(browser.has("two_factor"));
    EXPECT_FALSE(browser.has("session_token"));
    key.user_verified = true;
    EXPECT_TRUE(use(browser, key).json.contains("session"));
}

TEST_F(PasskeysTest, PasskeysOfOthersAreNotTouched) {
    SoftAuthenticator key;
    const Answer made = enrol(anna_, key);
    ASSERT_EQ(made.status, 200);
    EXPECT_EQ(enrol(anna_, key).text("code"), "PREVIOUSLY_REGISTERED");
    add_user("ben@example.com");
    Browser ben;
    sign_in(ben, "ben@example.com");
    const Json id = {{"id", made.text("id")}};
    EXPECT_EQ(tell(ben, passkey_native + "delete-passkey", id).status, 404);
    EXPECT_EQ(tell(ben, passkey_native + "update-passkey", {{"id", made.text("id")}, {"name", "x"}})
                  .status,
              404);
    EXPECT_EQ(ask(ben, passkey_native + "list-user-passkeys").json, Json::array());
    EXPECT_EQ(enrol(ben, key).text("code"), "PREVIOUSLY_REGISTERED");
    Browser nobody;
    EXPECT_EQ(ask(nobody, passkey_native + "list-user-passkeys").status, 401);
    EXPECT_EQ(ask(nobody, passkey_native + "generate-register-options").status, 401);
    EXPECT_EQ(tell(anna_, passkey_native + "delete-passkey", id).json["status"], true);

    clock_.advance(std::chrono::hours(24));
    EXPECT_EQ(ask(anna_, passkey_native + "generate-register-options").text("code"),
              "SESSION_NOT_FRESH");
}

TEST_F(PasskeysTest, ADeletedUsersPasskeyIsUnknown) {
    SoftAuthenticator key;
    ASSERT_EQ(enrol(anna_, key).status, 200);
    sql("update auth.users set deleted_at = now()");
    Browser browser;
    EXPECT_EQ(use(browser, key).text("code"), "PASSKEY_NOT_FOUND");
}

}  // namespace
}  // namespace tests
