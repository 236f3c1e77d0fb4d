// What the tests of base/http share: a loop on the system clock, a client, and small tasks and
// scripts for tests/support/raw_server.hpp.
#pragma once

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "tests/support/raw_server.hpp"

namespace tests {

class HttpTest : public testing::Test {
  protected:
    // Every run of a test ends, however broken the code is.
    template <class T>
    T run(base::Task<T> task) {
        auto outcome = loop_.run(loop_.within(std::chrono::seconds{30}, std::move(task)));
        if (!outcome || !*outcome) throw std::logic_error("nothing came of it for 30 s");
        return std::move(**outcome);
    }

    base::SystemClock clock_;
    base::Loop loop_{clock_};
    base::Http http_{loop_};
};

// The failure of `act`, as "code: reason".
template <class Act>
std::string http_complaint(Act act) {
    try {
        act();
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable) << failure.what();
        return failure.code() + ": " + failure.what();
    }
    ADD_FAILURE() << "no failure";
    return {};
}

inline void answer_everything(RawConnection& connection) {
    while (true) {
        const std::string request = connection.read_request();
        if (request.empty()) return;
        connection.answer(request);
    }
}

inline std::string chunk_of(std::string_view bytes) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + std::string(bytes) + "\r\n";
}

inline constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline base::Task<std::unique_ptr<base::HttpStream>> open_stream(base::Http& http,
                                                                 std::string url) {
    base::HttpRequest request;
    request.url = std::move(url);
    co_return co_await http.open(std::move(request));
}

}  // namespace tests
