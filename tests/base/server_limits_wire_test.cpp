// What a stranger may not do: send slowly, send too much, hold every place.
#include "base/server.hpp"

#include <atomic>

#include "tests/base/server_support.hpp"

namespace {

using base::Server;
using base::ServerRequest;
using server_tests::answer;
using server_tests::Caller;
using server_tests::get;
using server_tests::hello;
using server_tests::length_of_body;
using server_tests::now;
using server_tests::ServerWire;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

TEST_F(ServerWire, BacklogTakesABurstOfTwoHundred) {
    Server server({.name = "test", .threads_max = 8});
    server.route("GET", "/hello", hello);
    server.start();
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 200; ++i) {
        callers.push_back(std::make_unique<Caller>(server.port()));
        ASSERT_TRUE(callers.back()->send(get("/hello", "Connection: close\r\n")));
    }
    for (auto& caller : callers) EXPECT_THAT(caller->until_closed(), HasSubstr("hello"));
}

TEST_F(ServerWire, ChunkedBodyIs411AndItsBytesAreNoSecondRequest) {
    Server server({.name = "test"});
    std::atomic<int> calls{0};
    server.route("POST", "/length", [&](const ServerRequest& request) {
        ++calls;
        return length_of_body(request);
    });
    server.route("GET", "/smuggled", [&](const ServerRequest& request) {
        ++calls;
        return hello(request);
    });
    server.start();
    std::string text = answer(server,
                              "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                              "\r\n0\r\n\r\n" +
                                  get("/smuggled"));
    EXPECT_THAT(text, StartsWith("HTTP/1.1 411"));
    EXPECT_THAT(text, HasSubstr("Connection: close\r\n"));
    EXPECT_EQ(calls, 0);
}

TEST_F(ServerWire, SlowHeadIsCutAtTheDeadline) {
    Server server({.name = "test", .request_deadline = 1s});
    server.route("GET", "/hello", hello);
    server.start();
    Caller slow(server.port());
    ASSERT_TRUE(slow.send("GET /hello HTTP/1.1\r\nX-"));
    // A byte every 20 ms: without a deadline for the whole request this would go on for ever.
    auto begun = now();
    while (!slow.closed() && now() - begun < 10s) {
        slow.send("a");
        slow.until_closed(20ms);
    }
    EXPECT_TRUE(slow.closed());
    EXPECT_GE(now() - begun, 900ms);
    EXPECT_LT(now() - begun, 5s);
}

TEST_F(ServerWire, SlowBodyIs408) {
    Server server({.name = "test", .request_deadline = 1s});
    server.route("POST", "/length", length_of_body);
    server.start();
    Caller slow(server.port());
    ASSERT_TRUE(slow.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    auto begun = now();
    while (!slow.closed() && now() - begun < 10s) {
        slow.send("a");
        slow.until_closed(20ms);
    }
    EXPECT_THAT(slow.until_closed(), StartsWith("HTTP/1.1 408"));
    EXPECT_LT(now() - begun, 5s);
    Caller silent(server.port());
    ASSERT_TRUE(silent.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    EXPECT_THAT(silent.until_closed(), StartsWith("HTTP/1.1 408"));
}

// Whoever holds every place by sending slowly loses them as soon as somebody else comes.
TEST_F(ServerWire, SlowSendersMakeRoomForWhoeverWaits) {
    Server server({.name = "test", .threads_max = 8, .request_deadline = 60s});
    server.route("GET", "/hello", hello);
    server.route("POST", "/length", length_of_body);
    server.start();
    std::vector<std::unique_ptr<Caller>> slow;
    for (int i = 0; i < 8; ++i) {
        slow.push_back(std::make_unique<Caller>(server.port()));
        ASSERT_TRUE(slow.back()->send(
            i % 2 == 0 ? "GET /hello HTTP/1.1\r\nX-"
                       : "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"));
    }
    auto begun = now();
    Caller honest(server.port());
    ASSERT_TRUE(honest.send(get("/hello")));
    EXPECT_THAT(honest.until("hello", 30s), HasSubstr("hello"));
    EXPECT_LT(now() - begun, 20s) << "a second, not the deadline of a minute";
}

// Slow but steady is fine, and nobody is hurried while there is room.
TEST_F(ServerWire, WhoSendsSlowlyIsLetBeWhileThereIsRoom) {
    Server server({.name = "test", .threads_max = 4, .request_deadline = 60s});
    server.route("POST", "/length", length_of_body);
    server.start();
    Caller slow(server.port());
    ASSERT_TRUE(slow.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na"));
    EXPECT_EQ(slow.until("HTTP", 1100ms), "") << "still waited for";
    ASSERT_TRUE(slow.send("bc"));
    EXPECT_THAT(slow.until("\r\n\r\n3", 10s), HasSubstr("200"));
}

TEST_F(ServerWire, BodyLimitAtItsEdgeAndOnePast) {
    Server server({.name = "test", .body_bytes_max = 1000});
    server.route("POST", "/length", length_of_body);
    server.start();
    auto post = [](std::size_t bytes) {
        return "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(bytes) +
               "\r\n\r\n" + std::string(bytes, 'b');
    };
    EXPECT_THAT(answer(server, post(1000)), HasSubstr("\r\n\r\n1000"));
    std::string refused = answer(server, post(1001));
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(refused, HasSubstr("at most 1000 bytes"));
    EXPECT_THAT(refused, HasSubstr("Connection: close\r\n"));
}

TEST_F(ServerWire, FormBodyPastEightKilobytesIsTaken) {
    Server server({.name = "test"});
    server.route("POST", "/length", length_of_body);
    server.start();
    std::string request =
        "POST /length HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 20000\r\n\r\n" +
        std::string(20'000, 'b');
    EXPECT_THAT(answer(server, request), HasSubstr("\r\n\r\n20000"));
}

TEST_F(ServerWire, FiveIdleClientsDoNotBlockTheSixth) {
    Server server({.name = "test", .threads_max = 5, .keep_alive = 60s});
    server.route("GET", "/hello", hello);
    server.start();
    std::vector<std::unique_ptr<Caller>> idle;
    for (int i = 0; i < 5; ++i) {
        idle.push_back(std::make_unique<Caller>(server.port()));
        ASSERT_TRUE(idle.back()->send(get("/hello")));
        ASSERT_THAT(idle.back()->until("hello"), HasSubstr("hello"));
    }
    auto begun = now();
    Caller sixth(server.port());
    ASSERT_TRUE(sixth.send(get("/hello")));
    EXPECT_THAT(sixth.until("hello"), HasSubstr("hello"));
    EXPECT_LT(now() - begun, 2s);
}

TEST_F(ServerWire, TooManyHeadersAre431) {
    Server server({.name = "test", .header_count_max = 10});
    server.route("GET", "/hello", hello);
    server.start();
    std::string nine;
    for (int i = 0; i < 9; ++i) nine += "X-" + std::to_string(i) + ": 1\r\n";
    EXPECT_THAT(answer(server, get("/hello", nine)), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(answer(server, get("/hello", nine + "X-9: 1\r\n")), StartsWith("HTTP/1.1 431"));
}

TEST_F(ServerWire, EndlessHeadIsRefusedWithoutBeingKept) {
    Server server({.name = "test"});
    server.start();
    Caller caller(server.port());
    ASSERT_TRUE(caller.send("GET /hello HTTP/1.1\r\nX: "));
    std::string block(16 * 1024, 'a');
    for (int i = 0; i < 5; ++i) caller.send(block);
    EXPECT_THAT(caller.until_closed(), StartsWith("HTTP/1.1 431"));
    EXPECT_THAT(answer(server, get("/" + std::string(9000, 'a'))), StartsWith("HTTP/1.1 414"));
}

TEST_F(ServerWire, LongRangeHeaderIsHarmless) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    std::string range = "Range: bytes=" + std::string(7000, '1') + "-\r\n";
    EXPECT_THAT(answer(server, get("/hello", range)), HasSubstr("\r\n\r\nhello"));
}

TEST_F(ServerWire, ConnectionCapAnswers503) {
    Server server({.name = "test", .connections_per_client_max = 3, .keep_alive = 60s});
    server.route("GET", "/hello", hello);
    server.start();
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 3; ++i) {
        callers.push_back(std::make_unique<Caller>(server.port()));
        ASSERT_TRUE(callers.back()->send(get("/hello")));
        ASSERT_THAT(callers.back()->until("hello"), HasSubstr("hello"));
    }
    {
        Caller fourth(server.port());
        fourth.send(get("/hello"));
        EXPECT_THAT(fourth.until_closed(), StartsWith("HTTP/1.1 503"));
    }
    callers.pop_back();
    // The place becomes free as soon as the server has seen the end.
    std::string text;
    auto deadline = now() + 10s;
    while (text.find("hello") == std::string::npos && now() < deadline) {
        Caller next(server.port());
        next.send(get("/hello"));
        text = next.until("hello", 1s);
    }
    EXPECT_THAT(text, HasSubstr("hello"));
}

}  // namespace
