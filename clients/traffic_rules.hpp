// How much we ask of the model at once and how fast: the arithmetic behind clients::Traffic. Pure;
// the caller brings the time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "base/http.hpp"

namespace clients {

struct PlacesOptions {
    int ceiling = 20'000;
    bool adaptive = false;       // false: always the ceiling.
    double start_share = 0.25;   // Of the ceiling.
    double shrink_share = 0.2;   // Per episode of 429 or 529.
    double growth_share = 0.05;  // Per clean round.
    std::chrono::milliseconds cooldown{30'000};
};

// How many visits may run at once: a real number from 1 to the ceiling, so that small steps add up.
//
// An episode: the first 429 or 529, and every other one whose request was sent before the shrink or
// that comes within the cooldown after it. It shrinks the number once. A clean round: as many whole
// replies as there are places, each to a request that was sent after the last shrink and that we
// had not held back. Server errors (5xx) are neither.
class Places {
  public:
    explicit Places(PlacesOptions options);

    double exact() const { return exact_; }
    int whole() const { return static_cast<int>(exact_); }

    bool on_busy(base::Steady sent_at, base::Steady now);  // true: it shrank.
    bool on_clean_reply(base::Steady sent_at);             // true: it grew.

  private:
    PlacesOptions options_;
    double exact_;
    int clean_replies_ = 0;
    bool ever_shrank_ = false;
    base::Steady shrank_at_{};
};

// What one request takes out of the model's limits.
struct Need {
    double requests = 1;
    double input_tokens = 0;  // Not read from the cache: only those count.
    double output_tokens = 0;
};

// The model's rate limits as its answers tell of them (`anthropic-ratelimit-{requests,tokens,
// input-tokens,output-tokens}-{limit,remaining,reset}`): buckets that fill up steadily and are full
// at `reset`. A limit that no answer named, or not whole, holds nobody back.
class Pace {
  public:
    // Takes over what an answer says. `server_now`: when it was given, by the server's clock.
    void read(const base::HttpHeaders& headers, base::Moment server_now, base::Steady now);

    // A need that was promised to a request and that `remaining` does not contain yet.
    void promise(const Need& need);
    void take_back(const Need& need);
    // The model will have counted it by the next answer.
    void spend(const Need& need, base::Steady now);

    // How long until everything that is promised fits, ten minutes at most: whoever promises and
    // waits so long has a place of her own in the queue.
    base::Duration delay(base::Steady now) const;

  private:
    struct Bucket {
        bool known = false;
        double limit = 0, left = 0;
        double per_second = 0;
        base::Steady at{};
        double left_at(base::Steady now) const;
    };
    static constexpr std::size_t kinds = 4;
    using Amounts = std::array<double, kinds>;
    static Amounts amounts_of(const Need& need);

    std::array<Bucket, kinds> buckets_;
    Amounts promised_{};
};

}  // namespace clients
