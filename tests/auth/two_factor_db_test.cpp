// The second factor: switched on and off, asked for at every login, good once.
#include <thread>

#include <gmock/gmock.h>

#include "auth/factors/sealing.hpp"
#include "auth/factors/totp.hpp"
#include "auth/identity/cookie.hpp"
#include "base/crypto.hpp"
#include "tests/auth/browser.hpp"

namespace tests {
namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::string anna_address = "anna@example.com";
const std::string factor_path = "/api/auth/two-factor/";

class TwoFactorTest : public BrowserTest {
  protected:
    void SetUp() override {
        start();
        anna_id_ = add_user(anna_address);
    }

    base::Secret secret_of(const std::string& column = "secret") {
        const std::string stored =
            sql("select " + column + " as s from auth.two_factor_auth")[0].text("s");
        return *auth::open_factor(service_secret, stored);
    }
    std::string code() { return auth::totp_code(secret_of(), clock_.now()); }
    // A code of another step, so that it was not used before.
    std::string next_code() {
        clock_.advance(std::chrono::seconds(30));
        return code();
    }

    // Signs in and switches the second factor on; answers the backup codes.
    std::vector<std::string> switch_on(Browser& browser) {
        EXPECT_EQ(sign_in(browser, anna_address).status, 200);
        const Answer enabled = tell(browser, factor_path + "enable", {{"password", good_password}});
        EXPECT_EQ(enabled.status, 200) << enabled.raw.body;
        EXPECT_EQ(tell(browser, factor_path + "verify-totp", {{"code", code()}}).status, 200);
        return enabled.json["backupCodes"].get<std::vector<std::string>>();
    }
    std::vector<std::string> switch_on() {
        Browser browser;
        return switch_on(browser);
    }
    Answer verify(Browser& browser, const std::string& what, const std::string& shown) {
        return tell(browser, factor_path + what, {{"code", shown}});
    }
    std::int64_t events(const std::string& type) {
        return count("auth.security_events where event_type = $1 and user_id = $2",
                     {type, anna_id_});
    }

    std::string anna_id_;
};

// auth-api-doubts B51: enabling works, one issuer, and the answer shows the session that lives.
TEST_F(TwoFactorTest, IsOnWhenACodeOfTheAppWasShown) {
    Browser browser;
    ASSERT_EQ(sign_in(browser, anna_address).status, 200);
    const auto before = browser.cookies;

    const Answer enabled = tell(browser, factor_path + "enable", {{"password", good_password}});

    ASSERT_EQ(enabled.status, 200) << enabled.raw.body;
    EXPECT_THAT(enabled.text("totpURI"),
                testing::StartsWith("otpauth://totp/Mana:anna%40example.com"
                                    "?secret="));
    EXPECT_THAT(enabled.text("totpURI"), testing::EndsWith("&issuer=Mana&digits=6&period=30"));
    ASSERT_EQ(enabled.json["backupCodes"].size(), 10u);
    for (const Json& one : enabled.json["backupCodes"]) {
        EXPECT_THAT(one.get<std::string>(), testing::MatchesRegex("[a-zA-Z0-9]{5}-[a-zA-Z0-9]{5}"));
    }
    EXPECT_EQ(session(browser).json["user"]["twoFactorEnabled"], false);
    EXPECT_EQ(count("auth.two_factor_auth where secret like 'v1:%' and backup_codes like 'v1:%'"),
              1);

    const Answer shown = verify(browser, "verify-totp", code());

    ASSERT_EQ(shown.status, 200) << shown.raw.body;
    EXPECT_EQ(shown.json["user"]["twoFactorEnabled"], true);
    const Answer now = session(browser);
    EXPECT_EQ(now.json["session"]["token"], shown.json["token"]);
    EXPECT_EQ(now.json["user"]["twoFactorEnabled"], true);
    Browser old{before};
    EXPECT_EQ(session(old).json, nullptr) << "the token from before is worthless";
    EXPECT_EQ(events("TWO_FACTOR_ENABLED"), 1);
    EXPECT_EQ(
        tell(browser, factor_path + "get-totp-uri", {{"password", good_password}}).text("totpURI"),
        enabled.text("totpURI"));
}

// auth-api-doubts B51: the challenge reaches browsers by cookie and programs by its id.
TEST_F(TwoFactorTest, ALoginEndsWithTheCode) {
    switch_on();

    Browser browser;
    browser.cookies["mana.session_token"] = "left-over";
    const Answer asked = sign_in(browser, anna_address);
    ASSERT_EQ(asked.status, 200);
    EXPECT_EQ(asked.json["twoFactorRedirect"], true);
    EXPECT_THAT(asked.json["twoFactorMethods"], ElementsAre("totp", "otp"));
    EXPECT_FALSE(asked.json.contains("token"));
    EXPECT_TRUE(browser.has("two_factor"));
    EXPECT_FALSE(browser.has("session_token"));
    EXPECT_EQ(events("LOGIN_SUCCESS"), 1) << "that of switching on";

    const Answer in = verify(browser, "verify-totp", next_code());
    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_FALSE(browser.has("two_factor"));
    EXPECT_EQ(session(browser).json["session"]["token"], in.json["token"]);
    EXPECT_EQ(events("LOGIN_SUCCESS"), 2);

    const Answer program = login(anna_address);
    ASSERT_EQ(program.status, 200);
    EXPECT_FALSE(program.json.contains("accessToken"));
    const Answer token =
        post(factor_path + "verify-totp",
             {{"code", next_code()}, {"challengeId", program.text("challengeId")}});
    ASSERT_EQ(token.status, 200) << token.raw.body;
    EXPECT_EQ(
        post("/api/v1/auth/session-to-token", Json::object(), bearer(token.text("token"))).status,
        200);
}

TEST_F(TwoFactorTest, RememberMeIsRememberedAcrossTheStep) {
    switch_on();
    Browser browser;
    sign_in(browser, anna_address, {{"rememberMe", false}});

    const Answer in = verify(browser, "verify-totp", next_code());

    ASSERT_EQ(in.status, 200);
    EXPECT_THAT(in.cookies().at(0), testing::Not(HasSubstr("Max-Age")));
    EXPECT_TRUE(browser.has("dont_remember"));
    EXPECT_EQ(count("auth.sessions where short_lived"), 1);
}

// auth-api-doubts B41: a code is good once, also between set-up and login and at the same moment.
TEST_F(TwoFactorTest, OneCodeWinsOnceInThirtyParallelSignIns) {
    switch_on();
    Browser reuse;
    sign_in(reuse, anna_address);
    EXPECT_EQ(verify(reuse, "verify-totp", code()).text("code"), "INVALID_CODE");

    std::vector<Browser> browsers(30);
    for (Browser& browser : browsers) ASSERT_EQ(sign_in(browser, anna_address).status, 200);
    const std::string shown = next_code();
    std::atomic<int> in{0}, refused{0};
    std::vector<std::thread> threads;
    for (Browser& browser : browsers) {
        threads.emplace_back([&] {
            const Answer answer = verify(browser, "verify-totp", shown);
            if (answer.status == 200) ++in;
            if (answer.text("code") == "INVALID_CODE") ++refused;
        });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_EQ(in, 1);
    EXPECT_EQ(refused, 29);
    EXPECT_EQ(count("auth.sessions"), 2) << "that of switching on, and the winner's";
    EXPECT_EQ(count("auth.two_factor_auth where failures = 0"), 1) << "a right code is no guess";
}

TEST_F(TwoFactorTest, ABackupCodeIsGoodOnceUnderARace) {
    const auto codes = switch_on();
    std::vector<Browser> browsers(10);
    for (Browser& browser : browsers) ASSERT_EQ(sign_in(browser, anna_address).status, 200);
    std::atomic<int> in{0}, refused{0};
    std::vector<std::thread> threads;
    for (Browser& browser : browsers) {
        threads.emplace_back([&] {
            const Answer answer = verify(browser, "verify-backup-code", codes[3]);
            if (answer.status == 200) ++in;
            const std::string code = answer.text("code");
            if (code == "INVALID_BACKUP_CODE") ++refused;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(in, 1);
    EXPECT_EQ(refused, 9);

    Browser other;
    sign_in(other, anna_address);
    EXPECT_EQ(verify(other, "verify-backup-code", codes[4]).status, 200) << "the others stay";
    const Answer renewed =
        tell(other, factor_path + "generate-backup-codes", {{"password", good_password}});
    ASSERT_EQ(renewed.json["backupCodes"].size(), 10u) << renewed.raw.body;
    Browser third;
    sign_in(third, anna_address);
    EXPECT_EQ(verify(third, "verify-backup-code", codes[5]).text("code"), "INVALID_BACKUP_CODE");
    EXPECT_EQ(verify(third, "verify-backup-code", renewed.json["backupCodes"][0]).status, 200);
}

// auth-api-doubts B20, B41: guesses are counted per challenge and per account, whatever the
// address.
TEST_F(TwoFactorTest, GuessesEndTheChallengeAndLockTheAccount) {
    switch_on();
    clock_.advance(std::chrono::minutes(2));
    Browser browser;
    sign_in(browser, anna_address);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(verify(browser, "verify-totp", "000000").text("code"), "INVALID_CODE");
    }
    const Answer over = verify(browser, "verify-totp", code());
    EXPECT_EQ(over.status, 400);
    EXPECT_EQ(over.text("code"), "TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE");
    EXPECT_EQ(verify(browser, "verify-totp", code()).text("code"), "INVALID_TWO_FACTOR_COOKIE");

    Browser second;
    sign_in(second, anna_address);
    for (int i = 0; i < 5; ++i) verify(second, "verify-backup-code", "aaaaa-aaaaa");
    Browser third;
    sign_in(third, anna_address);
    const Answer locked = verify(third, "verify-totp", next_code());
    EXPECT_EQ(locked.status, 429);
    EXPECT_EQ(locked.text("code"), "ACCOUNT_TEMPORARILY_LOCKED");
    EXPECT_EQ(locked.raw.header("Retry-After"), std::to_string(15 * 60 - 30));

    clock_.advance(std::chrono::minutes(15));
    Browser later;
    sign_in(later, anna_address);
    EXPECT_EQ(verify(later, "verify-totp", code()).status, 200);
    EXPECT_EQ(events("LOGIN_FAILURE"), 11);
}

// auth-api-doubts B20: the password that guards the second factor is counted like that of a login.
TEST_F(TwoFactorTest, WrongPasswordsLockThereToo) {
    Browser browser;
    switch_on(browser);
    for (int i = 0; i < 5; ++i) {
        const Answer wrong = tell(browser, factor_path + "disable", {{"password", "wrong pass"}});
        EXPECT_EQ(wrong.status, 400);
        EXPECT_EQ(wrong.text("code"), "INVALID_PASSWORD");
    }
    const Answer locked = tell(browser, factor_path + "disable", {{"password", good_password}});
    EXPECT_EQ(locked.status, 429);
    EXPECT_EQ(locked.text("code"), "ACCOUNT_LOCKED");
    EXPECT_EQ(count("auth.users where two_factor_enabled"), 1);
    EXPECT_EQ(events("LOGIN_FAILURE"), 5);
    EXPECT_EQ(events("ACCOUNT_LOCKED"), 1);
}

// auth-api-doubts B41: with the password alone a second factor that is in use is not exchanged.
TEST_F(TwoFactorTest, AnotherAppNeedsACodeOfTheOldOne) {
    Browser browser;
    const auto codes = switch_on(browser);
    const std::string before = secret_of().reveal();
    const Json password = {{"password", good_password}};

    const Answer bare = tell(browser, factor_path + "enable", password);
    EXPECT_EQ(bare.status, 400);
    EXPECT_EQ(bare.text("code"), "TWO_FACTOR_CODE_REQUIRED");
    Json wrong = password;
    wrong["code"] = "000000";
    EXPECT_EQ(tell(browser, factor_path + "enable", wrong).text("code"), "INVALID_CODE");
    Json right = password;
    right["code"] = codes[0];
    const Answer enabled = tell(browser, factor_path + "enable", right);
    ASSERT_EQ(enabled.status, 200) << enabled.raw.body;
    EXPECT_EQ(secret_of().reveal(), before) << "the old one is good until the new one was shown";

    const base::Secret pending = secret_of("pending_secret");
    EXPECT_EQ(verify(browser, "verify-totp", auth::totp_code(pending, clock_.now())).status, 200);
    EXPECT_EQ(secret_of().reveal(), pending.reveal());
    Browser other;
    sign_in(other, anna_address);
    EXPECT_EQ(verify(other, "verify-backup-code", codes[1]).text("code"), "INVALID_BACKUP_CODE");
    EXPECT_EQ(verify(other, "verify-backup-code", enabled.json["backupCodes"][1]).status, 200);
}

TEST_F(TwoFactorTest, ATrustedDeviceIsNotAskedForThirtyDays) {
    switch_on();
    Browser browser;
    sign_in(browser, anna_address);
    const Answer in =
        tell(browser, factor_path + "verify-totp", {{"code", next_code()}, {"trustDevice", true}});
    ASSERT_EQ(in.status, 200) << in.raw.body;
    ASSERT_TRUE(browser.has("trust_device"));
    const std::string first = browser.cookies["mana.trust_device"];

    clock_.advance(std::chrono::hours(24 * 29));
    EXPECT_FALSE(sign_in(browser, anna_address).json.contains("twoFactorRedirect"));
    EXPECT_NE(browser.cookies["mana.trust_device"], first) << "it is exchanged with each use";
    Browser thief;
    thief.cookies["mana.trust_device"] = first;
    EXPECT_EQ(sign_in(thief, anna_address).json["twoFactorRedirect"], true) << "used once already";

    const std::string ben = add_user("ben@example.com");
    sql("update auth.users set two_factor_enabled = true where id = $1", {ben});
    Browser shared = browser;
    EXPECT_EQ(sign_in(shared, "ben@example.com").json["twoFactorRedirect"], true) << "not his";

    clock_.advance(std::chrono::hours(24 * 30) + std::chrono::seconds(1));
    EXPECT_EQ(sign_in(browser, anna_address).json["twoFactorRedirect"], true);
}

// auth-api-doubts B43: the secret itself signs no device; one that the ancestor signed is renewed.
TEST_F(TwoFactorTest, ATrustedDevicesMacHasAKeyOfItsOwn) {
    switch_on();
    const std::string id = "trust-device-" + std::string(32, 'x'), named = anna_id_ + "!" + id;
    const std::string old = base::to_base64url(base::hmac_sha256(service_secret.reveal(), named));
    sql("insert into auth.trusted_devices (id, user_id, created_at, expires_at) values "
        "($1, $2, $3::timestamptz, $4::timestamptz)",
        {auth::factor_digest(id), anna_id_, clock_.now(),
         base::Moment(clock_.now() + std::chrono::hours(24))});
    Browser browser;
    browser.cookies["mana.trust_device"] = auth::sign_cookie(service_secret, old + "!" + id);
    ASSERT_FALSE(sign_in(browser, anna_address).json.contains("twoFactorRedirect"));

    const std::string payload =
        auth::open_cookie(service_secret, browser.cookies["mana.trust_device"])->reveal();
    const std::size_t mark = payload.find('!');
    const std::string next = anna_id_ + payload.substr(mark);
    EXPECT_NE(payload.substr(0, mark),
              base::to_base64url(base::hmac_sha256(service_secret.reveal(), next)));
    EXPECT_FALSE(sign_in(browser, anna_address).json.contains("twoFactorRedirect"));
}

TEST_F(TwoFactorTest, ANewPasswordEndsLoginsThatWaitForTheirCode) {
    Browser browser, waiting;
    switch_on(browser);
    ASSERT_TRUE(sign_in(waiting, anna_address).json.contains("twoFactorRedirect"));
    ASSERT_EQ(tell(browser, "/api/auth/change-password",
                   {{"currentPassword", good_password}, {"newPassword", "a new password"}})
                  .status,
              200);

    EXPECT_EQ(verify(waiting, "verify-totp", next_code()).text("code"),
              "INVALID_TWO_FACTOR_COOKIE");
    EXPECT_EQ(count("auth.login_challenges"), 0);
}

TEST_F(TwoFactorTest, SwitchingOffForgetsEverything) {
    Browser browser;
    switch_on(browser);
    Browser trusted;
    sign_in(trusted, anna_address);
    tell(trusted, factor_path + "verify-totp", {{"code", next_code()}, {"trustDevice", true}});
    const std::string token = session(browser).json["session"]["token"];

    const Answer off = tell(browser, factor_path + "disable", {{"password", good_password}});

    EXPECT_EQ(off.status, 200) << off.raw.body;
    EXPECT_EQ(off.json["status"], true);
    const Answer now = session(browser);
    EXPECT_EQ(now.json["user"]["twoFactorEnabled"], false);
    EXPECT_NE(now.json["session"]["token"], token);
    EXPECT_EQ(count("auth.two_factor_auth") + count("auth.trusted_devices"), 0);
    EXPECT_EQ(events("TWO_FACTOR_DISABLED"), 1);
    Browser other;
    EXPECT_TRUE(sign_in(other, anna_address).json.contains("token"));
}

TEST_F(TwoFactorTest, ACodeCanComeByMail) {
    switch_on();
    Browser browser;
    sign_in(browser, anna_address);
    ASSERT_EQ(tell(browser, factor_path + "send-otp", Json::object()).status, 200);
    const auto texts = mails();
    ASSERT_THAT(texts, SizeIs(1));
    std::string mailed;
    for (std::size_t at = 0; at + 6 <= texts[0].size() && mailed.empty(); ++at) {
        const std::string six = texts[0].substr(at, 6);
        const std::string stored =
            sql("select holder, code from auth.mailed_codes")[0].text("code");
        const std::string holder =
            sql("select holder, code from auth.mailed_codes")[0].text("holder");
        if (six.find_first_not_of("0123456789") == std::string::npos &&
            auth::mac_of_code(service_secret, holder, six) == stored) {
            mailed = six;
        }
    }
    ASSERT_EQ(mailed.size(), 6u) << texts[0];
    EXPECT_EQ(count("auth.mailed_codes where code = $1", {mailed}), 0) << "never in clear";

    const std::string wrong = mailed == "000000" ? "000001" : "000000";
    EXPECT_EQ(verify(browser, "verify-otp", wrong).text("code"), "INVALID_CODE");
    EXPECT_EQ(verify(browser, "verify-otp", mailed).status, 200);
    EXPECT_TRUE(browser.has("session_token"));

    Browser late;
    sign_in(late, anna_address);
    EXPECT_EQ(verify(late, "verify-otp", mailed).text("code"), "OTP_HAS_EXPIRED");
    tell(late, factor_path + "send-otp", Json::object());
    clock_.advance(std::chrono::minutes(3) + std::chrono::seconds(1));
    EXPECT_EQ(verify(late, "verify-otp", mailed).text("code"), "OTP_HAS_EXPIRED");
    for (int i = 0; i < 4; ++i) tell(late, factor_path + "send-otp", Json::object());
    EXPECT_EQ(tell(late, factor_path + "send-otp", Json::object()).status, 429);
}

TEST_F(TwoFactorTest, WithoutSessionAndChallengeThereIsNothingToVerify) {
    Browser nobody;
    for (const char* what : {"verify-totp", "verify-otp", "verify-backup-code"}) {
        const Answer answer = verify(nobody, what, "123456");
        EXPECT_EQ(answer.status, 401) << what;
        EXPECT_EQ(answer.text("code"), "INVALID_TWO_FACTOR_COOKIE") << what;
    }
    EXPECT_EQ(tell(nobody, factor_path + "send-otp", Json::object()).status, 401);
    for (const char* what : {"enable", "disable", "get-totp-uri", "generate-backup-codes"}) {
        EXPECT_EQ(tell(nobody, factor_path + what, {{"password", good_password}}).status, 401);
    }
    Browser forged;
    forged.cookies["mana.two_factor"] = "2fa-aaaaaaaaaaaaaaaaaaaa.AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D";
    EXPECT_EQ(verify(forged, "verify-totp", "123456").status, 401);

    Browser plain;
    sign_in(plain, anna_address);
    EXPECT_EQ(verify(plain, "verify-totp", "123456").text("code"), "TOTP_NOT_ENABLED");
    EXPECT_EQ(verify(plain, "verify-backup-code", "x").text("code"), "BACKUP_CODES_NOT_ENABLED");
    EXPECT_EQ(tell(plain, factor_path + "generate-backup-codes", {{"password", good_password}})
                  .text("code"),
              "TWO_FACTOR_NOT_ENABLED");
}

TEST_F(TwoFactorTest, WhatTheAncestorSealedStillOpens) {
    const std::string sealed =
        "ff647444505efc11e21ebb194940cd48c712d49dbf880c55ae8ce4657c84baaae8c24e390925c1324a111f8333"
        "4b199df7ff04c55d34bdba893745c61ab3054230244cb706c349fa";
    sql("insert into auth.two_factor_auth (user_id, secret, backup_codes, enabled, totp_verified) "
        "values ($1, $2, $2, true, true)",
        {anna_id_, sealed});
    sql("update auth.users set two_factor_enabled = true");
    Browser browser;
    EXPECT_EQ(sign_in(browser, anna_address).json["twoFactorRedirect"], true);
    const base::Secret secret("iyV2TEkazDDU3leGc_HGSzcnq6KmWl80");
    EXPECT_EQ(verify(browser, "verify-totp", auth::totp_code(secret, clock_.now())).status, 200);
}

}  // namespace
}  // namespace tests
