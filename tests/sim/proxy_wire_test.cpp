#include "sim/proxy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "tests/support/raw_server.hpp"

namespace {

using std::chrono::milliseconds;

// A client socket whose reads end: with bytes, the end, a reset, or when it takes too long.
class ProxyClient {
  public:
    explicit ProxyClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    ProxyClient(const ProxyClient&) = delete;
    ProxyClient& operator=(const ProxyClient&) = delete;
    ~ProxyClient() { ::close(fd_); }

    void say(std::string_view text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    void end() const { ::shutdown(fd_, SHUT_WR); }
    bool has_news() const {
        pollfd ready{.fd = fd_, .events = POLLIN};
        return ::poll(&ready, 1, 0) > 0;
    }
    // Until `size` bytes are here or the connection is over.
    std::string hear(std::size_t size) {
        std::string text;
        while (text.size() < size && over.empty()) {
            pollfd ready{.fd = fd_, .events = POLLIN};
            if (::poll(&ready, 1, 20'000) <= 0) {
                over = "silence";
                break;
            }
            std::string bytes(std::min<std::size_t>(size - text.size(), 1 << 16), '\0');
            const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
            if (count <= 0) over = count == 0 ? "end" : "reset";
            if (count > 0) text.append(bytes, 0, static_cast<std::size_t>(count));
        }
        return text;
    }

    bool connected = false;
    std::string over;  // How it ended: "end", "reset", "silence".

  private:
    int fd_;
};

class ProxyWire : public testing::Test {
  protected:
    ProxyWire() { proxy_.start(); }

    static void echo(tests::RawConnection& connection) {
        while (true) {
            const std::string request = connection.read_request();
            if (request.empty()) return;
            connection.answer(request);
        }
    }
    void set(std::string_view fault) { proxy_.set_fault(sim::parse_proxy_fault(fault)); }
    bool eventually(const std::function<bool()>& condition) const {
        for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
             std::chrono::steady_clock::now() < until; std::this_thread::yield()) {
            if (condition()) return true;
        }
        return false;
    }
    static std::string answer_to(std::string_view request) {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(request.size()) + "\r\n\r\n" +
               std::string(request);
    }
    void expect_served(ProxyClient& client) const {
        client.say(ask);
        EXPECT_EQ(client.hear(answer_to(ask).size()), answer_to(ask));
        EXPECT_EQ(client.over, "");
    }

    static constexpr std::string_view ask = "GET / HTTP/1.1\r\n\r\n";
    tests::RawServer target_{echo};
    sim::Proxy proxy_{{.name = "target",
                       .target = "127.0.0.1",
                       .target_port = std::stoi(target_.url("").substr(17))}};
};

TEST_F(ProxyWire, WithoutAFaultBothWaysPassAndTheEndIsTold) {
    ProxyClient client(proxy_.port());
    expect_served(client);
    expect_served(client);
    client.end();
    EXPECT_EQ(client.hear(1), "");
    EXPECT_EQ(client.over, "end");
    EXPECT_TRUE(eventually([&] { return proxy_.figures().open == 0; }));
    const sim::ProxyFigures figures = proxy_.figures();
    EXPECT_EQ(figures.accepted, 1U);
    EXPECT_EQ(figures.reset, 0U);
    EXPECT_EQ(figures.bytes_up, 2 * ask.size());
    EXPECT_EQ(figures.bytes_down, 2 * answer_to(ask).size());
}

TEST_F(ProxyWire, RefuseRefusesNewConnectionsResetsOpenOnesAndIsTakenBack) {
    ProxyClient open(proxy_.port());
    expect_served(open);
    const int port = proxy_.port();

    set("refuse");
    EXPECT_EQ(open.hear(1), "");
    EXPECT_EQ(open.over, "reset");
    EXPECT_FALSE(ProxyClient(port).connected);

    set("none");
    EXPECT_EQ(proxy_.port(), port);
    ProxyClient again(port);
    expect_served(again);
}

TEST_F(ProxyWire, DelayHoldsBytesForItsTimeAndKeepsTheirOrder) {
    set("delay=60");
    ProxyClient client(proxy_.port());
    const auto began = std::chrono::steady_clock::now();
    expect_served(client);
    EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds{120}) << "both ways";

    set("delay=30;way=up");
    client.say(ask);
    set("none");
    client.say(ask);
    const std::string both = answer_to(ask) + answer_to(ask);
    EXPECT_EQ(client.hear(both.size()), both);
}

TEST_F(ProxyWire, CutResetsWhatIsOpenAndLetsLaterConnectionsPass) {
    ProxyClient open(proxy_.port());
    expect_served(open);
    set("cut");
    EXPECT_EQ(open.hear(1), "");
    EXPECT_EQ(open.over, "reset");
    EXPECT_EQ(to_text(proxy_.fault()), "none");
    ProxyClient later(proxy_.port());
    expect_served(later);
}

TEST_F(ProxyWire, CutBehindBytesDeliversThoseAndResets) {
    set("cut=10");
    ProxyClient client(proxy_.port());
    client.say(ask);
    EXPECT_EQ(client.hear(1'000), answer_to(ask).substr(0, 10));
    EXPECT_EQ(client.over, "reset");

    set("cut=0;way=up");
    ProxyClient early(proxy_.port());
    const int before = target_.connections();
    early.say(ask);
    EXPECT_EQ(early.hear(1), "");
    EXPECT_EQ(early.over, "reset");
    EXPECT_LE(target_.connections(), before + 1) << "the target hears nothing of it";
    EXPECT_EQ(proxy_.figures().reset, 2U);
}

TEST_F(ProxyWire, CutCountsFromTheMomentItIsSet) {
    ProxyClient client(proxy_.port());
    expect_served(client);
    set("cut=5");
    client.say(ask);
    EXPECT_EQ(client.hear(100), answer_to(ask).substr(0, 5));
    EXPECT_EQ(client.over, "reset");
}

TEST_F(ProxyWire, HalfOpenAcceptsAndSaysNothingUntilItIsTakenBack) {
    set("half-open");
    ProxyClient client(proxy_.port());
    EXPECT_TRUE(client.connected);
    client.say(ask);
    ASSERT_TRUE(eventually([&] { return target_.connections() == 1; }));
    EXPECT_EQ(proxy_.figures().bytes_up, 0U);
    EXPECT_FALSE(client.has_news());

    set("none");
    EXPECT_EQ(client.hear(answer_to(ask).size()), answer_to(ask)) << "nothing was thrown away";
}

TEST_F(ProxyWire, HalfOpenOneWayStillForwardsTheOther) {
    ProxyClient client(proxy_.port());
    expect_served(client);
    set("half-open;way=down");
    const std::uint64_t before = proxy_.figures().bytes_up;
    client.say(ask);
    ASSERT_TRUE(eventually([&] { return proxy_.figures().bytes_up == before + ask.size(); }));
    EXPECT_FALSE(client.has_news());
    set("none");
    EXPECT_EQ(client.hear(answer_to(ask).size()), answer_to(ask));
}

TEST_F(ProxyWire, GarbleFlipsTheTopBitOfEveryNthByteOfAnswers) {
    set("garble=7");
    ProxyClient client(proxy_.port());
    client.say(ask);
    std::string expected = answer_to(ask);
    for (std::size_t i = 6; i < expected.size(); i += 7) {
        expected[i] = static_cast<char>(expected[i] ^ '\x80');
    }
    EXPECT_EQ(client.hear(expected.size()), expected);
}

TEST_F(ProxyWire, BigBodiesPassWholeAtThePaceOfASlowReader) {
    const std::string body(std::size_t{12} * 1024 * 1024, 'x');
    const std::string request =
        "POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    ProxyClient client(proxy_.port());
    std::thread speaker([&] { client.say(request); });
    speaker.join();
    const std::string answer = answer_to(request);
    EXPECT_EQ(client.hear(answer.size()), answer);
}

TEST(ProxyTarget, ThatCannotBeReachedResetsTheClient) {
    sim::Proxy proxy({.name = "nobody", .target = "127.0.0.1", .target_port = 9});
    proxy.start();
    ProxyClient client(proxy.port());
    client.hear(1);
    EXPECT_EQ(client.over, "reset");
    EXPECT_EQ(proxy.figures().unreached, 1U);
    sim::Proxy local({.name = "local", .target = "/tmp/no-such-socket"});
    local.start();
    ProxyClient other(local.port());
    other.hear(1);
    EXPECT_EQ(other.over, "reset");
}

TEST(ProxyControl, ChangesAProxyByItsNameAndNamesWhatItDoesNotKnow) {
    tests::RawServer target(tests::RawScript([](tests::RawConnection& one) { one.await_close(); }));
    sim::Proxies proxies({sim::parse_proxy("auth=0:127.0.0.1:" + target.url("").substr(17))});
    proxies.start();
    const auto ask = [&](const char* method, const char* path, const char* body) {
        base::ServerRequest request;
        request.method = method;
        request.path = path;
        request.body = body;
        return base::parse_json(proxies.answer(request).body, "answer");
    };
    EXPECT_EQ(ask("GET", "/sim/proxies", "").at("proxies").at(0).at("fault"), "none");
    EXPECT_EQ(ask("POST", "/sim/proxies/auth", R"({"fault":"cut=100"})").at("fault"),
              "cut=100;way=down");
    EXPECT_EQ(ask("GET", "/sim/proxies", "").at("proxies").at(0).at("fault"), "cut=100;way=down");
    EXPECT_EQ(ask("DELETE", "/sim/proxies/auth", "").at("fault"), "none");
    const auto complaint = [&](const char* method, const char* path, const char* body) {
        try {
            ask(method, path, body);
        } catch (const base::Failure& failure) {
            return std::string(failure.what());
        }
        return std::string("no complaint");
    };
    EXPECT_THAT(complaint("POST", "/sim/proxies/mcp", R"({"fault":"cut"})"),
                testing::HasSubstr("auth"));
    EXPECT_THAT(complaint("POST", "/sim/proxies/auth", R"({"fault":"explode"})"),
                testing::HasSubstr("explode"));
    EXPECT_THAT(complaint("POST", "/sim/proxies/auth", R"({"falt":"cut"})"),
                testing::HasSubstr("falt"));
    EXPECT_THAT(complaint("PUT", "/sim/proxies/auth", "{}"), testing::HasSubstr("method"));
    EXPECT_THROW(sim::Proxies({sim::parse_proxy("a=0:h:1"), sim::parse_proxy("a=0:h:2")}),
                 base::Failure);
}

}  // namespace
