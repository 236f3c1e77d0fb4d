#include "auth/identity/cookie.hpp"

#include <gtest/gtest.h>

namespace auth {
namespace {

const base::Secret cookie_secret("spec-secret-0123456789abcdef0123456789");
const std::string cookie_token = "MLILhZrdnnbklYy2e9PgD0mTmiQ00m4r";
const std::string cookie_value =
    "MLILhZrdnnbklYy2e9PgD0mTmiQ00m4r.qzBMUsJJGlFJylXc%2BrUNaQ44zEYky8M9iI61f0LSI8E%3D";

Options cookie_options() {
    Options options;
    options.secret = cookie_secret;
    options.base_url = "http://localhost:3101";
    return options;
}

TEST(Cookie, TheRecordedCookieOfTheServiceBeforeUsIsRead) {
    const auto token = open_cookie(cookie_secret, cookie_value);
    ASSERT_TRUE(token.has_value());
    EXPECT_EQ(token->reveal(), cookie_token);
}

// auth-api-doubts B43: the secret itself signs no cookie any more.
TEST(Cookie, OursIsSignedWithAKeyOfItsOwn) {
    const std::string set = set_session_cookie(cookie_options(), base::Secret(cookie_token),
                                               std::chrono::seconds(604800));
    EXPECT_TRUE(set.starts_with("mana.session_token=" + cookie_token + "."));
    EXPECT_TRUE(set.ends_with("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"));
    EXPECT_EQ(set.find(cookie_value), std::string::npos);
    const auto opened = open_cookie(cookie_secret, sign_cookie(cookie_secret, cookie_token));
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->reveal(), cookie_token);
}

TEST(Cookie, ProductionAddsPrefixDomainAndSecure) {
    Options options = cookie_options();
    options.base_url = "https://auth.mana.how";
    options.production = true;
    options.cookie_domain = ".mana.how";

    EXPECT_EQ(set_cookie(options, session_cookie, "v", std::chrono::seconds(604800)),
              "__Secure-mana.session_token=v; Max-Age=604800; Domain=.mana.how; Path=/; HttpOnly; "
              "Secure; SameSite=None");
}

// auth-api-doubts B74
TEST(Cookie, ADomainWithoutHttpsStaysLax) {
    Options options = cookie_options();
    options.cookie_domain = ".mana.how";

    EXPECT_EQ(set_cookie(options, session_cookie, "", std::chrono::seconds(0)),
              "mana.session_token=; Max-Age=0; Domain=.mana.how; Path=/; HttpOnly; SameSite=Lax");
}

TEST(Cookie, WithoutALifeItEndsWithTheBrowser) {
    EXPECT_EQ(set_cookie(cookie_options(), dont_remember_cookie, "x", std::nullopt),
              "mana.dont_remember=x; Path=/; HttpOnly; SameSite=Lax");
}

TEST(Cookie, AForgedOrBrokenValueIsNothing) {
    std::string forged = cookie_value;
    forged[0] = 'X';
    EXPECT_FALSE(open_cookie(cookie_secret, forged));
    EXPECT_FALSE(open_cookie(base::Secret("other"), cookie_value));
    for (const std::string value : {"", ".", "abc", "abc.", "%", "%zz.x", "a.b%3D", "a%2"}) {
        EXPECT_FALSE(open_cookie(cookie_secret, value)) << value;
    }
}

TEST(Cookie, ATokenWithDotsSplitsAtTheLast) {
    const auto token = open_cookie(cookie_secret, sign_cookie(cookie_secret, "a.b.c"));

    ASSERT_TRUE(token.has_value());
    EXPECT_EQ(token->reveal(), "a.b.c");
}

}  // namespace
}  // namespace auth
