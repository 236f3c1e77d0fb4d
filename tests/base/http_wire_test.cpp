#include "base/http.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/group.hpp"
#include "tests/support/http_world.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using tests::answer_everything;
using tests::http_complaint;
using tests::HttpTest;
using tests::open_stream;
using tests::RawConnection;
using tests::RawServer;

TEST_F(HttpTest, request_goes_out_as_written_and_the_answer_comes_back) {
    RawServer server([](RawConnection& connection) {
        const std::string request = connection.read_request();
        connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        connection.write("HTTP/1.1 207 Fine\r\nX-One: 1\r\nx-two:  two words \r\nContent-Length: " +
                         std::to_string(request.size()) + "\r\n\r\n" + request);
    });
    const HttpResponse response =
        run(http_.send({.method = "POST",
                        .url = server.url("/a%20b/../c?q=1"),
                        .headers = {{"X-Service-Key", "k"}, {"X-Empty", ""}},
                        .body = "{\"a\":1}"}));
    EXPECT_EQ(response.status, 207);
    EXPECT_EQ(response.header("X-ONE"), "1");
    EXPECT_EQ(response.header("X-Two"), "two words");
    EXPECT_EQ(response.header("Link"), "");
    EXPECT_THAT(response.body, testing::StartsWith("POST /a%20b/../c?q=1 HTTP/1.1\r\n"));
    EXPECT_THAT(response.body, HasSubstr("X-Service-Key: k\r\n"));
    EXPECT_THAT(response.body, HasSubstr("X-Empty:\r\n"));
    EXPECT_THAT(response.body, HasSubstr("User-Agent: persona-runner/"));
    EXPECT_THAT(response.body, HasSubstr("Content-Length: 7\r\n"));
    EXPECT_THAT(response.body, testing::EndsWith("\r\n\r\n{\"a\":1}"));
    EXPECT_THAT(response.body, Not(HasSubstr("Expect")));
    EXPECT_THAT(response.body, HasSubstr("Accept-Encoding: identity\r\n"))
        << "compressed bytes arrive late; nobody is offered them";
    EXPECT_THAT(response.body, Not(HasSubstr("form-urlencoded")));
}

TEST_F(HttpTest, methods_and_bodies) {
    RawServer server(answer_everything);
    const auto sent = [&](std::string method, std::string body) {
        return run(http_.send(
                       {.method = std::move(method), .url = server.url(), .body = std::move(body)}))
            .body;
    };
    EXPECT_THAT(sent("GET", ""), testing::StartsWith("GET / "));
    EXPECT_THAT(sent("DELETE", ""), testing::StartsWith("DELETE / "));
    EXPECT_THAT(sent("PUT", "body"), testing::StartsWith("PUT / "));
    EXPECT_THAT(sent("POST", ""), HasSubstr("Content-Length: 0\r\n"));
    const std::string large(2'000'000, 'x');
    EXPECT_THAT(sent("POST", large), testing::EndsWith(large));
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, a_connection_is_used_again) {
    RawServer server(answer_everything);
    for (int i = 0; i < 10; ++i) run(http_.send({.url = server.url()}));
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, refused_connection_is_not_sent) {
    std::string url;
    {
        url = RawServer(answer_everything).url("/secret/path?key=1");
    }
    const std::string complaint =
        http_complaint([&] { run(http_.send({.method = "POST", .url = url, .body = "secret"})); });
    EXPECT_THAT(complaint, testing::StartsWith("not_sent: no answer from 127.0.0.1:"));
    EXPECT_THAT(complaint, HasSubstr("Connection refused"));
    EXPECT_THAT(complaint, Not(HasSubstr("secret")));
    EXPECT_THAT(http_complaint([&] { run(open_stream(http_, url)); }),
                testing::StartsWith("not_sent: "));
}

TEST_F(HttpTest, unknown_host_is_not_sent) {
    EXPECT_THAT(http_complaint([&] { run(http_.send({.url = "http://no-such-host.invalid/"})); }),
                testing::StartsWith("not_sent: no answer from no-such-host.invalid:"));
}

std::size_t threads_now() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

Task<void> count_not_sent(Http& http, int& not_sent) {
    HttpRequest request{.url = "http://no-such-host.invalid/"};
    try {
        co_await http.send(std::move(request));
    } catch (const Failure& failure) {
        if (failure.code() == "not_sent") ++not_sent;
    }
}

// libcurl starts a thread per lookup: a crowd that wants one host must not start a crowd of them.
TEST_F(HttpTest, a_crowd_looks_one_name_up_once) {
    const std::size_t before = threads_now();
    std::size_t most = 0;
    int not_sent = 0;
    Group group(loop_);
    for (int i = 0; i < 200; ++i) group.add(count_not_sent(http_, not_sent));
    while (group.size() > 0) {
        loop_.post([this] { loop_.stop(); });
        loop_.run(group.all());
        most = std::max(most, threads_now());
    }
    EXPECT_EQ(not_sent, 200);
    EXPECT_LE(most, before + 2);
}

TEST_F(HttpTest, a_closed_connection_is_outcome_unknown) {
    RawServer server([](RawConnection& connection) { connection.read_request(); });
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.method = "POST", .url = server.url(), .body = "x"})); }),
                testing::StartsWith("outcome_unknown: "));
}

// A kept connection that dies under a POST: the server may have acted, so it must not go out twice.
TEST_F(HttpTest, a_post_is_never_repeated_behind_our_back) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& connection) {
        while (true) {
            const std::string request = connection.read_request();
            if (request.empty()) return;
            if (++requests == 2) return connection.reset();
            connection.answer("ok");
        }
    });
    run(http_.send({.method = "POST", .url = server.url(), .body = "1"}));
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.method = "POST", .url = server.url(), .body = "2"})); }),
                testing::StartsWith("outcome_unknown: "));
    EXPECT_EQ(requests, 2);
    EXPECT_EQ(run(http_.send({.method = "POST", .url = server.url(), .body = "3"})).body, "ok");
}

TEST_F(HttpTest, header_limit_and_deadline) {
    RawServer server([](RawConnection& connection) {
        const std::string request = connection.read_request();
        if (request.starts_with("GET /slow-body")) {
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        }
        connection.await_close();
    });
    EXPECT_THAT(
        http_complaint([&] { run(http_.send({.url = server.url(), .header_limit = 50ms})); }),
        HasSubstr("outcome_unknown: no answer from 127.0.0.1"));
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.url = server.url("/slow-body"), .deadline = 50ms})); }),
                HasSubstr("deadline"));
    HttpRequest request{.url = server.url(), .header_limit = 50ms};
    EXPECT_THAT(http_complaint([&] { run(http_.open(std::move(request))); }), HasSubstr("headers"));
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, answers_past_the_body_limit_are_refused) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.answer(std::string(5'000, 'x'));
    });
    EXPECT_THAT(
        http_complaint([&] { run(http_.send({.url = server.url(), .body_bytes_max = 4'999})); }),
        HasSubstr("larger than 4999 bytes"));
    EXPECT_EQ(run(http_.send({.url = server.url(), .body_bytes_max = 5'000})).body.size(), 5'000u);
}

TEST_F(HttpTest, endless_headers_are_refused) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\n");
        while (connection.write("X-More: " + std::string(500, 'x') + "\r\n")) {
        }
    });
    EXPECT_THAT(http_complaint([&] { run(http_.send({.url = server.url()})); }),
                HasSubstr("headers are larger"));
}

TEST_F(HttpTest, redirects_are_answers) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        ++requests;
        connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        connection.await_close();
    });
    const HttpResponse response = run(http_.send({.url = server.url()}));
    EXPECT_EQ(response.status, 302);
    EXPECT_EQ(response.header("location"), "/elsewhere");
    EXPECT_EQ(requests, 1);
}

Task<void> count_answer(Http& http, std::string url, int& good) {
    HttpRequest request{.url = std::move(url)};
    const HttpResponse response = co_await http.send(std::move(request));
    if (response.status == 200) ++good;
}

TEST_F(HttpTest, two_hundred_at_once) {
    RawServer server(answer_everything);
    int good = 0;
    {
        Group group(loop_);
        for (int i = 0; i < 200; ++i) group.add(count_answer(http_, server.url(), good));
        EXPECT_EQ(group.size(), 200u);
        EXPECT_TRUE(run(loop_.within(20s, group.all())));
    }
    EXPECT_EQ(good, 200);
    EXPECT_LE(server.connections(), 200);
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, bad_requests_are_refused_before_they_leave) {
    const auto refused = [&](HttpRequest request) {
        try {
            run(http_.send(std::move(request)));
        } catch (const Failure& failure) {
            return std::string(name_of(failure.kind())) + ": " + failure.what();
        }
        return std::string("sent");
    };
    const std::string url = "http://127.0.0.1:1/";
    EXPECT_THAT(refused({.url = "ftp://host/"}), HasSubstr("invalid: the URL is neither http nor"));
    EXPECT_THAT(refused({.url = "file:///etc/passwd"}), HasSubstr("invalid: "));
    EXPECT_THAT(refused({.method = "GET /x", .url = url}), HasSubstr("invalid: the HTTP method"));
    EXPECT_THAT(refused({.url = url, .headers = {{"X-A", "v\r\nX-B: forged"}}}),
                HasSubstr("invalid: the request header X-A"));
    EXPECT_THAT(refused({.url = url, .headers = {{"X A:", "v"}}}), HasSubstr("invalid: "));
}

}  // namespace
}  // namespace base
