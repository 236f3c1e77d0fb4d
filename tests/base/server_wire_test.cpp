// The inbound server against real sockets. Each test is one way a stranger could hold it up, fool
// it or make it lie; raw bytes go in where a polite client could not send them.
#include "base/server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace {

using base::Failure;
using base::Server;
using base::ServerOptions;
using base::ServerRequest;
using base::ServerResponse;
using base::StreamWriter;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

std::chrono::steady_clock::time_point now() {
    return std::chrono::steady_clock::now();
}

// A client that sends exactly the bytes it is told.
class Caller {
  public:
    explicit Caller(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;
    ~Caller() { ::close(socket_); }

    bool connected() const { return connected_; }
    void half_close() { ::shutdown(socket_, SHUT_WR); }
    bool send(const std::string& bytes) {
        return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }
    // Received text until `end` is in it, the server closes, or the limit has passed.
    std::string until(const std::string& end, std::chrono::milliseconds limit = 10s) {
        auto deadline = now() + limit;
        while (text_.find(end) == std::string::npos) {
            auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now());
            pollfd entry{socket_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
            char bytes[4096];
            ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
            if (count <= 0) {
                closed_ = true;
                was_reset_ = count < 0 && errno == ECONNRESET;
                break;
            }
            text_.append(bytes, static_cast<std::size_t>(count));
        }
        return text_;
    }
    std::string until_closed(std::chrono::milliseconds limit = 10s) {
        return until("\x01 never sent \x01", limit);
    }
    bool closed() const { return closed_; }
    bool was_reset() const { return was_reset_; }
    void forget() { text_.clear(); }

  private:
    int socket_;
    bool connected_ = false;
    bool closed_ = false;
    bool was_reset_ = false;
    std::string text_;
};

std::string get(const std::string& path, const std::string& more = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}

// One request on a connection of its own.
std::string answer(const Server& server, const std::string& request) {
    Caller caller(server.port());
    caller.send(request);
    caller.half_close();
    return caller.until_closed();
}

ServerResponse hello(const ServerRequest&) {
    return ServerResponse::text("hello");
}

ServerResponse length_of_body(const ServerRequest& request) {
    return ServerResponse::text(std::to_string(request.body.size()));
}

class ServerWire : public testing::Test {
  protected:
    void SetUp() override { base::set_log_level(base::LogLevel::off); }
    void TearDown() override { base::set_log_level(base::LogLevel::info); }
};

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

TEST_F(ServerWire, HeadAnswersLengthWithoutBody) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    std::string text = answer(server, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(text, HasSubstr("Content-Length: 5\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("hello")));
}

TEST_F(ServerWire, OtherMethodIs405WithAllow) {
    Server server({.name = "test"});
    server.route("GET", "/things/:id", hello);
    server.route("DELETE", "/things/:id", hello);
    server.start();
    std::string text =
        answer(server, "POST /things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 405"));
    EXPECT_THAT(text, HasSubstr("Allow: DELETE, GET, HEAD\r\n"));
    EXPECT_THAT(answer(server, get("/other")), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(answer(server, "BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 501"));
}

TEST_F(ServerWire, PathParametersAreDecodedOnce) {
    Server server({.name = "test"});
    server.route("GET", "/a/:id/b", [](const ServerRequest& request) {
        return ServerResponse::text("[" + request.param("id") + "]");
    });
    server.route("GET", "/files/*", [](const ServerRequest& request) {
        return ServerResponse::text("<" + request.param("*") + ">");
    });
    server.start();
    EXPECT_THAT(answer(server, get("/a/x%2Fy%2520z/b")), HasSubstr("[x/y%20z]"));
    EXPECT_THAT(answer(server, get("/a/%C3%A4+/b")), HasSubstr("[ä+]"));
    EXPECT_THAT(answer(server, get("/files/one/two")), HasSubstr("<one/two>"));
    EXPECT_THAT(answer(server, get("/a/%2/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a/%00/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a/%FF/b")), StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, get("/a//b")), StartsWith("HTTP/1.1 404"));
}

TEST_F(ServerWire, LiteralRouteWinsOverParameter) {
    Server server({.name = "test"});
    server.route("GET", "/p/:id", [](const ServerRequest&) { return ServerResponse::text("any"); });
    server.route("GET", "/p/due", [](const ServerRequest&) { return ServerResponse::text("due"); });
    server.start();
    EXPECT_THAT(answer(server, get("/p/due")), HasSubstr("\r\n\r\ndue"));
    EXPECT_THAT(answer(server, get("/p/7")), HasSubstr("\r\n\r\nany"));
}

TEST_F(ServerWire, HandsOverQueryHeadersCookiesAndAddress) {
    Server server({.name = "test"});
    server.route("GET", "/q", [](const ServerRequest& request) {
        return ServerResponse::json({{"q", request.query_value("q").value_or("-")},
                                     {"none", request.query_value("none").has_value()},
                                     {"header", request.header("x-thing")},
                                     {"cookie", request.cookie("session").value_or("-")},
                                     {"address", request.remote_address}});
    });
    server.start();
    std::string text = answer(
        server, get("/q?q=a%20b+c&q=2&x", "X-THING: 100%41\r\nCookie: a=b; session=s%3D1\r\n"));
    EXPECT_THAT(text, HasSubstr("\"q\":\"a b c\""));
    EXPECT_THAT(text, HasSubstr("\"none\":false"));
    EXPECT_THAT(text, HasSubstr("\"header\":\"100%41\""));
    EXPECT_THAT(text, HasSubstr("\"cookie\":\"s%3D1\""));
    EXPECT_THAT(text, HasSubstr("\"address\":\"127.0.0.1\""));
}

TEST_F(ServerWire, HeaderInjectionInAnAnswerIsRefused) {
    Server server({.name = "test"});
    server.route("GET", "/echo", [](const ServerRequest& request) {
        ServerResponse response = hello(request);
        response.headers.emplace_back("X-Echo", request.query_value("v").value_or(""));
        return response;
    });
    server.start();
    EXPECT_THAT(answer(server, get("/echo?v=fine")), HasSubstr("X-Echo: fine\r\n"));
    std::string text = answer(server, get("/echo?v=a%0d%0aSet-Cookie:%20x=1"));
    EXPECT_THAT(text, StartsWith("HTTP/1.1 500"));
    EXPECT_THAT(text, Not(HasSubstr("Set-Cookie")));
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

TEST_F(ServerWire, TwoOfACriticalHeaderAre400) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    for (const char* twice : {"Authorization: a\r\nauthorization: b\r\n", "Host: y\r\n",
                              "Content-Length: 0\r\nContent-Length: 0\r\n"})
        EXPECT_THAT(answer(server, get("/hello", twice)), StartsWith("HTTP/1.1 400")) << twice;
    EXPECT_THAT(answer(server, "GET /hello HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerWire, AmbiguousHeadsAre400) {
    Server server({.name = "test"});
    server.route("GET", "/hello", hello);
    server.start();
    for (const char* lines : {"X: a\nY: b\r\n", "X: a\r\n folded\r\n", "X : a\r\n", ": a\r\n",
                              "X: a\rb\r\n", "Content-Length: +1\r\n", "Content-Length: -1\r\n",
                              "Content-Length: 0x1\r\n", "Content-Length: \r\n"})
        EXPECT_THAT(answer(server, get("/hello", lines)), StartsWith("HTTP/1.1 400")) << lines;
    EXPECT_THAT(answer(server, get("/hello", "Content-Length: 99999999999999999999\r\n")),
                StartsWith("HTTP/1.1 413"));
    EXPECT_THAT(answer(server, "GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 400"));
    EXPECT_THAT(answer(server, "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n"),
                StartsWith("HTTP/1.1 505"));
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

TEST_F(ServerWire, Expect100IsAnsweredBeforeTheBody) {
    Server server({.name = "test"});
    server.route("POST", "/length", length_of_body);
    server.start();
    Caller caller(server.port());
    ASSERT_TRUE(
        caller.send("POST /length HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    "Content-Length: 2\r\n\r\n"));
    ASSERT_THAT(caller.until("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n"));
    ASSERT_TRUE(caller.send("ab"));
    EXPECT_THAT(caller.until("\r\n\r\n2"), HasSubstr("HTTP/1.1 200"));
}

// A streamed answer that goes on until the client or the server ends it.
struct Endless {
    std::atomic<int> running{0};
    std::mutex mutex;
    std::condition_variable changed;

    base::Handler handler();
    bool wait_for_running(int wanted, std::chrono::milliseconds limit = 20s) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [&] { return running == wanted; });
    }
    void change(int by) {
        std::lock_guard lock(mutex);
        running += by;
        changed.notify_all();
    }
};

base::Handler Endless::handler() {
    return [this](const ServerRequest&) {
        ServerResponse response;
        response.content_type = "text/event-stream";
        response.stream = [this](StreamWriter& writer) {
            writer.write("data: first\n\n");
            change(1);
            std::mutex own;
            std::unique_lock lock(own);
            std::condition_variable never;
            while (writer.open()) never.wait_for(lock, 20ms);
            change(-1);
        };
        return response;
    };
}

TEST_F(ServerWire, StreamArrivesPieceByPieceAndEnds) {
    Server server({.name = "test"});
    server.route("GET", "/stream", [](const ServerRequest&) {
        ServerResponse response;
        response.content_type = "text/event-stream";
        response.stream = [](StreamWriter& writer) {
            writer.write("one");
            writer.write("");
            writer.write("three");
        };
        return response;
    });
    server.start();
    std::string text = answer(server, get("/stream"));
    EXPECT_THAT(text, HasSubstr("Content-Type: text/event-stream\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"));
}

TEST_F(ServerWire, LeavingClientEndsItsStream) {
    Server server({.name = "test"});
    Endless endless;
    server.route("GET", "/stream", endless.handler());
    server.start();
    {
        Caller caller(server.port());
        ASSERT_TRUE(caller.send(get("/stream")));
        ASSERT_THAT(caller.until("first"), HasSubstr("first"));
        ASSERT_TRUE(endless.wait_for_running(1));
    }
    EXPECT_TRUE(endless.wait_for_running(0));
}

TEST_F(ServerWire, ResetStreamIsSeenAsCutNotAsEnded) {
    Server server({.name = "test"});
    server.route("GET", "/cut", [](const ServerRequest&) {
        ServerResponse response;
        response.stream = [](StreamWriter& writer) {
            writer.write("some");
            writer.reset();
            EXPECT_FALSE(writer.write("more"));
            EXPECT_FALSE(writer.open());
        };
        return response;
    });
    server.start();
    Caller caller(server.port());
    ASSERT_TRUE(caller.send(get("/cut")));
    std::string text = caller.until_closed();
    EXPECT_TRUE(caller.was_reset());
    EXPECT_THAT(text, Not(HasSubstr("\r\n0\r\n\r\n")));
}

TEST_F(ServerWire, FailingStreamIsCut) {
    Server server({.name = "test"});
    server.route("GET", "/fail", [](const ServerRequest&) {
        ServerResponse response;
        response.stream = [](StreamWriter& writer) {
            writer.write("some");
            throw std::runtime_error("broken");
        };
        return response;
    });
    server.start();
    EXPECT_THAT(answer(server, get("/fail")), Not(HasSubstr("\r\n0\r\n\r\n")));
}

TEST_F(ServerWire, StopWithOpenStreamAndHalfRequestIsQuick) {
    Endless endless;
    Server server({.name = "test", .keep_alive = 60s});
    server.route("GET", "/stream", endless.handler());
    server.route("GET", "/hello", hello);
    server.start();
    Caller streaming(server.port());
    ASSERT_TRUE(streaming.send(get("/stream")));
    ASSERT_TRUE(endless.wait_for_running(1));
    Caller half(server.port());
    ASSERT_TRUE(half.send("GET /hello HT"));
    Caller idle(server.port());
    ASSERT_TRUE(idle.send(get("/hello")));
    ASSERT_THAT(idle.until("hello"), HasSubstr("hello"));
    auto begun = now();
    server.stop();
    EXPECT_LT(now() - begun, 2s);
    EXPECT_EQ(endless.running, 0);
    idle.until_closed();
    EXPECT_TRUE(idle.closed());
    server.stop();
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

TEST_F(ServerWire, TwoHundredStreamsAtOnce) {
    Endless endless;
    Server server({.name = "test", .threads_max = 256});
    server.route("GET", "/stream", endless.handler());
    server.start();
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 200; ++i) {
        callers.push_back(std::make_unique<Caller>(server.port()));
        ASSERT_TRUE(callers.back()->send(get("/stream")));
    }
    EXPECT_TRUE(endless.wait_for_running(200));
    callers.clear();
    EXPECT_TRUE(endless.wait_for_running(0));
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
