#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http.hpp"
#include "tests/support/http_world.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using tests::answer_everything;
using tests::http_complaint;
using tests::RawConnection;
using tests::RawServer;

TEST(HttpFetch, answers_like_send) {
    RawServer server(answer_everything);
    for (int i = 0; i < 3; ++i) {
        const HttpResponse response = fetch(
            {.method = "POST", .url = server.url("/x"), .headers = {{"A", "b"}}, .body = "hi"});
        EXPECT_EQ(response.status, 200);
        EXPECT_THAT(response.body, testing::StartsWith("POST /x HTTP/1.1\r\n"));
        EXPECT_THAT(response.body, testing::EndsWith("\r\n\r\nhi"));
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpFetch, fails_like_send) {
    std::string url;
    {
        url = RawServer(answer_everything).url();
    }
    EXPECT_THAT(http_complaint([&] { fetch({.url = url}); }), testing::StartsWith("not_sent: "));
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.await_close();
    });
    EXPECT_THAT(http_complaint([&] { fetch({.url = server.url(), .deadline = 50ms}); }),
                testing::StartsWith("outcome_unknown: "));
    EXPECT_THAT(http_complaint([&] { fetch({.url = server.url(), .header_limit = 50ms}); }),
                HasSubstr("headers"));
}

TEST(HttpFetch, threads_have_their_own_connections) {
    RawServer server(answer_everything);
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 10; ++j) good += fetch({.url = server.url()}).status == 200 ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, 80);
    EXPECT_EQ(server.connections(), 8);
}

}  // namespace
}  // namespace base
