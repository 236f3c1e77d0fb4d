#include "base/loop.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/loop_lag.hpp"
#include "base/loop_timers.hpp"
#include "base/metrics.hpp"

namespace base {

namespace {

constexpr std::size_t loop_events_max = 256;                // Taken from the kernel at once.
constexpr std::chrono::milliseconds loop_patient_share{1};  // Of a round.

// Socket and generation: an event of a socket that was closed meanwhile, and whose number came
// back, must not reach the new owner.
std::uint64_t loop_tag(int fd, std::uint32_t generation) {
    return (static_cast<std::uint64_t>(generation) << 32) | static_cast<std::uint32_t>(fd);
}

int loop_milliseconds(Duration span) {
    // Rounded up: a timer that fires early would only make the loop spin.
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(span).count());
}

[[noreturn]] void loop_system_failure(std::string_view call) {
    const int code = errno;
    throw Failure(Failure::Kind::unavailable,
                  fmt::format("{} failed: {}; check the limits of open files and memory", call,
                              std::strerror(code)));
}

}  // namespace

struct Loop::State {
    struct Watch {
        std::uint32_t generation = 0;
        std::function<void(std::uint32_t)> ready;
    };

    explicit State(Clock& the_clock) : clock(the_clock) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (epoll >= 0) ::close(epoll);
        if (signal >= 0) ::close(signal);
        if (mark >= 0) ::close(mark);
    }

    void resume_ready(const bool& done);
    void resume_patient(const bool& done);
    void run_posted();
    void fire_timers();
    std::size_t poll(Duration limit);
    void dispatch(const epoll_event& event);
    void watch_counter(int fd) const;
    static void raise(int counter);
    static void lower(int counter);

    Clock& clock;
    int epoll = -1;
    int signal = -1;  // eventfd: wakes epoll_wait for post() and stop().
    int mark = -1;    // eventfd: comes up behind all that was ready when it was raised.
    bool running = false;

    WaiterQueue ready;
    WaiterQueue patient;
    TimerHeap timers;
    Duration lag{};
    LagMeter lag_meter;

    std::unordered_map<int, std::unique_ptr<Watch>> watches;
    // Callbacks that were replaced or removed, kept until none of them can be running.
    std::vector<std::unique_ptr<Watch>> retired;
    std::uint32_t next_generation = 1;
    std::array<epoll_event, loop_events_max> events;

    std::mutex mutex;
    std::vector<std::function<void()>> posted;
    std::atomic<bool> has_posted{false};  // Looked at without the lock, once a round.
    std::atomic<bool> stopping{false};
};

// Resumes at most as many as were ready at the start, so that coroutines which keep waking each
// other cannot starve the sockets.
void Loop::State::resume_ready(const bool& done) {
    for (std::size_t left = ready.count; left > 0 && ready.count > 0 && !done; --left) {
        ready.take().resume();
    }
}

void Loop::State::resume_patient(const bool& done) {
    if (patient.count == 0) return;
    const Steady until = clock.steady() + loop_patient_share;
    for (std::size_t left = patient.count; left > 0 && patient.count > 0 && !done; --left) {
        patient.take().resume();
        if (clock.steady() >= until) return;
    }
}

void Loop::State::run_posted() {
    if (!has_posted.load(std::memory_order_acquire)) return;
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex);
        has_posted.store(false, std::memory_order_relaxed);
        work.swap(posted);
    }
    for (auto& item : work) {
        try {
            item();
        } catch (const std::exception& error) {
            // Posted work has no receiver for a failure: a bug.
            unreachable(
                fmt::format("work posted to the loop let an exception escape: {}", error.what()));
        }
        item = nullptr;
    }
}

void Loop::State::fire_timers() {
    const Steady now = clock.steady();
    const std::optional<Steady> oldest = timers.first_due();
    lag = oldest && *oldest < now ? now - *oldest : Duration::zero();
    while (Waiter* waiter = timers.take_due(now)) waiter->wake();
}

std::size_t Loop::State::poll(Duration limit) {
    const bool measures = lag_meter.is_on() && !clock.is_driven();
    const Steady before = measures ? clock.steady() : Steady{};
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()),
                                   loop_milliseconds(limit));
    if (count < 0 && errno != EINTR) loop_system_failure("epoll_wait");
    // A full array leaves sockets behind that wait for the next round.
    const bool all = count < static_cast<int>(events.size());
    if (measures && lag_meter.polled(before, clock.steady(), all)) raise(mark);
    for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    retired.clear();
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void Loop::State::dispatch(const epoll_event& event) {
    const int fd = static_cast<int>(event.data.u64 & 0xFFFF'FFFFU);
    // Lowered when empty (EAGAIN) is as good: the posted work is looked for anyway.
    if (fd == signal) return lower(signal);
    if (fd == mark) {
        lower(mark);
        return lag_meter.reached_mark(clock.steady());
    }
    const auto place = watches.find(fd);
    if (place == watches.end()) return;
    const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
    if (place->second->generation != generation) return;
    place->second->ready(event.events);
}

void Loop::State::watch_counter(int fd) const {
    if (fd < 0) loop_system_failure("eventfd");
    epoll_event event{.events = EPOLLIN, .data = {.u64 = loop_tag(fd, 0)}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) loop_system_failure("epoll_ctl");
}

void Loop::State::raise(int counter) {
    const std::uint64_t one = 1;
    // A full counter (EAGAIN) has woken the loop already.
    while (::write(counter, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void Loop::State::lower(int counter) {
    std::uint64_t count = 0;
    while (::read(counter, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

void WaiterQueue::push(Waiter& waiter) {
    waiter.queue_ = this;
    waiter.previous_ = last;
    waiter.next_ = nullptr;
    (last != nullptr ? last->next_ : first) = &waiter;
    last = &waiter;
    ++count;
}

void WaiterQueue::remove(Waiter& waiter) {
    (waiter.previous_ != nullptr ? waiter.previous_->next_ : first) = waiter.next_;
    (waiter.next_ != nullptr ? waiter.next_->previous_ : last) = waiter.previous_;
    waiter.previous_ = nullptr;
    waiter.next_ = nullptr;
    waiter.queue_ = nullptr;
    --count;
}

// The waiter may be gone as soon as the coroutine is resumed.
std::coroutine_handle<> WaiterQueue::take() {
    Waiter& waiter = *first;
    remove(waiter);
    return std::exchange(waiter.handle_, {});
}

Waiter::~Waiter() {
    forget();
    loop_.state_->timers.remove(*this);
}

void Waiter::wake() {
    if (!handle_ || is_queued()) return;
    loop_.state_->ready.push(*this);
}

void Waiter::wake_at(Steady when) {
    loop_.state_->timers.set(*this, when);
}

void Waiter::wake_by(Steady when) {
    if (timer_ == 0 || due_ > when) wake_at(when);
}

void Waiter::forget() {
    if (is_queued()) queue_->remove(*this);
    handle_ = {};
}

Loop::Loop(Clock& clock) : clock_(clock), state_(std::make_unique<State>(clock)) {
    state_->epoll = ::epoll_create1(EPOLL_CLOEXEC);
    if (state_->epoll < 0) loop_system_failure("epoll_create1");
    state_->signal = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    state_->watch_counter(state_->signal);
}

Loop::~Loop() {
    require(state_->ready.count == 0 && state_->patient.count == 0 && state_->timers.empty(),
            "a loop was destroyed before the coroutines that wait on it");
}

bool Loop::run(Task<void> task) {
    loop_detail::Outcome<void> outcome;
    {
        Task<void> root = loop_detail::settle<void>(std::move(task), outcome, nullptr);
        loop_detail::start(root);
        run_until(outcome.done);
    }
    if (outcome.error) std::rethrow_exception(outcome.error);
    return outcome.done;
}

void Loop::run_until(const bool& done) {
    State& state = *state_;
    require(!state.running, "Loop::run() was called from inside itself");
    state.running = true;
    while (!done && !state.stopping.exchange(false)) {
        state.resume_ready(done);
        state.run_posted();
        state.fire_timers();
        state.resume_patient(done);
        if (done) break;
        const bool busy =
            state.ready.count > 0 || state.patient.count > 0 || state.has_posted.load();
        // Sockets come before idling: a driven clock must not jump past an answer that is here.
        if (busy || clock_.is_driven()) {
            if (state.poll(Duration::zero()) > 0 || busy) continue;
        }
        const Duration idle = clock_.idle_until(state.timers.first_due());
        if (idle > Duration::zero() || !clock_.is_driven()) state.poll(idle);
    }
    state.running = false;
}

void Loop::post(std::function<void()> work) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->posted.push_back(std::move(work));
        state_->has_posted.store(true, std::memory_order_release);
    }
    State::raise(state_->signal);
}

void Loop::stop() {
    state_->stopping.store(true);
    State::raise(state_->signal);
}

Task<bool> Loop::within(Duration limit, Task<void> task) {
    loop_detail::Outcome<void> outcome;
    Waiter waiter(*this);
    {
        Task<void> child = loop_detail::settle<void>(std::move(task), outcome, &waiter);
        loop_detail::start(child);
        if (!outcome.done) {
            waiter.wake_at(now() + limit);
            co_await waiter;
        }
    }
    if (outcome.error) std::rethrow_exception(outcome.error);
    co_return outcome.done;
}

void Loop::WhenFree::await_suspend(std::coroutine_handle<> handle) {
    waiter.suspend(handle);
    waiter.loop_.state_->patient.push(waiter);
}

void Loop::watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> ready) {
    auto& entry = state_->watches[fd];
    const bool known = entry != nullptr;
    if (known) state_->retired.push_back(std::move(entry));
    entry = std::make_unique<State::Watch>();
    entry->generation = state_->next_generation++;
    entry->ready = std::move(ready);
    epoll_event event{.events = events, .data = {.u64 = loop_tag(fd, entry->generation)}};
    // The kernel forgets a socket when it is closed and knows it when its number came back: so
    // either call may find what the other one expected.
    const int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    const int second = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(state_->epoll, first, fd, &event) == 0) return;
    if (errno != EEXIST && errno != ENOENT) loop_system_failure("epoll_ctl");
    if (::epoll_ctl(state_->epoll, second, fd, &event) != 0) loop_system_failure("epoll_ctl");
}

void Loop::unwatch(int fd) {
    const auto place = state_->watches.find(fd);
    if (place == state_->watches.end()) return;
    state_->retired.push_back(std::move(place->second));
    state_->watches.erase(place);
    epoll_event event{};
    // Fails only when the socket is closed already, which has the same effect.
    ::epoll_ctl(state_->epoll, EPOLL_CTL_DEL, fd, &event);
}

Duration Loop::lag() const {
    return state_->lag;
}

std::vector<double> Loop::lag_bounds() {
    return {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5};
}

void Loop::observe_lag(Histogram& seconds) {
    if (state_->mark < 0) {
        state_->mark = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        state_->watch_counter(state_->mark);
    }
    state_->lag_meter.begin(seconds, clock_.steady());
}

Gate::~Gate() {
    while (first_ != nullptr) first_->leave();
}

void Gate::notify() {
    while (first_ != nullptr) {
        Node& node = *first_;
        node.leave();
        node.waiter.wake();
    }
}

void Gate::Node::await_suspend(std::coroutine_handle<> handle) {
    waiter.suspend(handle);
    linked = true;
    next = gate->first_;
    if (next != nullptr) next->previous = this;
    gate->first_ = this;
}

void Gate::Node::leave() {
    if (!linked) return;
    (previous != nullptr ? previous->next : gate->first_) = next;
    if (next != nullptr) next->previous = previous;
    previous = nullptr;
    next = nullptr;
    linked = false;
}

}  // namespace base
