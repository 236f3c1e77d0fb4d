// One of the libcurl multi handles that base/http spreads its exchanges over (each walks its list
// of connections for every new request), and an exchange on one. Private to base/http*.cpp.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "base/http_exchange.hpp"
#include "base/loop.hpp"

namespace base::http_detail {

class Transfer;

// Driven by its sockets (Loop::watch) and by one coroutine that keeps libcurl's time.
class Shard {
  public:
    Shard(Loop& loop, long idle_connections_max);
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard();

    void add(Transfer& transfer);
    void remove(Transfer& transfer);
    std::size_t active() const { return active_; }

  private:
    void act(int socket, int events);
    void collect();
    void limit_connections();
    Task<void> keep_time();

    static int socket_changed(void*, int socket, int what, void* self, void*) noexcept;
    static int timer_changed(void*, long milliseconds, void* self) noexcept;

    Loop& loop_;
    void* multi_;  // CURLM*
    long idle_connections_max_;
    std::size_t active_ = 0;
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
    Transfer(Loop& loop, Names& names, void* share, HttpRequest request,
             const std::string& user_agent, bool streaming);
    ~Transfer() override;

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
