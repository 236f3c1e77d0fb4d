// Logging in by a mailed link.
#include <gmock/gmock.h>

#include "auth/factors/totp.hpp"
#include "tests/auth/browser.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

const std::string magic_send = "/api/auth/sign-in/magic-link";

class MagicLinkTest : public BrowserTest {
  protected:
    void SetUp() override { start(); }

    // Path and query of the link in the newest mail.
    std::string mailed(const Json& body) {
        const std::size_t before = mails().size();
        EXPECT_EQ(post(magic_send, body).json, (Json{{"status", true}}));
        const auto texts = mails();
        EXPECT_EQ(texts.size(), before + 1);
        for (const std::string& text : texts) {
            const std::size_t begin = text.find("/api/auth/magic-link/verify");
            if (begin == std::string::npos) continue;
            std::string link = text.substr(begin, text.find('"', begin) - begin);
            for (std::size_t at = link.find("&amp;"); at != std::string::npos;
                 at = link.find("&amp;")) {
                link.replace(at, 5, "&");
            }
            if (seen_.insert(link).second) return link;
        }
        ADD_FAILURE() << "no link in " << texts.size() << " mails";
        return "/";
    }
    std::set<std::string> seen_;
};

TEST_F(MagicLinkTest, TheLinkLogsInOnce) {
    const std::string id = add_user("anna@example.com");
    const std::string link =
        mailed({{"email", "Anna@Example.com"}, {"callbackURL", "/welcome#top"}});
    EXPECT_EQ(count("auth.magic_links where position($1 in token) > 0",
                    {link.substr(link.find("token=") + 6, 32)}),
              0)
        << "the database holds a digest";

    EXPECT_EQ(send("HEAD", link).status, 200) << "a look does not use it up";
    Browser browser;
    const Answer in = ask(browser, link);
    EXPECT_EQ(in.status, 302) << in.raw.body;
    EXPECT_EQ(in.raw.header("Location"), "/welcome#top");
    EXPECT_EQ(session(browser).json["user"]["id"], id);

    Browser second;
    const Answer again = ask(second, link);
    EXPECT_EQ(again.status, 302);
    EXPECT_EQ(again.raw.header("Location"), "/welcome?error=INVALID_TOKEN#top");
    EXPECT_FALSE(second.has("session_token"));
}

// auth-api-doubts B68: the path that clients of the ancestor call.
TEST_F(MagicLinkTest, TheOtherPathSendsTheSameLink) {
    EXPECT_EQ(post("/api/auth/magic-link/send-magic-link", {{"email", "anna@example.com"}}).json,
              (Json{{"status", true}}));
    EXPECT_EQ(mails().size(), 1u);
}

TEST_F(MagicLinkTest, WithoutAPageItAnswersInJson) {
    add_user("anna@example.com");
    const std::string link = mailed({{"email", "anna@example.com"}});
    const Answer in = get(link);
    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_EQ(in.json["session"]["token"], in.json["token"]);
    const Answer gone = get(link);
    EXPECT_EQ(gone.status, 401);
    EXPECT_EQ(gone.text("code"), "INVALID_TOKEN");
    const std::string late = mailed({{"email", "anna@example.com"}});
    clock_.advance(std::chrono::minutes(10));
    EXPECT_EQ(get(late).text("code"), "EXPIRED_TOKEN");
}

// auth-api-doubts B26: who comes by a link is signed up like anybody else.
TEST_F(MagicLinkTest, AnUnknownAddressGetsAnAccount) {
    const std::string link = mailed({{"email", "new@example.com"},
                                     {"name", "Nora"},
                                     {"callbackURL", "/home"},
                                     {"newUserCallbackURL", "/first-steps"}});
    EXPECT_EQ(count("auth.users"), 0) << "asking makes no account";
    Browser browser;
    EXPECT_EQ(ask(browser, link).raw.header("Location"), "/first-steps");
    const Json user = session(browser).json["user"];
    EXPECT_EQ(user["name"], "Nora");
    EXPECT_EQ(user["emailVerified"], true);
    EXPECT_EQ(count("auth.security_events where event_type = 'REGISTER'"), 1);
    EXPECT_EQ(ask(browser, "/api/auth/organization/list").json.size(), 1u);
    EXPECT_EQ(count("auth.accounts"), 0) << "no password";
}

// auth-api-doubts B27: the daily cap holds here too, and the link stays good for tomorrow's try.
TEST_F(MagicLinkTest, TheDailyCapHolds) {
    auth::Options told = options();
    told.daily_signups_max = 1;
    start(told);
    add_user("anna@example.com");
    const Answer over = get(mailed({{"email", "new@example.com"}}));
    EXPECT_EQ(over.status, 429);
    EXPECT_EQ(count("auth.users"), 1);
}

// auth-api-doubts B29: whoever registered the address before without proving it is out.
TEST_F(MagicLinkTest, AnUnprovenAccountsPasswordEnds) {
    add_user("anna@example.com", "user", false);
    Browser browser;
    ask(browser, mailed({{"email", "anna@example.com"}, {"callbackURL", "/"}}));
    EXPECT_EQ(session(browser).json["user"]["emailVerified"], true);
    EXPECT_EQ(login("anna@example.com").text("error"), "INVALID_CREDENTIALS");
}

// auth-api-doubts B40: a link is one factor; a code by mail would be the same one again.
TEST_F(MagicLinkTest, TheSecondFactorIsAskedFor) {
    const std::string id = add_user("anna@example.com");
    Browser browser;
    sign_in(browser, "anna@example.com");
    tell(browser, "/api/auth/two-factor/enable", {{"password", good_password}});
    sql("update auth.users set two_factor_enabled = true");
    sql("update auth.two_factor_auth set totp_verified = true");

    Browser other;
    const Answer asked =
        ask(other, mailed({{"email", "anna@example.com"}, {"callbackURL", "/home"}}));
    EXPECT_EQ(asked.status, 302);
    EXPECT_EQ(asked.raw.header("Location"), "/home?twoFactorRedirect=true");
    EXPECT_FALSE(other.has("session_token"));
    ASSERT_TRUE(other.has("two_factor"));
    EXPECT_EQ(tell(other, "/api/auth/two-factor/send-otp", Json::object()).text("code"),
              "OTP_NOT_ENABLED");
    Browser third;
    EXPECT_EQ(ask(third, mailed({{"email", "anna@example.com"}})).json["twoFactorMethods"],
              Json::array({"totp"}));
}

TEST_F(MagicLinkTest, NoForeignPageIsLedTo) {
    const std::pair<const char*, const char*> pages[] = {
        {"callbackURL", "INVALID_CALLBACK_URL"},
        {"newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"},
        {"errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"}};
    for (const auto& [name, code] : pages) {
        for (const char* url :
             {"https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)",
              "https://mana.how@evil.example", "https://mana.how.evil.example", "\thttps://x"}) {
            const Answer sent = post(magic_send, {{"email", "a@example.com"}, {name, url}});
            EXPECT_EQ(sent.status, 403) << url;
            EXPECT_EQ(sent.text("code"), code);
            const Answer opened = get("/api/auth/magic-link/verify?token=x&" + std::string(name) +
                                      "=" + base::url_encode(url));
            EXPECT_EQ(opened.status, 403) << url;
        }
    }
    EXPECT_EQ(get("/api/auth/magic-link/verify?token=x&callbackURL=%252f%252fevil.example").status,
              403)
        << "decoded once, not twice";
}

}  // namespace
}  // namespace tests
