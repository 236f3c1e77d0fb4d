#include "base/notify.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace {

using base::Notify;

// The service manager's end of the socket.
class Manager {
  public:
    // '@' at the start asks for an abstract address.
    explicit Manager(const std::string& address)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        std::memcpy(own.sun_path, address.data(), address.size());
        if (address[0] == '@') own.sun_path[0] = '\0';
        auto size = offsetof(sockaddr_un, sun_path) + address.size() + (address[0] == '@' ? 0 : 1);
        bound_ =
            ::bind(socket_, reinterpret_cast<sockaddr*>(&own), static_cast<socklen_t>(size)) == 0;
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager() { ::close(socket_); }

    bool bound() const { return bound_; }
    std::string next() {
        pollfd entry{socket_, POLLIN, 0};
        if (::poll(&entry, 1, 5000) <= 0) return "nothing came";
        char bytes[512];
        ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
        return std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }

  private:
    int socket_;
    bool bound_ = false;
};

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
