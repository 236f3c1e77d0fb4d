#include "base/http_shard.hpp"

#include <utility>

#include <curl/curl.h>
#include <sys/epoll.h>

namespace base::http_detail {

namespace {

constexpr auto shard_name_fresh = std::chrono::seconds{50};  // Below libcurl's 60 s.
constexpr auto shard_name_broken = std::chrono::seconds{1};
constexpr std::size_t shard_names_max = 1'000;

// A multi handle only fails when it was misused or memory is gone: nothing to go on with.
void shard_check(CURLMcode code) {
    require(code == CURLM_OK, curl_multi_strerror(code));
}

}  // namespace

Shard::Shard(Loop& loop, ShardOptions options)
    : loop_(loop), options_(options), timer_(loop), clock_(keep_time()) {
    open_multi();
    loop_detail::start(clock_);
}

void Shard::open_multi() {
    multi_ = curl_multi_init();
    require(multi_ != nullptr, "libcurl has no memory for a multi handle");
    auto* multi = static_cast<CURLM*>(multi_);
    shard_check(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Shard::socket_changed));
    shard_check(curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this));
    shard_check(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Shard::timer_changed));
    shard_check(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this));
    limit_connections();
}

Shard::~Shard() {
    require(active_ == 0, "base::Http was destroyed before an exchange that it carries");
    curl_multi_cleanup(static_cast<CURLM*>(multi_));
}

void Shard::add(Transfer& transfer) {
    ++active_;
    used_ = true;
    transfer.shard_ = this;
    limit_connections();
    shard_check(
        curl_multi_add_handle(static_cast<CURLM*>(multi_), static_cast<CURL*>(transfer.easy)));
}

void Shard::remove(Transfer& transfer) {
    shard_check(
        curl_multi_remove_handle(static_cast<CURLM*>(multi_), static_cast<CURL*>(transfer.easy)));
    transfer.shard_ = nullptr;
    std::erase(sending_, &transfer);
    --active_;
    limit_connections();
    if (active_ > 0) return;
    idle_since_ = loop_.now();
    timer_.wake_by(idle_since_ + options_.idle_connection_limit);
}

// libcurl closes what was idle too long only when the next request comes; without one, all of the
// shard's connections go with its handle.
void Shard::close_idle() {
    const Steady due = idle_since_ + options_.idle_connection_limit;
    if (active_ > 0 || !used_) return;
    if (due > loop_.now()) return timer_.wake_by(due);
    curl_multi_cleanup(static_cast<CURLM*>(multi_));
    timer_due_.reset();
    used_ = false;
    open_multi();
}

// libcurl's cache counts connections in use as well, so its limit moves with them.
void Shard::limit_connections() {
    const long limit = options_.connections_max > 0
                           ? options_.connections_max
                           : options_.idle_connections_max + static_cast<long>(active_);
    shard_check(curl_multi_setopt(static_cast<CURLM*>(multi_), CURLMOPT_MAXCONNECTS, limit));
}

void Shard::act(int socket, int events) {
    int running = 0;
    shard_check(curl_multi_socket_action(static_cast<CURLM*>(multi_), socket, events, &running));
    collect();
    release_sent();
}

// A body is held while it is sent, not while its answer is thought about: there a model takes long.
void Shard::release_sent() {
    std::erase_if(sending_, [](Transfer* transfer) { return transfer->release_sent_body(); });
}

void Shard::collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(static_cast<CURLM*>(multi_), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        // The message dies when its handle leaves the multi.
        const CURLcode code = message->data.result;
        void* self = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
        static_cast<Transfer*>(static_cast<Exchange*>(self))->conclude_here(code);
    }
}

Task<void> Shard::keep_time() {
    while (true) {
        co_await timer_;
        close_idle();
        if (!timer_due_) continue;
        if (*timer_due_ > loop_.now()) {
            timer_.wake_by(*timer_due_);
            continue;
        }
        timer_due_.reset();
        act(CURL_SOCKET_TIMEOUT, 0);
    }
}

// Without its sockets the shard is lost, and exceptions cannot cross libcurl: hence noexcept.
int Shard::socket_changed(void*, int socket, int what, void* self, void*) noexcept {
    auto& shard = *static_cast<Shard*>(self);
    if (what == CURL_POLL_REMOVE) {
        shard.loop_.unwatch(socket);
        return 0;
    }
    const std::uint32_t mask =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    shard.loop_.watch(socket, mask, [&shard, socket](std::uint32_t events) {
        const int bits = ((events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
                         ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
        shard.act(socket, bits);
    });
    return 0;
}

int Shard::timer_changed(void*, long milliseconds, void* self) noexcept {
    auto& shard = *static_cast<Shard*>(self);
    if (milliseconds < 0) {
        shard.timer_due_.reset();  // The waiter's own timer then wakes it for nothing, once.
        return 0;
    }
    shard.timer_due_ = shard.loop_.now() + std::chrono::milliseconds{milliseconds};
    shard.timer_.wake_by(*shard.timer_due_);
    return 0;
}

void Names::make_room() {
    if (known.size() < shard_names_max) return;
    std::erase_if(known, [](const auto& entry) { return !entry.second.busy; });
}

Transfer::Transfer(Loop& loop, Names& names, void* share, HttpRequest the_request,
                   const HttpOptions& options, bool streaming)
    : Exchange(std::move(the_request), options.user_agent, streaming),
      loop_(loop),
      names_(names),
      waiter_(loop) {
    auto* handle = static_cast<CURL*>(easy);
    curl_easy_setopt(handle, CURLOPT_SHARE, static_cast<CURLSH*>(share));
    curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN,
                     static_cast<long>(options.idle_connection_limit.count()));
}

Transfer::~Transfer() {
    release_name();
    if (shard_ != nullptr) shard_->remove(*this);
}

Task<void> Transfer::await_name(Steady limit) {
    const std::string name(host_of(host));
    if (is_loopback(name) || is_numeric(name)) co_return;
    while (true) {
        names_.make_room();
        Names::Name& entry = names_.known[name];
        if (entry.fresh_until > loop_.now()) co_return;
        if (entry.broken_until > loop_.now()) throw failure("its name cannot be looked up");
        if (!entry.busy) {
            entry.busy = true;
            lookup_ = &entry;
            co_return;
        }
        if (loop_.now() >= limit) throw failure("its name could not be looked up in time");
        Gate::Node turn(names_.changed);
        turn.waiter.wake_at(limit);
        co_await turn;
    }
}

void Transfer::release_name() {
    if (lookup_ == nullptr) return;
    std::exchange(lookup_, nullptr)->busy = false;
    names_.changed.notify();
}

Task<bool> Transfer::await_until(bool (Transfer::*ready)() const, Steady limit) {
    while (!(this->*ready)()) {
        if (loop_.now() >= limit) co_return false;
        co_await progress(limit);
    }
    co_return true;
}

std::string Transfer::take_bytes() {
    std::string bytes = std::exchange(buffer, {});
    if (paused && !done) {
        paused = false;
        // May hand over, inside the call, what libcurl held back.
        const CURLcode code = curl_easy_pause(static_cast<CURL*>(easy), CURLPAUSE_CONT);
        if (code != CURLE_OK) conclude_here(code);
    }
    return bytes;
}

void Transfer::conclude_here(int code) {
    conclude(code);
    if (lookup_ != nullptr) lookup_->broken_until = loop_.now() + shard_name_broken;
    release_name();
    if (shard_ != nullptr) shard_->remove(*this);
    release_handle();
    turn_.give_back();
    on_progress();
}

void Transfer::on_progress() {
    waiter_.wake();
}

void Transfer::on_name_resolved() {
    if (lookup_ != nullptr) lookup_->fresh_until = loop_.now() + shard_name_fresh;
    release_name();
}

void Transfer::on_connected() {
    release_name();
    if (shard_ != nullptr && !request.body.empty()) shard_->await_sent(*this);
}

}  // namespace base::http_detail
