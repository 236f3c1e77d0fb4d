#include "auth/guard/origin.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace auth {
namespace {

Options origin_options() {
    Options options;
    options.base_url = "http://127.0.0.1:9999";
    options.cors_origins = {"https://app.example.com"};
    return options;
}

std::string origin_code(const std::multimap<std::string, std::string>& headers, bool form,
                        const std::string& path = "/api/v1/auth/refresh",
                        const std::string& body = "{}") {
    base::ServerRequest request;
    request.method = "POST";
    request.path = path;
    request.headers = headers;
    request.body = body;
    try {
        check_origin(origin_options(), request, form);
    } catch (const base::Failure& failure) {
        return failure.code();
    }
    return "";
}

TEST(Origin, RedirectsStayWithThoseWeTrust) {
    const Options options = origin_options();

    EXPECT_TRUE(is_trusted_redirect(options, "/welcome?x=1"));
    EXPECT_TRUE(is_trusted_redirect(options, "https://mana.how/x"));
    EXPECT_TRUE(is_trusted_redirect(options, "http://127.0.0.1:9999/x"));
    EXPECT_TRUE(is_trusted_redirect(options, "https://app.example.com"));
    EXPECT_TRUE(is_trusted_redirect(options, "http://localhost:9999/x")) << "its other name";
    for (const std::string url :
         {"//evil.com", "/\\evil.com", "https://evil.com", "https://mana.how.evil.com",
          "https://mana.how@evil.com/", "javascript:alert(1)", "mana.how", "", "/a\r\nX: y",
          "http://mana.how", "http://localhost:9998", "https://localhost:9999"}) {
        EXPECT_FALSE(is_trusted_redirect(options, url)) << url;
    }
}

// auth-api-doubts B31
TEST(Origin, ACookieNeedsATrustedPageAndJson) {
    const std::string json = "application/json; charset=utf-8";

    EXPECT_EQ(origin_code({{"cookie", "a=b"}, {"content-type", json}}, false),
              "MISSING_OR_NULL_ORIGIN");
    EXPECT_EQ(origin_code({{"cookie", "a=b"}, {"origin", "null"}, {"content-type", json}}, false),
              "MISSING_OR_NULL_ORIGIN");
    EXPECT_EQ(
        origin_code({{"cookie", "a=b"}, {"origin", "https://evil.com"}, {"content-type", json}},
                    false),
        "INVALID_ORIGIN");
    EXPECT_EQ(
        origin_code({{"cookie", "a=b"}, {"origin", "https://mana.how"}, {"content-type", json}},
                    false),
        "");
    EXPECT_EQ(
        origin_code(
            {{"cookie", "a=b"}, {"referer", "https://mana.how/page?q"}, {"content-type", json}},
            false),
        "");
    EXPECT_EQ(
        origin_code(
            {{"cookie", "a=b"}, {"origin", "https://mana.how"}, {"content-type", "text/plain"}},
            false),
        "UNSUPPORTED_MEDIA_TYPE");
    EXPECT_EQ(origin_code({{"cookie", "a=b"}, {"origin", "https://mana.how"}}, false,
                          "/api/v1/auth/refresh", ""),
              "");
}

TEST(Origin, WithoutACookieServicesAreNotAsked) {
    EXPECT_EQ(origin_code({{"content-type", "application/json"}}, false), "");
    EXPECT_EQ(origin_code({{"origin", "https://evil.com"}}, false), "");
}

TEST(Origin, AForeignPageCannotLogAVisitorIn) {
    EXPECT_EQ(origin_code({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}}, true),
              "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED");
    EXPECT_EQ(origin_code({{"sec-fetch-site", "cross-site"}, {"origin", "https://evil.com"}}, true),
              "INVALID_ORIGIN");
    EXPECT_EQ(origin_code({{"sec-fetch-mode", "cors"},
                           {"origin", "https://mana.how"},
                           {"content-type", "application/json"}},
                          true),
              "");
}

TEST(Origin, AFormLogsInFromTrustedPagesOnly) {
    const std::string form = "application/x-www-form-urlencoded";
    const auto from = [&](std::multimap<std::string, std::string> headers,
                          const char* path = "/api/auth/sign-in/email") {
        headers.emplace("content-type", form);
        return origin_code(headers, true, path);
    };
    EXPECT_EQ(from({{"origin", "https://mana.how"}}), "");
    EXPECT_EQ(from({}), "") << "no browser";
    EXPECT_EQ(from({{"origin", "https://evil.com"}}), "INVALID_ORIGIN");
    EXPECT_EQ(from({{"origin", "null"}}), "MISSING_OR_NULL_ORIGIN");
    EXPECT_EQ(from({{"referer", "https://evil.com/form"}}), "INVALID_ORIGIN");
    EXPECT_EQ(from({{"cookie", "a=b"}}), "MISSING_OR_NULL_ORIGIN");
    EXPECT_EQ(from({{"origin", "https://mana.how"}}, "/api/auth/sign-up/email"),
              "UNSUPPORTED_MEDIA_TYPE");
}

TEST(Origin, NativeBodiesAreJson) {
    EXPECT_EQ(origin_code({{"content-type", "text/plain"}}, true, "/api/auth/sign-in/email"),
              "UNSUPPORTED_MEDIA_TYPE");
    EXPECT_EQ(origin_code({}, true, "/api/auth/sign-in/email"), "UNSUPPORTED_MEDIA_TYPE");
    EXPECT_EQ(origin_code({}, true, "/api/auth/sign-out", ""), "");
}

}  // namespace
}  // namespace auth
