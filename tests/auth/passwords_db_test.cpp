// Forgotten and changed passwords, over the wire and by hand: every link comes out of a mail.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "auth/identity/credential.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string chosen_password = "another long password";

class PasswordsTest : public ServiceTest {
  protected:
    void SetUp() override {
        start();
        anna_ = add_user("anna@example.com");
    }

    Answer forgot(const std::string& email, const std::string& redirect = "/new-password") {
        return post("/api/v1/auth/forgot-password", {{"email", email}, {"redirectTo", redirect}});
    }
    // The token of the newest reset mail.
    std::string mailed_token() {
        std::string newest;
        for (const std::string& mail : mails()) {
            if (mail.find("/api/auth/reset-password/") != std::string::npos) {
                newest = std::max(newest, mail.substr(mail.find("Date: ")) + mail);
            }
        }
        const std::string link = link_of(newest);
        const std::string path = "/api/auth/reset-password/";
        return link.substr(path.size(), link.find('?') - path.size());
    }
    Answer reset(const std::string& token, const std::string& password = chosen_password) {
        return post("/api/v1/auth/reset-password", {{"token", token}, {"newPassword", password}});
    }
    std::int64_t events(const std::string& type) {
        return count("auth.security_events where event_type = $1 and user_id = $2", {type, anna_});
    }

    std::string anna_;
};

TEST_F(PasswordsTest, AMailedLinkLeadsToTheReaderAndHerNewPassword) {
    ASSERT_EQ(forgot("Anna@Example.com").json["success"], true);
    ASSERT_EQ(mails().size(), 1u);
    const Answer page = get(link_of(mails()[0]));
    EXPECT_EQ(page.status, 302);
    const std::string target(page.raw.header("Location"));
    EXPECT_THAT(target, StartsWith("/new-password?token="));
    EXPECT_EQ(page.raw.header("Referrer-Policy"), "no-referrer");
    const std::string token = target.substr(target.find('=') + 1);
    EXPECT_EQ(token.size(), 24u);

    EXPECT_EQ(reset(token, "short").text("error"), "WEAK_PASSWORD");
    EXPECT_EQ(reset(token).json["success"], true) << "a refused password leaves the link good";

    EXPECT_EQ(login("anna@example.com").status, 401);
    EXPECT_EQ(login("anna@example.com", chosen_password).status, 200);
    EXPECT_EQ(reset(token).text("error"), "TOKEN_INVALID") << "good once";
}

// auth-api-doubts B30: whoever knew the old password is out, and cannot come back by a lock.
TEST_F(PasswordsTest, AResetEndsAllSessionsOpensTheLockAndTellsTheUser) {
    const Answer in = login("anna@example.com");
    for (int i = 0; i < 5; ++i) login("anna@example.com", "wrong-password");
    for (int i = 0; i < 5; ++i) {
        sql("insert into auth.login_locks (email, place, touched_at, locked_until) values "
            "('anna@example.com', $1, now(), '2030-01-01') on conflict do nothing",
            {"place" + std::to_string(i)});
    }
    forgot("anna@example.com");
    ASSERT_EQ(reset(mailed_token()).status, 200);

    EXPECT_EQ(get("/api/auth/token", bearer(in.text("token"))).status, 401);
    EXPECT_EQ(get("/api/auth/token", bearer(in.text("accessToken"))).status, 401);
    EXPECT_EQ(count("auth.login_locks"), 0);
    EXPECT_EQ(login("anna@example.com", chosen_password).status, 200);
    const auto texts = mails();
    EXPECT_EQ(std::count_if(texts.begin(), texts.end(),
                            [](const std::string& mail) {
                                return mail.find("Passwort wurde gerade ge") != std::string::npos;
                            }),
              1);
    // auth-api-doubts B46
    EXPECT_EQ(events("PASSWORD_RESET_REQUESTED"), 1);
    EXPECT_EQ(events("PASSWORD_RESET_COMPLETED"), 1);
}

// auth-api-doubts B29, B30: whoever was on the way in with the old password is not let in after it.
TEST_F(PasswordsTest, AReplacedPasswordLetsNobodyInWhoWasOnTheWay) {
    const auto waits_or_ends = [&](const std::atomic<bool>& ended) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!ended && count("pg_locks where not granted") == 0) {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            std::this_thread::yield();
        }
    };
    Answer late;
    std::atomic<bool> ended{false};
    std::thread thief;
    pool_.transact([&](base::Transaction& transaction) {
        auth::set_password_hash(transaction, anna_, auth::hash_password(base::Secret("new one")),
                                clock_.now());
        auth::delete_sessions_of(transaction, anna_);
        // His password is still the stored one when it is looked up.
        thief = std::thread([&] {
            late = login("anna@example.com");
            ended = true;
        });
        waits_or_ends(ended);
    });
    thief.join();

    EXPECT_EQ(late.status, 401) << late.raw.body;
    EXPECT_EQ(late.text("error"), "INVALID_CREDENTIALS");
    EXPECT_EQ(count("auth.sessions"), 0);
    EXPECT_EQ(events("LOGIN_FAILURE"), 1);
}

TEST_F(PasswordsTest, LinksEndAfterAnHourAndANewResetEndsOlderOnes) {
    forgot("anna@example.com");
    const std::string first = mailed_token();
    clock_.advance(std::chrono::minutes(2));
    forgot("anna@example.com");
    const std::string second = mailed_token();
    ASSERT_NE(first, second);
    clock_.advance(std::chrono::minutes(59));

    EXPECT_EQ(reset(first).text("error"), "TOKEN_INVALID");
    EXPECT_EQ(reset(second).status, 200);

    clock_.advance(std::chrono::minutes(2));
    forgot("anna@example.com");
    const std::string third = mailed_token();
    clock_.advance(std::chrono::minutes(2));
    forgot("anna@example.com");
    ASSERT_EQ(reset(mailed_token()).status, 200);
    EXPECT_EQ(reset(third).text("error"), "TOKEN_INVALID");
}

TEST_F(PasswordsTest, ATokenServesOneOfManyWhoUseItAtOnce) {
    forgot("anna@example.com");
    const std::string token = mailed_token();
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&] {
            if (reset(token).status == 200) ++done;
        });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(done, 1);
}

TEST_F(PasswordsTest, TheDatabaseHoldsNoResetToken) {
    forgot("anna@example.com");
    const std::string token = mailed_token();

    for (const auto& row : sql("select v::text as row from auth.verification v")) {
        EXPECT_THAT(row.text("row"), Not(HasSubstr(token)));
    }
}

// Nobody learns who has an account, and nobody fills a mail box.
TEST_F(PasswordsTest, UnknownAddressesLookAndTakeTheSame) {
    const auto timed = [&](const std::string& email) {
        const auto begin = std::chrono::steady_clock::now();
        const Answer answer = forgot(email);
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.raw.body, R"({"success":true})");
        return std::chrono::steady_clock::now() - begin;
    };

    EXPECT_GE(timed("anna@example.com"), std::chrono::milliseconds(40));
    EXPECT_GE(timed("nobody@example.com"), std::chrono::milliseconds(40));
    EXPECT_EQ(mails().size(), 1u);
    timed("anna@example.com");
    EXPECT_EQ(mails().size(), 1u) << "one a minute";
    EXPECT_EQ(count("auth.security_events where event_type = 'PASSWORD_RESET_REQUESTED' and "
                    "user_id is null and metadata ->> 'email' = 'nobody@example.com'"),
              1);
}

// auth-api-doubts B25
TEST_F(PasswordsTest, AskingIsLimitedPerAddressAndPerMailBox) {
    auth::Options limited = options();
    limited.address_limits = true;
    limited.trusted_proxies = {"127.0.0.1"};
    start(limited);
    const auto from = [&](const std::string& address, const std::string& email) {
        return post("/api/v1/auth/forgot-password", {{"email", email}},
                    {{"X-Forwarded-For", address}});
    };
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(from("192.0.2." + std::to_string(i), "anna@example.com").status, 200);
    }
    const Answer box = from("192.0.2.9", "anna@example.com");
    EXPECT_EQ(box.status, 429);
    EXPECT_EQ(box.text("error"), "RATE_LIMITED");
    EXPECT_EQ(box.raw.header("Retry-After"), "60");

    for (const char* name : {"a", "b"}) {
        EXPECT_EQ(from("192.0.2.9", name + std::string("@example.com")).status, 200);
    }
    EXPECT_EQ(from("192.0.2.9", "c@example.com").status, 429) << "the fourth from one address";
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(post("/api/v1/auth/reset-password", {{"token", "x"}, {"newPassword", "12345678"}},
                       {{"X-Forwarded-For", "198.51.100.1"}})
                      .status,
                  400);
    }
    EXPECT_EQ(post("/api/v1/auth/reset-password", {{"token", "x"}, {"newPassword", "12345678"}},
                   {{"X-Forwarded-For", "198.51.100.1"}})
                  .status,
              429);
}

// auth-api-doubts B34, B59: the page stands in the token's row, and is checked when it is asked
// for.
TEST_F(PasswordsTest, EachLinkKeepsThePageItWasAskedWith) {
    forgot("anna@example.com", "/one");
    const std::string first = mailed_token();
    clock_.advance(std::chrono::minutes(2));
    forgot("ANNA@example.com", "/two?x=1");
    const std::string second = mailed_token();

    EXPECT_THAT(std::string(get("/api/auth/reset-password/" + first).raw.header("Location")),
                StartsWith("/one?token="));
    EXPECT_THAT(std::string(get("/api/auth/reset-password/" + second).raw.header("Location")),
                StartsWith("/two?x=1&token="));
    EXPECT_EQ(forgot("anna@example.com", "https://evil.example").status, 400);
    const Answer native = post("/api/auth/request-password-reset",
                               {{"email", "anna@example.com"}, {"redirectTo", "//evil.example"}});
    EXPECT_EQ(native.status, 403);
    EXPECT_EQ(native.text("code"), "INVALID_REDIRECT_URL");
    const Answer open =
        get("/api/auth/reset-password/" + first + "?callbackURL=https://evil.example");
    EXPECT_EQ(open.status, 403);
    EXPECT_EQ(open.text("code"), "INVALID_CALLBACK_URL");
}

TEST_F(PasswordsTest, ADeadLinkSaysSoOnThePage) {
    const Answer dead = get("/api/auth/reset-password/nonsense?callbackURL=/new-password");
    EXPECT_EQ(dead.status, 302);
    EXPECT_EQ(dead.raw.header("Location"), "/new-password?error=INVALID_TOKEN");
    EXPECT_EQ(get("/api/auth/reset-password/nonsense").status, 400) << "no page is known";

    auth::Options web = options();
    web.web_url = "https://app.example.org";
    start(web);
    EXPECT_EQ(get("/api/auth/reset-password/nonsense").raw.header("Location"),
              "https://app.example.org?error=INVALID_TOKEN");
}

TEST_F(PasswordsTest, TheNativeRoutesDoTheSame) {
    const Answer asked = post("/api/auth/request-password-reset", {{"email", "anna@example.com"}});
    EXPECT_EQ(asked.json["status"], true);
    const std::string token = mailed_token();
    const Answer short_one =
        post("/api/auth/reset-password", {{"newPassword", "short"}, {"token", token}});
    EXPECT_EQ(short_one.status, 400);
    EXPECT_EQ(short_one.text("code"), "PASSWORD_TOO_SHORT");
    EXPECT_EQ(
        post("/api/auth/reset-password", {{"newPassword", std::string(129, 'x')}, {"token", token}})
            .text("code"),
        "PASSWORD_TOO_LONG");
    EXPECT_EQ(post("/api/auth/reset-password?token=" + token, {{"newPassword", chosen_password}})
                  .json["status"],
              true);
    EXPECT_EQ(post("/api/auth/reset-password", {{"newPassword", chosen_password}, {"token", token}})
                  .text("code"),
              "INVALID_TOKEN");
    EXPECT_EQ(login("anna@example.com", chosen_password).status, 200);
}

TEST_F(PasswordsTest, AnAccountWithoutAPasswordGetsOneByTheLink) {
    sql("delete from auth.accounts");
    forgot("anna@example.com");
    ASSERT_EQ(reset(mailed_token()).status, 200);

    EXPECT_EQ(login("anna@example.com", chosen_password).status, 200);
}

TEST_F(PasswordsTest, ADeletedUsersLinkIsDead) {
    forgot("anna@example.com");
    const std::string token = mailed_token();
    sql("update auth.users set deleted_at = now()");

    EXPECT_EQ(reset(token).text("error"), "TOKEN_INVALID");
}

// auth-api-doubts B30
TEST_F(PasswordsTest, AChangeEndsTheOtherSessionsAndKeepsThisOne) {
    const Answer here = login("anna@example.com"), there = login("anna@example.com");
    const Answer changed =
        post("/api/v1/auth/change-password",
             {{"currentPassword", good_password}, {"newPassword", chosen_password}},
             bearer(here.text("token")));
    ASSERT_EQ(changed.status, 200) << changed.raw.body;

    EXPECT_EQ(get("/api/auth/token", bearer(here.text("token"))).status, 200);
    EXPECT_EQ(get("/api/auth/token", bearer(there.text("token"))).status, 401);
    EXPECT_EQ(login("anna@example.com", chosen_password).status, 200);
    EXPECT_EQ(events("PASSWORD_CHANGED"), 1);
    EXPECT_EQ(mails().size(), 1u);
}

TEST_F(PasswordsTest, TheNativeChangeReplacesTheSessionWhenAsked) {
    const auto change = [&](const Answer& in, const std::string& from, const std::string& to,
                            const Json& more) {
        Json body = {{"currentPassword", from}, {"newPassword", to}};
        body.update(more);
        return post("/api/auth/change-password", body, bearer(in.text("token")));
    };
    const Answer one = login("anna@example.com"), two = login("anna@example.com");
    const Answer kept =
        change(one, good_password, chosen_password, {{"revokeOtherSessions", false}});
    EXPECT_TRUE(kept.json["token"].is_null());
    EXPECT_EQ(kept.json["user"]["email"], "anna@example.com");
    EXPECT_EQ(get("/api/auth/token", bearer(two.text("token"))).status, 200);

    const Answer replaced =
        change(one, chosen_password, good_password, {{"revokeOtherSessions", true}});
    ASSERT_EQ(replaced.status, 200) << replaced.raw.body;
    EXPECT_EQ(get("/api/auth/token", bearer(one.text("token"))).status, 401);
    EXPECT_EQ(get("/api/auth/token", bearer(two.text("token"))).status, 401);
    EXPECT_EQ(get("/api/auth/token", bearer(replaced.text("token"))).status, 200);
    EXPECT_EQ(
        get("/api/auth/get-session", {{"Cookie", sent_cookie(replaced)}}).json["session"]["token"],
        replaced.text("token"));
}

// auth-api-doubts B20, B45: guesses count wherever they are made, and nobody is another answer.
TEST_F(PasswordsTest, WrongCurrentPasswordsCountTowardsTheLock) {
    const Answer in = login("anna@example.com");
    const Json wrong = {{"currentPassword", "wrong-password"}, {"newPassword", chosen_password}};
    const Answer first = post("/api/v1/auth/change-password", wrong, bearer(in.text("token")));
    EXPECT_EQ(first.status, 401);
    EXPECT_EQ(first.text("error"), "INVALID_CREDENTIALS");
    const Answer second = post("/api/auth/change-password", wrong, bearer(in.text("token")));
    EXPECT_EQ(second.status, 400);
    EXPECT_EQ(second.text("code"), "INVALID_PASSWORD");
    EXPECT_EQ(post("/api/auth/verify-password", {{"password", "wrong-password"}},
                   bearer(in.text("token")))
                  .text("code"),
              "INVALID_PASSWORD");
    EXPECT_EQ(send("DELETE", "/api/v1/auth/account",
                   {{"Authorization", "Bearer " + in.text("token")},
                    {"Content-Type", "application/json"}},
                   R"({"password":"wrong-password"})")
                  .text("error"),
              "INVALID_CREDENTIALS");
    EXPECT_EQ(login("anna@example.com", "wrong-password").status, 401);

    const Answer locked =
        post("/api/v1/auth/change-password",
             {{"currentPassword", good_password}, {"newPassword", chosen_password}},
             bearer(in.text("token")));
    EXPECT_EQ(locked.status, 429);
    EXPECT_EQ(locked.text("error"), "ACCOUNT_LOCKED");
    EXPECT_EQ(locked.raw.header("Retry-After"), "1800");
    EXPECT_EQ(events("LOGIN_FAILURE"), 5);
    EXPECT_EQ(events("ACCOUNT_LOCKED"), 1);

    const Answer nobody = post("/api/v1/auth/change-password", wrong);
    EXPECT_EQ(nobody.status, 401);
    EXPECT_EQ(nobody.text("error"), "UNAUTHORIZED");
    EXPECT_EQ(count("auth.security_events where event_type = 'LOGIN_FAILURE'"), 5);
}

TEST_F(PasswordsTest, VerifyingAPasswordChangesNothing) {
    const Answer in = login("anna@example.com");
    EXPECT_EQ(
        post("/api/auth/verify-password", {{"password", good_password}}, bearer(in.text("token")))
            .json["status"],
        true);
    sql("delete from auth.accounts");
    EXPECT_EQ(
        post("/api/auth/verify-password", {{"password", good_password}}, bearer(in.text("token")))
            .text("code"),
        "CREDENTIAL_ACCOUNT_NOT_FOUND");
}

}  // namespace
}  // namespace tests
