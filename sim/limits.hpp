// Rate limits as token buckets per API key and model, and the headers that tell of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace sim {

struct LimitOptions {
    long requests_per_minute = 60'000;
    long input_tokens_per_minute = 400'000'000;
    long output_tokens_per_minute = 80'000'000;
    std::size_t accounts_max = 10'000;
};

// Whose buckets a request takes from: each model has its own for each key.
std::string limit_account(const std::string& key, std::string_view model);

// Not thread-safe; the owner locks.
class Limits {
  public:
    explicit Limits(LimitOptions options) : options_(options) {}

    // Takes one request; nothing when there was room, else how long to wait.
    std::optional<std::chrono::seconds> take_request(const std::string& name, base::Steady now);
    void take_tokens(const std::string& name, long input, long output, base::Steady now);
    std::vector<std::pair<std::string, std::string>> headers(const std::string& name,
                                                             base::Steady steady, base::Moment now);

  private:
    struct Bucket {
        double left = 0;
        base::Steady at{};
    };
    struct Account {
        Bucket requests, input, output;
    };
    Account& account(const std::string& name, base::Steady now);

    LimitOptions options_;
    std::map<std::string, Account> accounts_;
};

}  // namespace sim
