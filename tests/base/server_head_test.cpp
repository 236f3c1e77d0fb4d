// The head parser on its own: what it reads and what it will not read.
#include "base/server_head.hpp"

#include <gtest/gtest.h>

namespace {

using base::parse_server_head;
using base::percent_decoded;

base::ServerHead parsed(std::string_view text) {
    return parse_server_head(text, 100, 1000);
}

TEST(ServerHead, ReadsMethodPathQueryAndHeaders) {
    auto head =
        parsed("GET /a/b%20c?x=1&y=a+b HTTP/1.1\r\nHost: h\r\nX-One:  two \r\nX-one: three");
    EXPECT_EQ(head.refused, 0);
    EXPECT_EQ(head.request.method, "GET");
    EXPECT_EQ(head.request.path, "/a/b c");
    EXPECT_EQ(head.request.target, "/a/b%20c?x=1&y=a+b");
    EXPECT_EQ(head.segments, (std::vector<std::string>{"a", "b c"}));
    EXPECT_EQ(head.request.query_value("y"), "a b");
    EXPECT_EQ(head.request.header("X-ONE"), "two");
    EXPECT_EQ(head.request.headers.count("x-one"), 2u);
    EXPECT_FALSE(head.close);
}

TEST(ServerHead, CloseFollowsVersionAndHeader) {
    EXPECT_TRUE(parsed("GET / HTTP/1.0").close);
    EXPECT_TRUE(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close").close);
    EXPECT_FALSE(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive").close);
}

TEST(ServerHead, RefusesEachWithItsStatus) {
    EXPECT_EQ(parsed("").refused, 400);
    EXPECT_EQ(parsed("GET /").refused, 400);
    EXPECT_EQ(parsed("GET / a HTTP/1.1\r\nHost: h").refused, 400);
    EXPECT_EQ(parsed("GET / HTTP/3").refused, 505);
    EXPECT_EQ(parsed("get / HTTP/1.1\r\nHost: h").refused, 501);
    EXPECT_EQ(parsed("GET /?a=%zz HTTP/1.1\r\nHost: h").refused, 400);
    EXPECT_EQ(parsed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001").refused, 413);
    EXPECT_EQ(parsed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000").content_length, 1000u);
    EXPECT_EQ(parsed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity").refused, 411);
    EXPECT_TRUE(parsed("GET /").close);
}

TEST(ServerHead, DecodesEscapesOnceAndStrictly) {
    EXPECT_EQ(percent_decoded("a%2Bb+c", false), "a+b+c");
    EXPECT_EQ(percent_decoded("a%2Bb+c", true), "a+b c");
    EXPECT_EQ(percent_decoded("%2541", false), "%41");
    for (const char* bad : {"%", "%4", "%g0", "%00", "%C3", "%ED%A0%80"})
        EXPECT_FALSE(percent_decoded(bad, false)) << bad;
}

}  // namespace
