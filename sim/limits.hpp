// Rate limits as token buckets per API key, and the headers that tell of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace sim {

struct LimitOptions {
    long requests_per_minute = 60'000;
    long input_tokens_per_minute = 400'000'000;
    long output_tokens_per_minute = 80'000'000;
    std::size_t keys_max = 10'000;
};

// Not thread-safe; the owner locks.
class Limits {
  public:
    explicit Limits(LimitOptions options) : options_(options) {}

    // Takes one request; nothing when there was room, else how long to wait.
    std::optional<std::chrono::seconds> take_request(const std::string& key, base::Steady now);
    void take_tokens(const std::string& key, long input, long output, base::Steady now);
    std::vector<std::pair<std::string, std::string>> headers(const std::string& key,
                                                             base::Steady steady, base::Moment now);

  private:
    struct Bucket {
        double left = 0;
        base::Steady at{};
    };
    struct Account {
        Bucket requests, input, output;
    };
    Account& account(const std::string& key, base::Steady now);

    LimitOptions options_;
    std::map<std::string, Account> accounts_;
};

}  // namespace sim
