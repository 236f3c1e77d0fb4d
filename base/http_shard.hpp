// One of the libcurl multi handles that base/http spreads its exchanges over (each walks its list
// of connections for every new request), and an exchange on one. Private to base/http*.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/http_exchange.hpp"
#include "base/http_turns.hpp"
#include "base/loop.hpp"

namespace base::http_detail {

class Transfer;

struct ShardOptions {
    long idle_connections_max = 64;
    std::chrono::seconds idle_connection_limit{30};
    long connections_max = 0;  // In use and idle; 0: no cap but the idle ones'.
};

// Driven by its sockets (Loop::watch) and by one coroutine that keeps libcurl's time and closes the
// connections of a shard that nobody used for a while.
class Shard {
  public:
    Shard(Loop& loop, ShardOptions options);
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard();

    void add(Transfer& transfer);
    void remove(Transfer& transfer);
    void await_sent(Transfer& transfer) { sending_.push_back(&transfer); }  // Then frees its body.
    std::size_t active() const { return active_; }

  private:
    void open_multi();
    void act(int socket, int events);
    void release_sent();
    void collect();
    void close_idle();
    void limit_connections();
    Task<void> keep_time();

    static int socket_changed(void*, int socket, int what, void* self, void*) noexcept;
    static int timer_changed(void*, long milliseconds, void* self) noexcept;

    Loop& loop_;
    const ShardOptions options_;
    void* multi_ = nullptr;  // CURLM*
    std::size_t active_ = 0;
    std::vector<Transfer*> sending_;  // Those with a large body.
    bool used_ = false;               // May hold connections.
    Steady idle_since_{};
    Waiter timer_;
    std::optional<Steady> timer_due_;
    Task<void> clock_;
};

// Host names, each looked up by one exchange at a time: libcurl starts a thread per lookup, and a
// thousand visits that begin together would start a thousand of them for one name.
struct Names {
    struct Name {
        bool busy = false;
        Steady fresh_until{};   // libcurl's own cache knows the address until then.
        Steady broken_until{};  // The last lookup failed: nobody asks again before.
    };
    explicit Names(Loop& loop) : changed(loop) {}

    void make_room();

    std::map<std::string, Name, std::less<>> known;
    Gate changed;
};

// Loop thread only. Dropping it takes the exchange off its shard.
class Transfer final : public Exchange {
  public:
    Transfer(Loop& loop, Names& names, void* share, HttpRequest request, const HttpOptions& options,
             bool streaming);
    ~Transfer() override;

    void hold(Turn turn) { turn_ = std::move(turn); }  // Until the exchange is over.
    // Until this exchange may look its host up; Failure when the moment comes first.
    Task<void> await_name(Steady limit);
    bool has_headers() const { return headers_done || done; }
    bool has_bytes() const { return !buffer.empty() || done; }
    bool has_ended() const { return done; }
    // co_await progress(limit): until something has come, or the limit or a limit before it has
    // passed: look again.
    struct Progress;
    Progress progress(Steady limit);
    // False when the moment came first.
    Task<bool> await_until(bool (Transfer::*ready)() const, Steady limit);

    std::string take_bytes();      // What is unread; lets a waiting sender go on.
    void conclude_here(int code);  // Ends the exchange: leaves the shard, wakes who waits.

  private:
    friend class Shard;

    void release_name();

    void on_progress() override;
    void on_name_resolved() override;
    void on_connected() override;

    Loop& loop_;
    Names& names_;
    Shard* shard_ = nullptr;
    // One for the exchange's whole life: its timer is set anew only when it has to come earlier,
    // for a stream's limit moves on with every event.
    Waiter waiter_;
    Turn turn_;
    Names::Name* lookup_ = nullptr;  // The name that this exchange looks up for everybody.
};

struct Transfer::Progress {
    Transfer& transfer;
    Steady limit;

    Progress(Transfer& owner, Steady when) : transfer(owner), limit(when) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    // Also when the waiting frame is dropped while the exchange lives on.
    ~Progress() { transfer.waiter_.forget(); }

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
        transfer.waiter_.suspend(handle);
        transfer.waiter_.wake_by(limit);
    }
    void await_resume() const noexcept {}
};

inline Transfer::Progress Transfer::progress(Steady limit) {
    return Progress(*this, limit);
}

}  // namespace base::http_detail
