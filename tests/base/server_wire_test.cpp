// The inbound server against real sockets: requests in, answers out. Raw bytes go in where a polite
// client could not send them.
#include "base/server.hpp"

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/metrics.hpp"
#include "tests/base/server_support.hpp"

namespace {

using base::Failure;
using base::Server;
using base::ServerRequest;
using base::ServerResponse;
using server_tests::answer;
using server_tests::Caller;
using server_tests::get;
using server_tests::hello;
using server_tests::length_of_body;
using server_tests::ServerWire;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

TEST_F(ServerWire, AnswersGetAndPost) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.route("POST", "/json", [](const ServerRequest& request) {
        return ServerResponse::json({{"got", request.json()["a"]}}, 201);
    });
    server.start();
    EXPECT_THAT(answer(server, get("/hello")), StartsWith("HTTP/1.1 200 OK\r\n"));
    std::string made =
        answer(server, "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
    EXPECT_THAT(made, StartsWith("HTTP/1.1 201"));
    EXPECT_THAT(made, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(made, HasSubstr("{\"got\":1}"));
}

TEST_F(ServerWire, ReadsJsonOrNamesTheFault) {
    Server server({.name = "test"});
    server.route("POST", "/json",
                 [](const ServerRequest& request) { return ServerResponse::json(request.json()); });
    server.start();
    std::string head = "POST /json HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    EXPECT_THAT(answer(server, head + "0\r\n\r\n"), HasSubstr("request body"));
    std::string broken = answer(server, head + "3\r\n\r\n{a}");
    EXPECT_THAT(broken, StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(broken, HasSubstr("request body"));
}

TEST_F(ServerWire, KeepsAConnectionForManyRequests) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    Caller caller(server.port());
    for (int i = 0; i < 50; ++i) {
        caller.forget();
        ASSERT_TRUE(caller.send(get("/hello")));
        ASSERT_THAT(caller.until("hello"), StartsWith("HTTP/1.1 200")) << "request " << i;
    }
}

TEST_F(ServerWire, AnswersPipelinedRequestsInOrder) {
    Server server({.name = "test"});
    server.route("POST", "/length", length_of_body);
    server.start();
    std::string one = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    std::string two = "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd";
    std::string text = answer(server, one + two);
    std::size_t first = text.find("\r\n\r\n3");
    EXPECT_NE(first, std::string::npos);
    EXPECT_GT(text.find("\r\n\r\n4"), first);
}

TEST_F(ServerWire, SecondBindFailsAndNamesAddressAndPort) {
    Server first({.name = "first"});
    first.start();
    Server second({.name = "second", .port = first.port()});
    try {
        second.start();
        FAIL() << "two servers listen on one port";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
        EXPECT_THAT(failure.what(), HasSubstr("127.0.0.1:" + std::to_string(first.port())));
    }
}

TEST_F(ServerWire, UnusableAddressIsUnavailable) {
    Server server({.name = "test", .address = "192.0.2.1"});
    EXPECT_THROW(server.start(), Failure);
}

TEST_F(ServerWire, CompressedAndMultipartBodiesAreJustBytes) {
    Server server({.name = "test"});
    server.route("POST", "/length", length_of_body);
    server.start();
    EXPECT_THAT(answer(server,
                       "POST /length HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                       "Content-Length: 5\r\n\r\nabcde"),
                HasSubstr("\r\n\r\n5"));
    EXPECT_THAT(answer(server,
                       "POST /length HTTP/1.1\r\nHost: x\r\n"
                       "Content-Type: multipart/form-data; boundary=b\r\n"
                       "Content-Length: 5\r\n\r\nabcde"),
                HasSubstr("\r\n\r\n5"));
}

TEST_F(ServerWire, RepeatedHeadersOfAnAnswerAllArrive) {
    Server server({.name = "test"});
    server.route("GET", "/two", [](const ServerRequest& request) {
        ServerResponse response = hello(request);
        response.headers = {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}};
        return response;
    });
    server.start();
    std::string text = answer(server, get("/two"));
    EXPECT_THAT(text, HasSubstr("Set-Cookie: a=1\r\n"));
    EXPECT_THAT(text, HasSubstr("Set-Cookie: b=2\r\n"));
}

TEST_F(ServerWire, EmptyAnswersCarryNoBody) {
    Server server({.name = "test"});
    server.route("DELETE", "/thing", [](const ServerRequest&) {
        return ServerResponse{.status = 204, .content_type = ""};
    });
    server.route("POST", "/taken", [](const ServerRequest&) {
        return ServerResponse{.status = 202, .content_type = ""};
    });
    server.start();
    std::string gone = answer(server, "DELETE /thing HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(gone, StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(gone, Not(HasSubstr("Content-Length")));
    std::string taken =
        answer(server, "POST /taken HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(taken, HasSubstr("Content-Length: 0\r\n"));
    EXPECT_THAT(taken, Not(HasSubstr("Content-Type")));
}

TEST_F(ServerWire, FailuresArePrintedAndFaultsOfOursAreHidden) {
    Server server({.name = "test"});
    server.route("GET", "/busy", [](const ServerRequest&) -> ServerResponse {
        throw Failure(Failure::Kind::throttled, "slow down", "BUSY").retry_after(1500ms);
    });
    server.route("GET", "/bug", [](const ServerRequest&) -> ServerResponse {
        throw std::runtime_error("password is hunter2");
    });
    server.start();
    std::string busy = answer(server, get("/busy"));
    EXPECT_THAT(busy, StartsWith("HTTP/1.1 429"));
    EXPECT_THAT(busy, HasSubstr("Retry-After: 2\r\n"));
    EXPECT_THAT(busy, HasSubstr("\"error\":\"slow down\""));
    std::string bug = answer(server, get("/bug"));
    EXPECT_THAT(bug, StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(bug, Not(HasSubstr("hunter2")));
}

TEST_F(ServerWire, OwnPrinterAndFinisherSeeEveryAnswer) {
    Server server({.name = "test"});
    server.print_failures([](const ServerRequest&, const Failure& failure) {
        return ServerResponse::json({{"message", failure.what()}}, base::status_of(failure.kind()));
    });
    server.after([](const ServerRequest&, ServerResponse& response) {
        response.headers.emplace_back("X-Seen", "yes");
    });
    server.before([](const ServerRequest& request) -> std::optional<ServerResponse> {
        if (!request.has_header("x-bad")) return std::nullopt;
        return ServerResponse::text("stopped", 403);
    });
    server.route("GET", "/hello", hello);
    server.start();
    for (const std::string& request : {get("/none"), get("/hello"), get("/hello", "X-Bad: 1\r\n"),
                                       get("/hello", "Transfer-Encoding: chunked\r\n")})
        EXPECT_THAT(answer(server, request), HasSubstr("X-Seen: yes\r\n"));
    EXPECT_THAT(answer(server, get("/none")), HasSubstr("{\"message\":"));
    EXPECT_THAT(answer(server, get("/hello", "X-Bad: 1\r\n")), StartsWith("HTTP/1.1 403"));
}

TEST_F(ServerWire, MetricsNameServerMethodRouteAndStatus) {
    base::Metrics metrics;
    Server server({.name = "test", .metrics = &metrics});
    server.route("GET", "/things/:id", hello);
    server.start();
    answer(server, get("/things/secret-id"));
    answer(server, get("/nowhere/secret-id"));
    std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("http_requests_total{method=\"GET\",route=\"/things/:id\","
                                "server=\"test\",status=\"2xx\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("route=\"none\",server=\"test\",status=\"4xx\"} 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("secret-id")));
}

}  // namespace
