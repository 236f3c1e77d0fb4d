// Confirming and changing an address, over the wire.
#include <gmock/gmock.h>

#include "auth/identity/sessions.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::StartsWith;

class AddressTest : public ServiceTest {
  protected:
    void SetUp() override { start(); }

    std::string mail_to(const std::string& address) {
        for (const std::string& mail : mails()) {
            if (mail.find("To: " + address) != std::string::npos) return mail;
        }
        return "";
    }
    Answer change(const Answer& in, const std::string& email, const Json& more = Json::object()) {
        Json body = {{"newEmail", email}};
        body.update(more);
        return post("/api/v1/auth/change-email", body, bearer(in.text("token")));
    }
};

TEST_F(AddressTest, AnUnconfirmedAddressGetsAnotherLink) {
    add_user("anna@example.com", "user", false);
    EXPECT_EQ(post("/api/v1/auth/resend-verification",
                   {{"email", "anna@example.com"}, {"sourceAppUrl", "/welcome"}})
                  .json["success"],
              true);
    const Answer opened = get(link_of(mail_to("anna@example.com")));
    EXPECT_EQ(opened.raw.header("Location"), "/welcome");
    EXPECT_EQ(login("anna@example.com").status, 200);

    for (const char* email : {"anna@example.com", "nobody@example.com"}) {
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(post("/api/v1/auth/resend-verification", {{"email", email}}).raw.body,
                  R"({"success":true})");
        EXPECT_EQ(post("/api/auth/send-verification-email", {{"email", email}}).raw.body,
                  R"({"status":true})");
        EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(80));
    }
    EXPECT_EQ(mails().size(), 1u) << "whoever is confirmed or unknown gets none";
}

TEST_F(AddressTest, WhoIsLoggedInAsksForHerOwnAddress) {
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    const auto ask = [&](const char* email) {
        return post("/api/auth/send-verification-email", {{"email", email}},
                    bearer(in.text("token")));
    };
    EXPECT_EQ(ask("ben@example.com").text("code"), "EMAIL_MISMATCH");
    EXPECT_EQ(ask("Anna@example.com").text("code"), "EMAIL_ALREADY_VERIFIED");
    sql("update auth.users set email_verified = false");
    EXPECT_EQ(ask("anna@example.com").json["status"], true);
    EXPECT_EQ(mails().size(), 1u);
}

// auth-api-doubts B58
TEST_F(AddressTest, ANewAddressIsHersOnceItsLinkWasOpened) {
    const std::string id = add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    const Answer asked = change(in, "Anna.New@example.com", {{"callbackURL", "/settings"}});
    ASSERT_EQ(asked.status, 200) << asked.raw.body;
    EXPECT_EQ(asked.json["success"], true);
    EXPECT_EQ(count("auth.users where email = 'anna@example.com'"), 1) << "nothing changed yet";

    const std::string link = link_of(mail_to("anna.new@example.com"));
    EXPECT_EQ(get(link).raw.header("Location"), "/settings");

    EXPECT_EQ(count("auth.users where email = 'anna.new@example.com' and email_verified"), 1);
    EXPECT_EQ(login("anna.new@example.com").status, 200);
    EXPECT_EQ(login("anna@example.com").status, 401);
    EXPECT_THAT(mail_to("anna@example.com"), HasSubstr("anna.new@example.com"));
    EXPECT_EQ(count("auth.security_events where user_id = $1 and event_type in "
                    "('EMAIL_CHANGE_REQUESTED', 'EMAIL_CHANGED')",
                    {id}),
              2);
    // auth-api-doubts B42: good once, and it logs nobody in.
    EXPECT_THAT(std::string(get(link).raw.header("Location")), HasSubstr("error="));
    EXPECT_TRUE(get(link).cookies().empty());
}

TEST_F(AddressTest, TheNativeRouteTellsTheUserWithoutAPage) {
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    EXPECT_EQ(
        post("/api/auth/change-email", {{"newEmail", "new@example.com"}}, bearer(in.text("token")))
            .json["status"],
        true);
    const std::string link = link_of(mail_to("new@example.com"));

    const Answer opened = get(link);
    EXPECT_EQ(opened.json["status"], true);
    EXPECT_EQ(opened.json["user"]["email"], "new@example.com");
    EXPECT_EQ(get(link).text("code"), "USER_NOT_FOUND");
}

TEST_F(AddressTest, ATakenAddressLooksTheSameAndGetsNoMail) {
    add_user("anna@example.com");
    add_user("ben@example.com");
    const Answer in = login("anna@example.com");

    const Answer taken = change(in, "ben@example.com"), free = change(in, "free@example.com");

    EXPECT_EQ(taken.raw.body, free.raw.body);
    EXPECT_EQ(mails().size(), 1u);
    EXPECT_EQ(change(in, "ANNA@example.com").text("error"), "VALIDATION");
    EXPECT_EQ(post("/api/v1/auth/change-email", {{"newEmail", "x@example.com"}}).text("error"),
              "UNAUTHORIZED");
}

TEST_F(AddressTest, AnAddressThatWasTakenMeanwhileStaysWithItsOwner) {
    add_user("anna@example.com");
    const Answer in = login("anna@example.com");
    change(in, "new@example.com");
    const std::string link = link_of(mail_to("new@example.com"));
    add_user("new@example.com");

    EXPECT_EQ(get(link).text("code"), "INVALID_TOKEN");
    EXPECT_EQ(count("auth.users where email = 'anna@example.com'"), 1);
}

TEST_F(AddressTest, OnlyTheNewestLinkCountsAndNotUnderAnotherUsersEyes) {
    add_user("anna@example.com");
    add_user("ben@example.com");
    const Answer in = login("anna@example.com"), ben = login("ben@example.com");
    change(in, "one@example.com");
    const std::string first = link_of(mail_to("one@example.com"));
    change(in, "two@example.com");
    const std::string second = link_of(mail_to("two@example.com"));

    EXPECT_EQ(get(first).text("code"), "INVALID_TOKEN");
    EXPECT_EQ(get(second, {{"Cookie", sent_cookie(ben)}}).text("code"), "INVALID_USER");
    EXPECT_EQ(get(second, {{"Cookie", sent_cookie(in)}}).json["user"]["email"], "two@example.com");
}

TEST_F(AddressTest, AChangeIsLimitedPerUser) {
    add_user("anna@example.com");
    auth::Options limited = options();
    limited.address_limits = true;
    limited.trusted_proxies = {"127.0.0.1"};
    start(limited);
    const Answer in = login("anna@example.com");
    const auto ask = [&](int i) {
        const std::string n = std::to_string(i);
        return post("/api/v1/auth/change-email", {{"newEmail", "n" + n + "@example.com"}},
                    {{"Authorization", "Bearer " + in.text("token")},
                     {"X-Forwarded-For", "192.0.2." + n}})
            .status;
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(i), 200);
    EXPECT_EQ(ask(3), 429);
}

// auth-api-doubts B25: many accounts together do not fill a stranger's box.
TEST_F(AddressTest, AChangeIsLimitedPerNewAddress) {
    auth::Options limited = options();
    limited.address_limits = true;
    limited.trusted_proxies = {"127.0.0.1"};
    start(limited);
    const auto ask = [&](int i) {
        const std::string n = std::to_string(i);
        const std::string id = add_user("u" + n + "@example.com");
        const auto session = pool_.transact([&](base::Transaction& transaction) {
            return auth::create_session(transaction, {.user_id = id}, clock_.now());
        });
        return post("/api/v1/auth/change-email", {{"newEmail", "victim@example.com"}},
                    {{"X-Forwarded-For", "192.0.2." + n},
                     {"Authorization", "Bearer " + session.token.reveal()}})
            .status;
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(i), 200);
    EXPECT_EQ(ask(3), 429);
}

// auth-api-doubts B60: without another wish a link leads to the users' pages.
TEST_F(AddressTest, LinksLeadToTheWebAppByDefault) {
    auth::Options web = options();
    web.web_url = "https://app.example.org";
    start(web);
    add_user("anna@example.com", "user", false);
    post("/api/v1/auth/resend-verification", {{"email", "anna@example.com"}});

    const Answer opened = get(link_of(mail_to("anna@example.com")));
    EXPECT_EQ(opened.raw.header("Location"), "https://app.example.org");
}

TEST_F(AddressTest, AMailSpeaksTheLanguageOfTheBrowser) {
    add_user("anna@example.com", "user", false);
    post("/api/v1/auth/resend-verification", {{"email", "anna@example.com"}},
         {{"Accept-Language", "en-GB,en;q=0.9"}});

    EXPECT_THAT(mails().at(0), HasSubstr("Hello anna,"));
}

}  // namespace
}  // namespace tests
