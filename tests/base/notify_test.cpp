#include "base/notify.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/support/service_manager.hpp"

namespace {

using base::Notify;
using Manager = test_support::ServiceManager;

class NotifyTest : public testing::Test {
  protected:
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }
    static void clear() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
    }
};

TEST_F(NotifyTest, TellsEveryStateOverAFile) {
    auto path =
        std::filesystem::temp_directory_path() / ("notify-" + std::to_string(::getpid()) + ".sock");
    Manager manager(path.string());
    ASSERT_TRUE(manager.bound());
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    Notify notify;
    notify.ready("10 personas");
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=10 personas");
    notify.status("two\nlines");
    EXPECT_EQ(manager.next(), "STATUS=two lines");
    notify.watchdog();
    EXPECT_EQ(manager.next(), "WATCHDOG=1");
    notify.stopping("bye");
    EXPECT_EQ(manager.next(), "STOPPING=1\nSTATUS=bye");
    notify.still_stopping("one left", std::chrono::seconds{10});
    EXPECT_EQ(manager.next(), "EXTEND_TIMEOUT_USEC=10000000\nSTATUS=one left");
    std::filesystem::remove(path);
}

TEST_F(NotifyTest, SpeaksToAnAbstractAddress) {
    std::string address = "@persona-notify-" + std::to_string(::getpid());
    Manager manager(address);
    ASSERT_TRUE(manager.bound());
    ::setenv("NOTIFY_SOCKET", address.c_str(), 1);
    Notify notify;
    notify.ready("up");
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=up");
}

TEST_F(NotifyTest, WatchdogIntervalIsHalfOfWhatIsAllowed) {
    ::setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    EXPECT_EQ(Notify().watchdog_interval(), std::chrono::milliseconds(15'000));
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(Notify().watchdog_interval(), std::chrono::milliseconds(15'000));
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_FALSE(Notify().watchdog_interval());
    ::unsetenv("WATCHDOG_PID");
    ::setenv("WATCHDOG_USEC", "soon", 1);
    EXPECT_FALSE(Notify().watchdog_interval());
}

TEST_F(NotifyTest, WithoutAManagerNothingHappens) {
    Notify notify;
    notify.ready("up");
    notify.watchdog();
    EXPECT_FALSE(notify.watchdog_interval());
}

}  // namespace
