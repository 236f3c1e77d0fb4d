// What a model request costs, from a dated price file (cache writes at the five-minute rate). A
// model that the file does not name has no price: it is unpriced, never free. A price counts from
// its date on; the day on which the visit started decides which one.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "catalog/record.hpp"

namespace catalog {

struct Rates {  // USD per million tokens.
    double input = 0, output = 0, cache_write = 0, cache_read = 0;
};

struct ModelPrice {
    base::Moment from{};  // Midnight UTC; the epoch: since ever.
    Rates base;
    std::int64_t threshold_tokens = 0;  // 0: one rate. Else `above` counts for the whole request …
    Rates above;                        // … when its prompt (all input counters) has more tokens.
};

class Prices {
  public:
    // Throws Failure::invalid naming file, model and field.
    Prices(std::string_view text, std::string_view file_name);

    // USD of one request of a visit that started at `on`; nothing for a model without a price then.
    // A dated id ("…-20251001") finds its model.
    std::optional<double> cost(std::string_view model, const TokenCounts& tokens,
                               base::Moment on) const;
    // The most that a request can cost: nothing comes from the cache, all of it is written there,
    // and the reply is as long as it may be.
    std::optional<double> cost_at_most(std::string_view model, std::int64_t prompt_tokens,
                                       std::int64_t output_tokens_max, base::Moment on) const;
    const std::string& as_of() const { return as_of_; }

  private:
    const ModelPrice* find(std::string_view model, base::Moment on) const;

    std::string as_of_;
    std::map<std::string, std::vector<ModelPrice>, std::less<>> models_;  // By date.
};

Prices shipped_prices();
Prices load_prices(const std::filesystem::path& file);  // Empty: the shipped ones.

}  // namespace catalog
