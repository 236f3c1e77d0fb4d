// Sockets that fall silent, waited for by many threads at once; the thread sanitizer runs it too.
#include "base/postgres_deadlines.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <vector>

#include <gtest/gtest.h>

namespace {

using std::chrono::milliseconds;

struct SocketPair {
    SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0); }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair() {
        for (const int end : ends) ::close(end);
    }
    std::array<int, 2> ends{-1, -1};
};

TEST(SqlDeadlines, WhoeverReadsFromASilentServerFindsItsEnd) {
    base::SqlDeadlines deadlines;
    SocketPair pair;
    const base::SqlDeadlines::Watch watch(&deadlines, pair.ends[0], milliseconds{20});
    char byte = 0;
    EXPECT_EQ(::read(pair.ends[0], &byte, 1), 0);  // Blocks until then.
    EXPECT_TRUE(watch.has_struck());
}

TEST(SqlDeadlines, AnAnswerInTimeStrikesNothing) {
    base::SqlDeadlines deadlines;
    SocketPair pair;
    {
        const base::SqlDeadlines::Watch watch(&deadlines, pair.ends[0], std::chrono::hours{1});
        EXPECT_FALSE(watch.has_struck());
    }
    const base::SqlDeadlines::Watch without(nullptr, pair.ends[0], milliseconds{1});
    const base::SqlDeadlines::Watch unlimited(&deadlines, pair.ends[0], milliseconds{0});
    EXPECT_FALSE(without.has_struck() || unlimited.has_struck());
    char byte = 'x';
    EXPECT_EQ(::write(pair.ends[1], &byte, 1), 1);
    EXPECT_EQ(::read(pair.ends[0], &byte, 1), 1);
}

TEST(SqlDeadlines, ManyThreadsWatchAtOnce) {
    base::SqlDeadlines deadlines;
    std::atomic<int> struck{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            SocketPair pair;
            for (int j = 0; j < 200; ++j) {
                const base::SqlDeadlines::Watch watch(&deadlines, pair.ends[0],
                                                      std::chrono::hours{1});
                EXPECT_FALSE(watch.has_struck());
            }
            const base::SqlDeadlines::Watch watch(&deadlines, pair.ends[0], milliseconds{10 + i});
            char byte = 0;
            EXPECT_EQ(::read(pair.ends[0], &byte, 1), 0);
            struck += watch.has_struck() ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(struck, 8);
}

}  // namespace
