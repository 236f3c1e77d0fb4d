// Streamed answers: piece by piece, to the end or the cut, with many at once.
#include "base/server.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/base/server_support.hpp"

namespace {

using base::Server;
using base::ServerRequest;
using base::ServerResponse;
using base::StreamWriter;
using server_tests::answer;
using server_tests::Caller;
using server_tests::get;
using server_tests::hello;
using server_tests::now;
using server_tests::ServerWire;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

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

}  // namespace
