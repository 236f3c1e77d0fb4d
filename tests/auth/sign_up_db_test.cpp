// Registering and confirming an address, over the wire.
#include "auth/identity/sign_up.hpp"

#include <thread>

#include "auth/identity/token.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class SignUpTest : public ServiceTest {
  protected:
    Answer sign_up(const std::string& email, const base::Json& more = base::Json::object()) {
        base::Json body = {{"email", email}, {"password", good_password}};
        body.update(more);
        return post("/api/v1/auth/register", body);
    }
};

TEST_F(SignUpTest, RegisteringMailsALinkThatOpensTheAccount) {
    start();

    const Answer made = sign_up("Anna@Example.com");

    ASSERT_EQ(made.status, 200) << made.raw.body;
    EXPECT_TRUE(made.json["token"].is_null());
    EXPECT_EQ(made.json["user"]["email"], "anna@example.com");
    EXPECT_EQ(made.json["user"]["name"], "anna");
    EXPECT_EQ(made.json["user"]["emailVerified"], false);
    EXPECT_EQ(made.json["user"]["accessTier"], "public");
    EXPECT_EQ(made.json["user"]["kind"], "human");
    EXPECT_EQ(login("anna@example.com").text("error"), "EMAIL_NOT_VERIFIED");
    EXPECT_EQ(login("anna@example.com", "wrong-password").text("error"), "INVALID_CREDENTIALS");

    ASSERT_EQ(mails().size(), 1u);
    const Answer verified = get(link_of(mails()[0]));
    EXPECT_EQ(verified.json, base::Json({{"status", true}, {"user", nullptr}}));
    EXPECT_EQ(login("anna@example.com").status, 200);
    EXPECT_EQ(count("auth.security_events where event_type = 'EMAIL_VERIFIED'"), 1);
}

// auth-api-doubts B40, B42: the link logs nobody in, is good once, and a scanner's look leaves it
// whole.
TEST_F(SignUpTest, TheLinkIsGoodOnceAndLogsNobodyIn) {
    start();
    sign_up("anna@example.com");
    const std::string link = link_of(mails().at(0));

    EXPECT_EQ(send("HEAD", link).status, 200);
    EXPECT_EQ(count("auth.users where email_verified"), 0);
    const Answer first = get(link);
    EXPECT_EQ(first.status, 200);
    EXPECT_TRUE(first.cookies().empty());
    EXPECT_EQ(count("auth.sessions"), 0);
    EXPECT_EQ(get(link).status, 200) << "a second click is told that all is well";

    sql("update auth.users set email_verified = false");
    EXPECT_EQ(get(link).text("code"), "INVALID_TOKEN");
    EXPECT_EQ(count("auth.users where email_verified"), 0);
}

TEST_F(SignUpTest, LinksEndAndForgedOnesAreRefused) {
    start();
    sign_up("anna@example.com", {{"sourceAppUrl", "https://mana.how/start?x=1"}});
    const std::string link = link_of(mails().at(0));
    EXPECT_NE(link.find("&callbackURL=https%3A%2F%2Fmana.how%2Fstart%3Fx%3D1"), std::string::npos);

    EXPECT_EQ(get("/api/auth/verify-email?token=x").text("code"), "INVALID_TOKEN");
    EXPECT_EQ(get("/api/auth/verify-email?token=x&callbackURL=https://evil.com").status, 403);
    const Answer sent = get("/api/auth/verify-email?token=x&callbackURL=/a");
    EXPECT_EQ(sent.status, 302);
    EXPECT_EQ(sent.raw.header("Location"), "/a?error=INVALID_TOKEN");

    clock_.advance(std::chrono::minutes(61));
    EXPECT_EQ(get(link).raw.header("Location"), "https://mana.how/start?x=1&error=TOKEN_EXPIRED");
    sql("delete from auth.users");
    clock_.set_now(FakeClock::start);
    EXPECT_EQ(get(link).raw.header("Location"), "https://mana.how/start?x=1&error=USER_NOT_FOUND");
}

// auth-api-doubts B43: what is signed with the cookies' key is no link.
TEST_F(SignUpTest, ALinkSignedWithTheSecretItselfIsRefused) {
    start();
    sign_up("anna@example.com");

    const std::string token =
        auth::sign_mail_token(service_secret.reveal(), "anna@example.com", clock_.now());

    EXPECT_EQ(get("/api/auth/verify-email?token=" + token).text("code"), "INVALID_TOKEN");
}

TEST_F(SignUpTest, ALoginWithAnUnconfirmedAddressMailsAgainButNotOften) {
    start();
    sign_up("anna@example.com");
    login("anna@example.com");
    EXPECT_EQ(mails().size(), 1u);

    clock_.advance(std::chrono::minutes(6));
    login("anna@example.com");
    login("anna@example.com");
    EXPECT_EQ(mails().size(), 2u);
}

// auth-api-doubts B28
TEST_F(SignUpTest, ATakenAddressLooksTheSameAndDoesNothing) {
    start();
    const std::string first = sign_up("anna@example.com").json["user"]["id"];

    const Answer again = sign_up("ANNA@example.com", {{"password", "another-password"}});

    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.json["user"]["id"].get<std::string>().size(), 32u);
    EXPECT_NE(again.json["user"]["id"], first);
    EXPECT_EQ(again.json["user"]["emailVerified"], false);
    EXPECT_EQ(count("auth.users"), 1);
    EXPECT_EQ(count("auth.organizations"), 1);
    EXPECT_EQ(count("auth.security_events where event_type = 'REGISTER'"), 1);
    EXPECT_EQ(mails().size(), 1u);
    get(link_of(mails()[0]));
    EXPECT_EQ(login("anna@example.com").status, 200) << "the first password still counts";
}

TEST_F(SignUpTest, BadInputNamesTheField) {
    start();
    const auto code = [&](const base::Json& body) {
        return post("/api/v1/auth/register", body).text("error");
    };
    EXPECT_EQ(code({{"email", "anna"}, {"password", good_password}}), "VALIDATION");
    EXPECT_EQ(code({{"password", good_password}}), "VALIDATION");
    EXPECT_EQ(code({{"email", "a@b.de"}}), "VALIDATION");
    EXPECT_EQ(code({{"email", "a@b.de"}, {"password", ""}}), "VALIDATION");
    EXPECT_EQ(code({{"email", "a@b.de"}, {"password", "1234567"}}), "WEAK_PASSWORD");
    EXPECT_EQ(code({{"email", "a@b.de"}, {"password", std::string(129, 'a')}}), "WEAK_PASSWORD");
    EXPECT_EQ(code({{"email", "a@b.de"},
                    {"password", good_password},
                    {"sourceAppUrl", "https://evil.com"}}),
              "VALIDATION");
    EXPECT_EQ(count("auth.users"), 0);

    const Answer native = post("/api/auth/sign-up/email",
                               {{"name", "A"}, {"email", "a@b.de"}, {"password", "short"}});
    EXPECT_EQ(native.text("code"), "PASSWORD_TOO_SHORT");
}

// auth-api-doubts B26, B27: one path, and the cap counts users of the UTC day.
TEST_F(SignUpTest, TheDailyCapHoldsOnBothRoutes) {
    auth::Options capped = options();
    capped.daily_signups_max = 2;
    start(capped);
    add_user("made.by.an.admin@example.com");

    EXPECT_EQ(sign_up("one@example.com").status, 200);
    const Answer full = sign_up("two@example.com");
    EXPECT_EQ(full.status, 429);
    EXPECT_EQ(full.text("error"), "SIGNUP_LIMIT_REACHED");
    const base::Json native = {
        {"name", "Two"}, {"email", "two@example.com"}, {"password", good_password}};
    EXPECT_EQ(post("/api/auth/sign-up/email", native).text("code"), "SIGNUP_LIMIT_REACHED");

    clock_.advance(std::chrono::hours(15));  // 09:00 -> 00:00 UTC
    EXPECT_EQ(post("/api/auth/sign-up/email", native).status, 200);
    EXPECT_EQ(count("auth.security_events where event_type = 'REGISTER'"), 2);
}

// auth-api-doubts B27: the cap holds when many come at once.
TEST_F(SignUpTest, TheDailyCapHoldsAgainstParallelSignUps) {
    auth::Options capped = options();
    capped.daily_signups_max = 2;
    start(capped);
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&, i] { sign_up("user" + std::to_string(i) + "@example.com"); });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(count("auth.users"), 2);
}

// auth-api-doubts B25
TEST_F(SignUpTest, RegisteringCountsAgainstTheAddress) {
    auth::Options limited = options();
    limited.address_limits = true;
    start(limited);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(sign_up("user" + std::to_string(i) + "@example.com").status, 200);
    }

    EXPECT_EQ(sign_up("user4@example.com").text("error"), "RATE_LIMITED");
    const Answer native =
        post("/api/auth/sign-up/email",
             {{"name", "U"}, {"email", "user5@example.com"}, {"password", good_password}});
    EXPECT_EQ(native.status, 429);
    EXPECT_TRUE(native.raw.header("Content-Type").starts_with("text/plain"));
    EXPECT_EQ(native.raw.header("X-Retry-After"), "10");
}

// auth-api-doubts B12: all or nothing.
TEST_F(SignUpTest, AUserWithoutASpaceCannotComeToBe) {
    start();
    base::Postgres owner({.url = database_.owner_url()});
    owner.transact([](base::Transaction& transaction) {
        transaction.run("alter table auth.members add constraint nobody check (role = 'nobody')");
    });

    EXPECT_NE(sign_up("anna@example.com").status, 200);
    EXPECT_EQ(count("auth.users"), 0);
    EXPECT_EQ(count("auth.accounts"), 0);
    EXPECT_EQ(count("auth.organizations"), 0);
    EXPECT_TRUE(mails().empty());

    owner.transact([](base::Transaction& transaction) {
        transaction.run("alter table auth.members drop constraint nobody");
    });
    EXPECT_EQ(sign_up("anna@example.com").status, 200);
    EXPECT_EQ(count("auth.members"), 1);
}

TEST_F(SignUpTest, AMailThatCannotBeWrittenWaits) {
    start();
    std::filesystem::remove_all(mail_folder_);

    EXPECT_EQ(sign_up("anna@example.com").status, 200);
    EXPECT_EQ(count("auth.users"), 1);
    service_->deliver_due();

    std::filesystem::create_directories(mail_folder_);
    clock_.advance(std::chrono::minutes(1));
    EXPECT_EQ(mails().size(), 1u);
}

}  // namespace
}  // namespace tests
