#include "base/http.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.hpp"
#include "base/group.hpp"

namespace base {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// One accepted connection as the test's script sees it. Every wait ends when the server stops.
class RawConnection {
  public:
    RawConnection(int fd, const std::atomic<bool>& ending, int number)
        : number(number), fd_(fd), ending_(ending) {}
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;
    ~RawConnection() { close(); }

    // Head and body of the next request; empty when the client is gone.
    std::string read_request() {
        while (true) {
            const std::size_t head = input_.find("\r\n\r\n");
            if (head != std::string::npos) {
                const std::size_t whole = head + 4 + body_size(input_.substr(0, head));
                if (input_.size() >= whole) {
                    const std::string request = input_.substr(0, whole);
                    input_.erase(0, whole);
                    return request;
                }
            }
            if (!read_more()) return {};
        }
    }

    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            pollfd ready{.fd = fd_, .events = POLLOUT};
            if (ending_ || fd_ < 0) return false;
            if (::poll(&ready, 1, 20) == 0) continue;
            const ssize_t sent =
                ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno != EAGAIN) return false;
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
                written_ += static_cast<std::size_t>(sent);
            }
        }
        return true;
    }
    void answer(std::string_view body, std::string_view extra = {}) {
        write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
              std::string(extra) + "\r\n" + std::string(body));
    }
    // Until the client closes; false when the server stopped first.
    bool await_close() {
        while (read_more()) {
        }
        return !ending_;
    }
    // Until the test says so.
    void await(const std::atomic<bool>& flag) const {
        while (!flag && !ending_) std::this_thread::yield();
    }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }
    std::size_t written() const { return written_; }

    const int number;  // Of the connection, from 1.

  private:
    static std::size_t body_size(const std::string& head) {
        const std::size_t at = head.find("Content-Length: ");
        return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    }
    bool read_more() {
        char bytes[16 * 1024];
        while (!ending_ && fd_ >= 0) {
            pollfd ready{.fd = fd_, .events = POLLIN};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
            if (count <= 0) return false;
            input_.append(bytes, static_cast<std::size_t>(count));
            return true;
        }
        return false;
    }

    int fd_;
    const std::atomic<bool>& ending_;
    std::string input_;
    std::size_t written_ = 0;
};

using RawScript = std::function<void(RawConnection&)>;

// A server that says exactly what the test tells it to, one thread per connection.
class RawServer {
  public:
    explicit RawServer(RawScript script) : script_(std::move(script)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_, plain, size) != 0 || ::listen(listener_, 1024) != 0 ||
            ::getsockname(listener_, plain, &size) != 0) {
            throw std::runtime_error("the raw server cannot listen");
        }
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;
    ~RawServer() {
        ending_ = true;
        acceptor_.join();
        for (std::thread& thread : threads_) thread.join();
        ::close(listener_);
    }

    std::string url(std::string_view path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
    }
    int connections() const { return connections_; }

  private:
    void accept_all() {
        while (!ending_) {
            pollfd ready{.fd = listener_, .events = POLLIN};
            if (::poll(&ready, 1, 20) <= 0) continue;
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) continue;
            const int number = ++connections_;
            threads_.emplace_back([this, fd, number] {
                RawConnection connection(fd, ending_, number);
                script_(connection);
            });
        }
    }

    RawScript script_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> ending_{false};
    std::atomic<int> connections_{0};
    std::thread acceptor_;
    std::vector<std::thread> threads_;
};

class HttpTest : public testing::Test {
  protected:
    // Every run of a test ends, however broken the code is.
    template <class T>
    T run(Task<T> task) {
        auto outcome = loop_.run(loop_.within(30s, std::move(task)));
        if (!outcome || !*outcome) throw std::logic_error("nothing came of it for 30 s");
        return std::move(**outcome);
    }

    SystemClock clock_;
    Loop loop_{clock_};
    Http http_{loop_};
};

// The failure of `act`, as "code: reason".
template <class Act>
std::string http_complaint(Act act) {
    try {
        act();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable) << failure.what();
        return failure.code() + ": " + failure.what();
    }
    ADD_FAILURE() << "no failure";
    return {};
}

void answer_everything(RawConnection& connection) {
    while (true) {
        const std::string request = connection.read_request();
        if (request.empty()) return;
        connection.answer(request);
    }
}

std::string chunk_of(std::string_view bytes) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + std::string(bytes) + "\r\n";
}

constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

Task<std::string> read_stream(Http& http, HttpRequest request) {
    auto stream = co_await http.open(std::move(request));
    std::string all;
    while (true) {
        auto bytes = co_await stream->next();
        if (!bytes) co_return all;
        all += *bytes;
    }
}

Task<std::unique_ptr<HttpStream>> open_stream(Http& http, std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    co_return co_await http.open(std::move(request));
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

TEST_F(HttpTest, request_goes_out_as_written_and_the_answer_comes_back) {
    RawServer server([](RawConnection& connection) {
        const std::string request = connection.read_request();
        connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        connection.write("HTTP/1.1 207 Fine\r\nX-One: 1\r\nx-two:  two words \r\nContent-Length: " +
                         std::to_string(request.size()) + "\r\n\r\n" + request);
    });
    const HttpResponse response =
        run(http_.send({.method = "POST",
                        .url = server.url("/a%20b/../c?q=1"),
                        .headers = {{"X-Service-Key", "k"}, {"X-Empty", ""}},
                        .body = "{\"a\":1}"}));
    EXPECT_EQ(response.status, 207);
    EXPECT_EQ(response.header("X-ONE"), "1");
    EXPECT_EQ(response.header("X-Two"), "two words");
    EXPECT_EQ(response.header("Link"), "");
    EXPECT_THAT(response.body, testing::StartsWith("POST /a%20b/../c?q=1 HTTP/1.1\r\n"));
    EXPECT_THAT(response.body, HasSubstr("X-Service-Key: k\r\n"));
    EXPECT_THAT(response.body, HasSubstr("X-Empty:\r\n"));
    EXPECT_THAT(response.body, HasSubstr("User-Agent: persona-runner/"));
    EXPECT_THAT(response.body, HasSubstr("Content-Length: 7\r\n"));
    EXPECT_THAT(response.body, testing::EndsWith("\r\n\r\n{\"a\":1}"));
    EXPECT_THAT(response.body, Not(HasSubstr("Expect")));
    EXPECT_THAT(response.body, Not(HasSubstr("Accept-Encoding")));
    EXPECT_THAT(response.body, Not(HasSubstr("form-urlencoded")));
}

TEST_F(HttpTest, methods_and_bodies) {
    RawServer server(answer_everything);
    const auto sent = [&](std::string method, std::string body) {
        return run(http_.send(
                       {.method = std::move(method), .url = server.url(), .body = std::move(body)}))
            .body;
    };
    EXPECT_THAT(sent("GET", ""), testing::StartsWith("GET / "));
    EXPECT_THAT(sent("DELETE", ""), testing::StartsWith("DELETE / "));
    EXPECT_THAT(sent("PUT", "body"), testing::StartsWith("PUT / "));
    EXPECT_THAT(sent("POST", ""), HasSubstr("Content-Length: 0\r\n"));
    const std::string large(2'000'000, 'x');
    EXPECT_THAT(sent("POST", large), testing::EndsWith(large));
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, a_connection_is_used_again) {
    RawServer server(answer_everything);
    for (int i = 0; i < 10; ++i) run(http_.send({.url = server.url()}));
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, refused_connection_is_not_sent) {
    std::string url;
    {
        url = RawServer(answer_everything).url("/secret/path?key=1");
    }
    const std::string complaint =
        http_complaint([&] { run(http_.send({.method = "POST", .url = url, .body = "secret"})); });
    EXPECT_THAT(complaint, testing::StartsWith("not_sent: no answer from 127.0.0.1:"));
    EXPECT_THAT(complaint, HasSubstr("Connection refused"));
    EXPECT_THAT(complaint, Not(HasSubstr("secret")));
    EXPECT_THAT(http_complaint([&] { run(open_stream(http_, url)); }),
                testing::StartsWith("not_sent: "));
}

TEST_F(HttpTest, unknown_host_is_not_sent) {
    EXPECT_THAT(http_complaint([&] { run(http_.send({.url = "http://no-such-host.invalid/"})); }),
                testing::StartsWith("not_sent: no answer from no-such-host.invalid:"));
}

std::size_t threads_now() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

Task<void> count_not_sent(Http& http, int& not_sent) {
    HttpRequest request{.url = "http://no-such-host.invalid/"};
    try {
        co_await http.send(std::move(request));
    } catch (const Failure& failure) {
        if (failure.code() == "not_sent") ++not_sent;
    }
}

// libcurl starts a thread per lookup: a crowd that wants one host must not start a crowd of them.
TEST_F(HttpTest, a_crowd_looks_one_name_up_once) {
    const std::size_t before = threads_now();
    std::size_t most = 0;
    int not_sent = 0;
    Group group(loop_);
    for (int i = 0; i < 200; ++i) group.add(count_not_sent(http_, not_sent));
    while (group.size() > 0) {
        loop_.post([this] { loop_.stop(); });
        loop_.run(group.all());
        most = std::max(most, threads_now());
    }
    EXPECT_EQ(not_sent, 200);
    EXPECT_LE(most, before + 2);
}

TEST_F(HttpTest, a_closed_connection_is_outcome_unknown) {
    RawServer server([](RawConnection& connection) { connection.read_request(); });
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.method = "POST", .url = server.url(), .body = "x"})); }),
                testing::StartsWith("outcome_unknown: "));
}

// A kept connection that dies under a POST: the server may have acted, so it must not go out twice.
TEST_F(HttpTest, a_post_is_never_repeated_behind_our_back) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& connection) {
        while (true) {
            const std::string request = connection.read_request();
            if (request.empty()) return;
            if (++requests == 2) return connection.reset();
            connection.answer("ok");
        }
    });
    run(http_.send({.method = "POST", .url = server.url(), .body = "1"}));
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.method = "POST", .url = server.url(), .body = "2"})); }),
                testing::StartsWith("outcome_unknown: "));
    EXPECT_EQ(requests, 2);
    EXPECT_EQ(run(http_.send({.method = "POST", .url = server.url(), .body = "3"})).body, "ok");
}

TEST_F(HttpTest, header_limit_and_deadline) {
    RawServer server([](RawConnection& connection) {
        const std::string request = connection.read_request();
        if (request.starts_with("GET /slow-body")) {
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        }
        connection.await_close();
    });
    EXPECT_THAT(
        http_complaint([&] { run(http_.send({.url = server.url(), .header_limit = 50ms})); }),
        HasSubstr("outcome_unknown: no answer from 127.0.0.1"));
    EXPECT_THAT(http_complaint(
                    [&] { run(http_.send({.url = server.url("/slow-body"), .deadline = 50ms})); }),
                HasSubstr("deadline"));
    HttpRequest request{.url = server.url(), .header_limit = 50ms};
    EXPECT_THAT(http_complaint([&] { run(http_.open(std::move(request))); }), HasSubstr("headers"));
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, answers_past_the_body_limit_are_refused) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.answer(std::string(5'000, 'x'));
    });
    EXPECT_THAT(
        http_complaint([&] { run(http_.send({.url = server.url(), .body_bytes_max = 4'999})); }),
        HasSubstr("larger than 4999 bytes"));
    EXPECT_EQ(run(http_.send({.url = server.url(), .body_bytes_max = 5'000})).body.size(), 5'000u);
}

TEST_F(HttpTest, endless_headers_are_refused) {
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.write("HTTP/1.1 200 OK\r\n");
        while (connection.write("X-More: " + std::string(500, 'x') + "\r\n")) {
        }
    });
    EXPECT_THAT(http_complaint([&] { run(http_.send({.url = server.url()})); }),
                HasSubstr("headers are larger"));
}

TEST_F(HttpTest, redirects_are_answers) {
    std::atomic<int> requests = 0;
    RawServer server([&](RawConnection& connection) {
        connection.read_request();
        ++requests;
        connection.write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        connection.await_close();
    });
    const HttpResponse response = run(http_.send({.url = server.url()}));
    EXPECT_EQ(response.status, 302);
    EXPECT_EQ(response.header("location"), "/elsewhere");
    EXPECT_EQ(requests, 1);
}

TEST_F(HttpTest, stream_chunks_arrive_as_they_were_split) {
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

TEST_F(HttpTest, a_cut_stream_gives_what_came_and_then_fails) {
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

TEST_F(HttpTest, a_silent_stream_fails_after_the_idle_limit) {
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

TEST_F(HttpTest, dropping_a_stream_closes_its_connection) {
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

TEST_F(HttpTest, a_fast_sender_waits_for_a_slow_reader) {
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

Task<void> count_answer(Http& http, std::string url, int& good) {
    HttpRequest request{.url = std::move(url)};
    const HttpResponse response = co_await http.send(std::move(request));
    if (response.status == 200) ++good;
}

TEST_F(HttpTest, two_hundred_at_once) {
    RawServer server(answer_everything);
    int good = 0;
    {
        Group group(loop_);
        for (int i = 0; i < 200; ++i) group.add(count_answer(http_, server.url(), good));
        EXPECT_EQ(http_.active(), 200u);
        EXPECT_TRUE(run(loop_.within(20s, group.all())));
    }
    EXPECT_EQ(good, 200);
    EXPECT_LE(server.connections(), 200);
    EXPECT_EQ(http_.active(), 0u);
}

TEST_F(HttpTest, dropping_the_waiting_frame_leaves_the_stream_usable) {
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
TEST_F(HttpTest, cancelling_is_safe_in_every_state) {
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

TEST_F(HttpTest, bad_requests_are_refused_before_they_leave) {
    const auto refused = [&](HttpRequest request) {
        try {
            run(http_.send(std::move(request)));
        } catch (const Failure& failure) {
            return std::string(name_of(failure.kind())) + ": " + failure.what();
        }
        return std::string("sent");
    };
    const std::string url = "http://127.0.0.1:1/";
    EXPECT_THAT(refused({.url = "ftp://host/"}), HasSubstr("invalid: the URL is neither http nor"));
    EXPECT_THAT(refused({.url = "file:///etc/passwd"}), HasSubstr("invalid: "));
    EXPECT_THAT(refused({.method = "GET /x", .url = url}), HasSubstr("invalid: the HTTP method"));
    EXPECT_THAT(refused({.url = url, .headers = {{"X-A", "v\r\nX-B: forged"}}}),
                HasSubstr("invalid: the request header X-A"));
    EXPECT_THAT(refused({.url = url, .headers = {{"X A:", "v"}}}), HasSubstr("invalid: "));
}

TEST(HttpFetch, answers_like_send) {
    RawServer server(answer_everything);
    for (int i = 0; i < 3; ++i) {
        const HttpResponse response = fetch(
            {.method = "POST", .url = server.url("/x"), .headers = {{"A", "b"}}, .body = "hi"});
        EXPECT_EQ(response.status, 200);
        EXPECT_THAT(response.body, testing::StartsWith("POST /x HTTP/1.1\r\n"));
        EXPECT_THAT(response.body, testing::EndsWith("\r\n\r\nhi"));
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpFetch, fails_like_send) {
    std::string url;
    {
        url = RawServer(answer_everything).url();
    }
    EXPECT_THAT(http_complaint([&] { fetch({.url = url}); }), testing::StartsWith("not_sent: "));
    RawServer server([](RawConnection& connection) {
        connection.read_request();
        connection.await_close();
    });
    EXPECT_THAT(http_complaint([&] { fetch({.url = server.url(), .deadline = 50ms}); }),
                testing::StartsWith("outcome_unknown: "));
    EXPECT_THAT(http_complaint([&] { fetch({.url = server.url(), .header_limit = 50ms}); }),
                HasSubstr("headers"));
}

TEST(HttpFetch, threads_have_their_own_connections) {
    RawServer server(answer_everything);
    std::atomic<int> good = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < 10; ++j) good += fetch({.url = server.url()}).status == 200 ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, 80);
    EXPECT_EQ(server.connections(), 8);
}

TEST(HttpAddress, origin_is_scheme_host_and_port) {
    EXPECT_EQ(origin_of("HTTPS://API.Example.com/v1?x#y"), "https://api.example.com");
    EXPECT_EQ(origin_of("http://127.0.0.1:3001"), "http://127.0.0.1:3001");
    EXPECT_EQ(origin_of("http://[::1]:80/a"), "http://[::1]:80");
    for (const char* url : {"", "example.com", "ftp://a", "http://", "http:///x", "http://a:0/",
                            "http://a:70000/", "http://a:b/", "http://user:pw@a/", "http://a b/",
                            "http://a\n/", "http://[::1", "http://ex_%41/"}) {
        EXPECT_THROW(origin_of(url), Failure) << url;
    }
}

TEST(HttpAddress, encoding_leaves_only_plain_characters) {
    EXPECT_EQ(url_encode("aZ0-_.~"), "aZ0-_.~");
    EXPECT_EQ(url_encode("a b/ä?&#%+"), "a%20b%2F%C3%A4%3F%26%23%25%2B");
    EXPECT_EQ(url_encode(".."), "%2E%2E");
    EXPECT_EQ(url_encode(""), "");
}

}  // namespace
}  // namespace base
