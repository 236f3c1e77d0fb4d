// The one place that decides how much we ask of the model: every attempt passes through here, and
// what the answers say is heard here.
//
//   admit ─► stopped? throws ─► held? waits ─► pace: waits for its place in the queue ─► attempt
//             ▲ spending cap      ▲ 429, 529                ▲ anthropic-ratelimit-* headers
//
// - Held: the model told one call to wait, so all wait (the circuit).
// - Paced: the limits that answers tell of are not run into.
// - Places: how many visits may run; fewer after 429 and 529, slowly more again (traffic_rules).
// - Stopped: a spending cap is reached, or the wait that is asked for is longer than anybody should
//   hold out. No visit starts and running ones fail at their next request. After a spending cap one
//   visit is let through every quarter of an hour; its first reply lifts the stop. So does
//   resume().
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "catalog/record.hpp"
#include "clients/traffic_rules.hpp"

namespace clients {

struct TrafficOptions {
    PlacesOptions places;
    bool pacing = true;
    std::chrono::milliseconds spread{1'000};  // Whoever was held goes on within this time.
    // A longer demand is not waited out: visits stop until then.
    std::chrono::milliseconds hold_max{120'000};
    std::chrono::milliseconds probe_every{900'000};  // After a spending cap.
};

// The answer says that money, not load, is the reason: no wait helps.
bool is_spending_cap(const base::Failure& failure);
// The model is busy or we ask too much: a matter of all calls, not of one.
bool is_model_busy(const base::Failure& failure);

// Resource of the loop thread.
class Traffic {
  public:
    Traffic(base::Loop& loop, TrafficOptions options, base::Metrics& metrics, base::Random& random);
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;
    ~Traffic();

    struct Model;
    // The right to make one attempt. Dropping it gives back what it was promised.
    class Call {
      public:
        Call(Call&& other) noexcept;
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        ~Call();

        // In this order, each at most once: the answer's headers came; then the whole reply or the
        // failure. `wait`: what the caller will wait before its next attempt; nothing: it gives up.
        void answered(const base::HttpHeaders& headers);
        void replied(const catalog::TokenCounts& tokens);
        void failed(const base::Failure& failure, std::optional<std::chrono::milliseconds> wait);

      private:
        friend class Traffic;
        Call(Traffic& traffic, Model& model, Need need);
        void give_back();

        Traffic* traffic_;  // Null: moved from.
        Model* model_;
        Need need_;  // What is still promised.
        bool held_back_ = false;
        base::Steady sent_at_{};
    };

    // Waits until this attempt may leave. Throws Failure::throttled while visits are stopped.
    base::Task<Call> admit(std::string model, std::size_t prompt_bytes);

    // How many visits may run at once, 1 to the ceiling; 1 while a stop is being tried out.
    int places() const;
    double exact_places() const { return places_.exact(); }
    // Why no visit may start; empty: they may.
    std::string stop_reason() const;
    base::Failure stop_failure() const;  // What calls fail with while visits are stopped.
    void resume();                       // Lifts a stop by hand.
    // Until when every call waits, in the past when none does; and why it began.
    base::Steady held_until() const { return held_until_; }
    const std::string& hold_reason() const { return hold_words_; }
    // Called when there may be more places than before.
    void on_more_places(std::function<void()> changed) { changed_ = std::move(changed); }

  private:
    void hold(std::chrono::milliseconds wait, const base::Failure& failure);
    void stop(std::chrono::milliseconds wait, const base::Failure& failure, bool is_cap);
    bool is_stopped() const { return stopped_ && loop_.now() < stopped_until_; }
    void show_places();
    Model& model_of(const std::string& name);

    base::Loop& loop_;
    const TrafficOptions options_;
    base::Random& random_;
    Places places_;
    std::map<std::string, Model, std::less<>> models_;
    base::Steady held_until_{};
    std::string hold_words_;
    bool stopped_ = false;  // Also while it is being tried out, past stopped_until_.
    base::Steady stopped_until_{};
    std::string stop_words_, stop_code_;
    int stop_status_ = 0;
    std::function<void()> changed_;
    base::Counter& holds_;
    base::Gauge& held_until_gauge_;
    base::Counter& stops_;
    base::Counter& shrinks_;
    base::Counter& paced_;
    base::Counter& paced_seconds_;
    base::Gauge& places_gauge_;
    base::Gauge& stopped_gauge_;
};

}  // namespace clients
