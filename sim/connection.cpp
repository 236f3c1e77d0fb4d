#include "sim/connection.hpp"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace sim {

namespace {

constexpr std::size_t connection_read_bytes = 64 * 1024;
constexpr std::chrono::milliseconds connection_linger_limit{500};
constexpr std::chrono::milliseconds connection_flush_step{1};

}  // namespace

Connection::Connection(int socket, const ConnectionLimits& limits, const Ask& ask, base::Steady now)
    : socket_(socket), limits_(limits), ask_(ask), due_(now + limits.request_deadline) {}

Connection::~Connection() {
    tell_ended(false);
    ::close(socket_);
}

std::uint32_t Connection::wishes() const {
    if (state_ == State::answering) {
        return static_cast<std::uint32_t>(EPOLLRDHUP) |
               (blocked_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    }
    return EPOLLIN;
}

void Connection::on_readable(base::Steady now) {
    std::array<char, connection_read_bytes> bytes;
    for (;;) {
        const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count <= 0) return leave();
        if (state_ == State::lingering) continue;
        in_.append(bytes.data(), static_cast<std::size_t>(count));
        take_requests(now);
        if (state_ != State::reading) return;
    }
}

void Connection::on_writable(base::Steady now) {
    pump(now);
    take_requests(now);
}

void Connection::on_hang_up() {
    leave();
}

void Connection::on_time(base::Steady now) {
    due_.reset();
    if (state_ == State::answering && !pausing_ && sent_ == answer_.bytes.size()) {
        // A reset that waited for its bytes to leave, or silence that lasted long enough.
        return finish_reset(now);
    }
    if (state_ == State::answering && pausing_) {
        pausing_ = false;
        ++pause_;
        pump(now);
        return take_requests(now);
    }
    if (state_ == State::reading) {
        // What has arrived meanwhile counts: it may be us who are slow.
        on_readable(now);
        if (state_ != State::reading || due_) return;
    }
    leave();  // Too slow in sending a request, or in reading an answer.
}

// Requests that wait already are answered one after the other.
void Connection::take_requests(base::Steady now) {
    while (state_ == State::reading && take_one(now)) pump(now);
}

bool Connection::take_one(base::Steady now) {
    if (!head_) {
        while (searched_ == 0 && in_.starts_with("\r\n")) in_.erase(0, 2);
        if (in_.empty()) return false;
        const std::size_t end = in_.find("\r\n\r\n", searched_ > 3 ? searched_ - 3 : 0);
        if (end == std::string::npos && in_.size() <= base::head_bytes_max) {
            if (searched_ == 0) due_ = now + limits_.request_deadline;
            searched_ = in_.size();
            return false;
        }
        if (end == std::string::npos || end > base::head_bytes_max) {
            close_ = true;
            begin_answer({.request = {}, .refused = 431, .refusal = "request head: too large"});
            return true;
        }
        head_ = base::parse_server_head(std::string_view(in_).substr(0, end),
                                        limits_.header_count_max, limits_.body_bytes_max);
        in_.erase(0, end + 4);
        searched_ = 0;
        close_ = head_->close || head_->refused != 0;
        due_ = now + limits_.request_deadline;
        if (head_->refused == 0 && head_->expects_continue && in_.size() < head_->content_length) {
            constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            ::send(socket_, go_on.data(), go_on.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    }
    if (head_->refused == 0 && in_.size() < head_->content_length) return false;
    Incoming incoming{.request = std::move(head_->request),
                      .refused = head_->refused,
                      .refusal = std::move(head_->refusal)};
    if (incoming.refused == 0) {
        incoming.request.body = in_.substr(0, head_->content_length);
        in_.erase(0, head_->content_length);
    }
    head_.reset();
    if (in_.empty()) in_.shrink_to_fit();
    begin_answer(std::move(incoming));
    return true;
}

void Connection::begin_answer(Incoming incoming) {
    state_ = State::answering;
    due_.reset();
    answer_ = ask_(std::move(incoming));
    sent_ = pause_ = 0;
    pausing_ = begun_ = blocked_ = false;
}

void Connection::pump(base::Steady now) {
    if (state_ != State::answering || pausing_) return;
    for (;;) {
        const bool more = pause_ < answer_.pauses.size();
        const std::size_t end = more ? answer_.pauses[pause_].at : answer_.bytes.size();
        if (!send_to(end)) {
            if (blocked_ && !due_) due_ = now + limits_.request_deadline;
            return;
        }
        due_.reset();
        if (!more) return finish_answer(now);
        if (answer_.pauses[pause_].wait.count() > 0) {
            pausing_ = true;
            due_ = now + answer_.pauses[pause_].wait;
            return;
        }
        ++pause_;
    }
}

// false: not all of it could leave; the socket is full or the client is gone.
bool Connection::send_to(std::size_t end) {
    blocked_ = false;
    while (sent_ < end) {
        const ssize_t count =
            ::send(socket_, answer_.bytes.data() + sent_, end - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            blocked_ = true;
            return false;
        }
        if (count <= 0) {
            leave();
            return false;
        }
        sent_ += static_cast<std::size_t>(count);
        due_.reset();
        if (!begun_ && sent_ > answer_.head_bytes) {
            begun_ = true;
            if (answer_.begun) answer_.begun();
        }
    }
    return true;
}

void Connection::finish_answer(base::Steady now) {
    switch (answer_.ending) {
        case Answer::Ending::reset: return finish_reset(now);
        case Answer::Ending::hang:
            if (answer_.loop.empty()) {
                due_ = now + limits_.hang_max;
                return;
            }
            answer_.bytes = answer_.loop;
            answer_.pauses = {{.at = 0, .wait = answer_.loop_wait}};
            sent_ = pause_ = 0;
            return pump(now);
        case Answer::Ending::keep:
        case Answer::Ending::close: break;
    }
    const bool close = close_ || answer_.ending == Answer::Ending::close;
    tell_ended(answer_.whole);
    answer_ = {};
    if (close) return linger(now);
    state_ = State::reading;
    due_ = now + limits_.keep_alive;
}

// The bytes before a reset are to arrive, so they must have left.
void Connection::finish_reset(base::Steady now) {
    int unsent = 0;
    if (answer_.ending == Answer::Ending::reset && ::ioctl(socket_, SIOCOUTQ, &unsent) == 0 &&
        unsent > 0) {
        due_ = now + connection_flush_step;
        return;
    }
    const struct linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    leave();
}

void Connection::tell_ended(bool whole) {
    const std::function<void(bool)> ended = std::exchange(answer_.ended, nullptr);
    if (ended) ended(whole);
}

// Closing with unread bytes would reset the connection and lose the answer on its way.
void Connection::linger(base::Steady now) {
    ::shutdown(socket_, SHUT_WR);
    state_ = State::lingering;
    due_ = now + connection_linger_limit;
}

void Connection::leave() {
    tell_ended(false);
    state_ = State::gone;
    due_.reset();
}

}  // namespace sim
