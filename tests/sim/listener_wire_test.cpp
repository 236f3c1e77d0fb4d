// The simulator's own server, seen by clients that do not behave.
#include "sim/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/server.hpp"

namespace {

using sim::Answer;
using sim::Incoming;
using sim::Listener;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* listener_get = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";

// A client that writes and reads bytes; every wait has a deadline.
class RawClient {
  public:
    explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(socket_); }

    void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    void end_sending() { ::shutdown(socket_, SHUT_WR); }
    void shrink_window() {
        const int bytes = 4096;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    // Until the text has come, the connection has ended or the time is over.
    std::string read_until(std::string_view end, milliseconds limit = seconds{10}) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        while (end.empty() || read_.find(end) == std::string::npos) {
            const auto left =
                std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
            pollfd entry{socket_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
            char bytes[4096];
            const ssize_t count = ::recv(socket_, bytes, sizeof bytes, 0);
            if (count < 0) error_ = errno;
            if (count == 0) ended_ = true;
            if (count <= 0) break;
            read_.append(bytes, static_cast<std::size_t>(count));
        }
        return read_;
    }
    std::string read_all(milliseconds limit = seconds{10}) { return read_until({}, limit); }
    bool ended() const { return ended_; }
    int error() const { return error_; }

  private:
    int socket_;
    std::string read_;
    bool ended_ = false;
    int error_ = 0;
};

struct ListenerRoom {
    std::atomic<int> whole{0};
    std::atomic<int> broken{0};
    std::function<Answer(const Incoming&)> make = [](const Incoming& incoming) {
        return sim::whole_answer(base::ServerResponse::text(incoming.request.path));
    };
    sim::ListenerOptions options;
    std::unique_ptr<Listener> listener;

    void begin() {
        listener = std::make_unique<Listener>(options, [this](const Incoming& incoming) {
            if (incoming.refused != 0) {
                return sim::whole_answer(
                    base::ServerResponse::text(incoming.refusal, incoming.refused));
            }
            Answer answer = make(incoming);
            answer.ended = [this](bool all) { ++(all ? whole : broken); };
            return answer;
        });
        listener->start();
    }
    bool eventually(const std::function<bool()>& condition) const {
        const auto deadline = std::chrono::steady_clock::now() + seconds{10};
        while (!condition() && std::chrono::steady_clock::now() < deadline) listener->catch_up();
        return condition();
    }
};

TEST(ListenerWire, answers_requests_that_came_together_one_after_the_other) {
    ListenerRoom room;
    room.begin();
    RawClient client(room.listener->port());
    client.send(
        "GET /one HTTP/1.1\r\nhost: a\r\n\r\nPOST /two HTTP/1.1\r\nhost: a\r\n"
        "content-length: 3\r\n\r\nabcGET /three HTTP/1.1\r\nhost: a\r\n"
        "connection: close\r\n\r\n");
    const std::string answers = client.read_all();
    EXPECT_LT(answers.find("/one"), answers.find("/two"));
    EXPECT_LT(answers.find("/two"), answers.find("/three"));
    EXPECT_TRUE(client.ended());
}

TEST(ListenerWire, answers_a_pipelined_request_behind_a_paused_answer) {
    ListenerRoom room;
    room.make = [](const Incoming& incoming) {
        Answer answer = sim::whole_answer(base::ServerResponse::text(incoming.request.path));
        answer.pauses = {{.at = 0, .wait = milliseconds{20}}};
        return answer;
    };
    room.begin();
    RawClient client(room.listener->port());
    client.send("GET /one HTTP/1.1\r\nhost: a\r\n\r\nGET /two HTTP/1.1\r\nhost: a\r\n\r\n");
    EXPECT_NE(client.read_until("/two").find("/two"), std::string::npos);
}

// Between fork and exec a child has copies of all sockets: closing ours does not end theirs.
TEST(ListenerWire, forgets_a_connection_whose_socket_a_child_still_holds) {
    ListenerRoom room;
    room.begin();
    RawClient client(room.listener->port());
    client.send(listener_get);
    EXPECT_NE(client.read_until("/x").find("200 OK"), std::string::npos);
    int hold[2];
    ASSERT_EQ(::pipe(hold), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(hold[1]);
        char byte = 0;
        const ssize_t count = ::read(hold[0], &byte, 1);  // Until the test lets go.
        ::_exit(count == 0 ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    client.end_sending();
    for (int i = 0; i < 20; ++i) {
        RawClient other(room.listener->port());
        other.send(listener_get);
        EXPECT_NE(other.read_until("/x").find("200 OK"), std::string::npos);
    }
    ::close(hold[0]);
    ::close(hold[1]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(ListenerWire, reads_a_request_that_comes_byte_by_byte) {
    ListenerRoom room;
    room.begin();
    RawClient client(room.listener->port());
    for (const char letter : std::string(listener_get)) client.send({&letter, 1});
    EXPECT_NE(client.read_until("/x").find("200 OK"), std::string::npos);
}

TEST(ListenerWire, refuses_what_is_too_large_and_the_refusal_arrives) {
    ListenerRoom room;
    room.options.limits.body_bytes_max = 1000;
    room.begin();
    RawClient exact(room.listener->port());
    exact.send("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n" +
               std::string(1000, 'a'));
    EXPECT_NE(exact.read_until("/x").find("200 OK"), std::string::npos);
    RawClient more(room.listener->port());
    more.send("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n" +
              std::string(1001, 'a'));
    EXPECT_NE(more.read_all().find(" 413 "), std::string::npos);
    EXPECT_TRUE(more.ended()) << "a proper end, no reset that would lose the answer";
    RawClient head(room.listener->port());
    head.send("GET /x HTTP/1.1\r\nhost: a\r\nx: " + std::string(70'000, 'b'));
    EXPECT_NE(head.read_all().find(" 431 "), std::string::npos);
}

TEST(ListenerWire, gives_up_on_requests_that_do_not_come_and_on_idle_connections) {
    ListenerRoom room;
    room.options.limits.request_deadline = milliseconds{100};
    room.options.limits.keep_alive = milliseconds{100};
    room.begin();
    RawClient slow(room.listener->port());
    slow.send("GET /x HTT");
    slow.read_all();
    EXPECT_TRUE(slow.ended());
    RawClient idle(room.listener->port());
    idle.send(listener_get);
    idle.read_until("/x");
    idle.read_all();
    EXPECT_TRUE(idle.ended());
}

TEST(ListenerWire, a_reset_comes_behind_all_bytes) {
    ListenerRoom room;
    room.make = [](const Incoming&) {
        Answer answer;
        answer.bytes = std::string(200'000, 'x');
        answer.ending = Answer::Ending::reset;
        answer.whole = false;
        return answer;
    };
    room.begin();
    RawClient client(room.listener->port());
    client.send(listener_get);
    EXPECT_EQ(client.read_all().size(), 200'000U);
    EXPECT_EQ(client.error(), ECONNRESET);
    EXPECT_TRUE(room.eventually([&] { return room.broken == 1; }));
}

TEST(ListenerWire, silence_ends_at_its_limit) {
    ListenerRoom room;
    room.options.limits.hang_max = milliseconds{100};
    room.make = [](const Incoming&) {
        Answer answer;
        answer.ending = Answer::Ending::hang;
        return answer;
    };
    room.begin();
    RawClient client(room.listener->port());
    client.send(listener_get);
    client.read_all();
    EXPECT_EQ(client.error(), ECONNRESET);
}

TEST(ListenerWire, a_client_that_leaves_or_does_not_read_ends_its_answer) {
    ListenerRoom room;
    room.options.limits.request_deadline = milliseconds{300};
    room.make = [](const Incoming&) {
        return sim::whole_answer(base::ServerResponse::text(std::string(32'000'000, 'x')));
    };
    room.begin();
    {
        RawClient client(room.listener->port());
        client.send(listener_get);
        client.read_until("200 OK");
    }
    EXPECT_TRUE(room.eventually([&] { return room.broken == 1; }));
    RawClient lazy(room.listener->port());
    lazy.shrink_window();
    lazy.send(listener_get);
    EXPECT_TRUE(room.eventually([&] { return room.broken == 2; }));
    EXPECT_EQ(room.whole, 0);
}

TEST(ListenerWire, taken_ports_are_named) {
    ListenerRoom room;
    room.begin();
    sim::ListenerOptions second{.port = room.listener->port()};
    Listener other(second, [](Incoming) { return Answer{}; });
    try {
        other.start();
        FAIL() << "two listeners on one port";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable);
        EXPECT_NE(std::string(failure.what()).find(std::to_string(room.listener->port())),
                  std::string::npos);
    }
}

std::size_t listener_threads() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
        ++count;
    return count;
}

TEST(ListenerWire, a_thousand_streams_are_open_at_once_on_one_thread) {
    constexpr std::size_t streams = 1000;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_GT(limit.rlim_cur, 2 * streams + 100);
    ListenerRoom room;
    room.make = [](const Incoming&) {
        Answer answer = sim::whole_answer(base::ServerResponse::text("begun"));
        answer.ending = Answer::Ending::hang;  // Nobody is done before all have begun.
        return answer;
    };
    room.begin();
    const std::size_t threads = listener_threads();
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t at = 0; at < streams; ++at) {
        clients.push_back(std::make_unique<RawClient>(room.listener->port()));
        clients.back()->send(listener_get);
    }
    for (const auto& client : clients) {
        EXPECT_NE(client->read_until("begun").find("begun"), std::string::npos);
    }
    EXPECT_EQ(listener_threads(), threads);
    EXPECT_EQ(room.broken, 0);
    clients.clear();
    EXPECT_TRUE(room.eventually([&] { return room.broken == static_cast<int>(streams); }));
}

}  // namespace
