#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/http.hpp"

namespace base {
namespace {

TEST(HttpAddress, origin_is_scheme_host_and_port) {
    EXPECT_EQ(origin_of("HTTPS://API.Example.com/v1?x#y"), "https://api.example.com");
    EXPECT_EQ(origin_of("http://127.0.0.1:3001"), "http://127.0.0.1:3001");
    EXPECT_EQ(origin_of("http://[::1]:80/a"), "http://[::1]:80");
    for (const char* url : {"", "example.com", "ftp://a", "http://", "http:///x", "http://a:0/",
                            "http://a:70000/", "http://a:b/", "http://user:pw@a/", "http://a b/",
                            "http://a\n/", "http://[::1", "http://ex_%41/"}) {
        EXPECT_THROW(origin_of(url), Failure) << url;
    }
}

TEST(HttpAddress, encoding_leaves_only_plain_characters) {
    EXPECT_EQ(url_encode("aZ0-_.~"), "aZ0-_.~");
    EXPECT_EQ(url_encode("a b/ä?&#%+"), "a%20b%2F%C3%A4%3F%26%23%25%2B");
    EXPECT_EQ(url_encode(".."), "%2E%2E");
    EXPECT_EQ(url_encode(""), "");
}

}  // namespace
}  // namespace base
