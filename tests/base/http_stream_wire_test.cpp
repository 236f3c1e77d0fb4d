#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/group.hpp"
#include "base/http.hpp"
#include "tests/support/http_world.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using tests::chunk_of;
using tests::http_complaint;
using tests::open_stream;
using tests::RawConnection;
using tests::RawServer;
using tests::stream_head;

using HttpStreamTest = tests::HttpTest;

Task<std::string> read_stream(Http& http, HttpRequest request) {
    auto stream = co_await http.open(std::move(request));
    std::string all;
    while (true) {
        auto bytes = co_await stream->next();
        if (!bytes) co_return all;
        all += *bytes;
    }
}

Task<std::string> read_next(HttpStream& stream) {
    auto bytes = co_await stream.next();
    co_return bytes.value_or("<end>");
}

// Lets the loop work for a while.
Task<bool> rest(Loop& loop, Duration span) {
    co_await loop.sleep(span);
    co_return true;
}

Task<bool> few_rounds(Loop& loop, int rounds) {
    for (int i = 0; i < rounds; ++i) co_await loop.sleep(100us);
    co_return true;
}

Task<void> read_and_forget(Http& http, HttpRequest request) {
    co_await read_stream(http, std::move(request));
}

TEST_F(HttpStreamTest, stream_chunks_arrive_as_they_were_split) {
    std::atomic<bool> go_on = false;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        connection.write(stream_head);
        connection.write(chunk_of("event: a\n"));
        connection.await(go_on);
        const std::string second = chunk_of("data: \xC3\xA4\n\n");
        connection.write(second.substr(0, 9));  // Inside a character.
        connection.write(second.substr(9));
        connection.write("0\r\nX-Trailer: ignored\r\n\r\n");
        connection.await_close();
    });
    const auto stream = run(open_stream(http_, server.url()));
    EXPECT_EQ(stream->status(), 200);
    EXPECT_EQ(stream->header("Content-Type"), "text/event-stream");
    EXPECT_EQ(run(read_next(*stream)), "event: a\n");
    go_on = true;
    std::string rest;
    while (true) {
        const std::string bytes = run(read_next(*stream));
        if (bytes == "<end>") break;
        rest += bytes;
    }
    EXPECT_EQ(rest, "data: \xC3\xA4\n\n");
    EXPECT_EQ(stream->header("X-Trailer"), "");
    EXPECT_EQ(run(read_next(*stream)), "<end>");  // And stays ended.
}

TEST_F(HttpStreamTest, a_cut_stream_gives_what_came_and_then_fails) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.write(stream_head);
        connection.write(chunk_of("data: half"));
    });
    const auto stream = run(open_stream(http_, server.url()));
    EXPECT_EQ(run(read_next(*stream)), "data: half");
    EXPECT_THAT(http_complaint([&] { run(read_next(*stream)); }),
                testing::StartsWith("outcome_unknown: "));
}

TEST_F(HttpStreamTest, a_silent_stream_fails_after_the_idle_limit) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.write(stream_head);
        connection.write(chunk_of("x"));
        connection.await_close();
    });
    HttpRequest request{.url = server.url(), .idle_limit = 60ms};
    const auto stream = run(http_.open(std::move(request)));
    EXPECT_EQ(run(read_next(*stream)), "x");
    const auto before = std::chrono::steady_clock::now();
    EXPECT_THAT(http_complaint([&] { run(read_next(*stream)); }),
                HasSubstr("nothing came for 60 ms"));
    EXPECT_GE(std::chrono::steady_clock::now() - before, 60ms);
}

TEST_F(HttpStreamTest, dropping_a_stream_closes_its_connection) {
    std::atomic<bool> closed = false;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        connection.write(stream_head);
        connection.write(chunk_of("x"));
        if (connection.await_close()) closed = true;
    });
    auto stream = run(open_stream(http_, server.url()));
    EXPECT_EQ(http_.active(), 1u);
    stream.reset();
    EXPECT_EQ(http_.active(), 0u);
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!closed && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    EXPECT_TRUE(closed);
}

constexpr std::size_t flood_bytes = 12 * 1024 * 1024;

TEST_F(HttpStreamTest, a_fast_sender_waits_for_a_slow_reader) {
    std::atomic<std::size_t> written = 0;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(flood_bytes) +
                         "\r\n\r\n");
        const std::string block(64 * 1024, 'x');
        for (std::size_t sent = 0; sent < flood_bytes; sent += block.size()) {
            if (!connection.write(block)) return;
            written += block.size();
        }
        connection.await_close();
    });
    const auto stream = run(open_stream(http_, server.url()));
    // Nobody reads: the loop runs until the sender has stood still for a while.
    std::size_t before = 1;
    while (before != written) {
        before = written;
        run(rest(loop_, 100ms));
    }
    EXPECT_LT(written, flood_bytes) << "all of it was taken in although nobody read";
    std::size_t read = 0;
    std::size_t largest = 0;
    while (true) {
        const std::string bytes = run(read_next(*stream));
        if (bytes == "<end>") break;
        read += bytes.size();
        largest = std::max(largest, bytes.size());
    }
    EXPECT_EQ(read, flood_bytes);
    EXPECT_LE(largest, 300u * 1024u);
}

TEST_F(HttpStreamTest, dropping_the_waiting_frame_leaves_the_stream_usable) {
    std::atomic<bool> go_on = false;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        connection.write(stream_head);
        connection.await(go_on);
        connection.write(chunk_of("late") + "0\r\n\r\n");
        connection.await_close();
    });
    const auto stream = run(open_stream(http_, server.url()));
    const auto first = run(loop_.within(20ms, read_next(*stream)));
    EXPECT_EQ(first, std::nullopt);
    go_on = true;
    EXPECT_EQ(run(read_next(*stream)), "late");
}

// Cancels an exchange after each number of loop rounds: in every state that it passes through.
TEST_F(HttpStreamTest, cancelling_is_safe_in_every_state) {
    RawServer server([](RawConnection& connection) {
        while (!connection.read_request().empty()) {
            connection.write(stream_head);
            for (int i = 0; i < 20; ++i) {
                if (!connection.write(chunk_of("data: " + std::to_string(i)))) return;
            }
            connection.write("0\r\n\r\n");
        }
    });
    for (int rounds = 0; rounds < 30; ++rounds) {
        HttpRequest request{
            .method = "POST", .url = server.url(), .body = std::string(100'000, 'b')};
        Group group(loop_);
        group.add(read_and_forget(http_, std::move(request)));
        run(few_rounds(loop_, rounds));
        group.drop_all();
        EXPECT_EQ(http_.active(), 0u);
    }
}

}  // namespace
}  // namespace base
