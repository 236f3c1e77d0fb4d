// What a model request costs, from a dated price file (cache writes at the five-minute rate). A
// model that the file does not name has no price: it is unpriced, never free.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/record.hpp"

namespace catalog {

struct Rates {  // USD per million tokens.
    double input = 0, output = 0, cache_write = 0, cache_read = 0;
};

struct ModelPrice {
    Rates base;
    std::int64_t threshold_tokens = 0;  // 0: one rate. Else `above` counts for the whole request …
    Rates above;                        // … when its prompt (all input counters) has more tokens.
};

class Prices {
  public:
    // Throws Failure::invalid naming file, model and field.
    Prices(std::string_view text, std::string_view file_name);

    // USD of one request; nothing for an unknown model. A dated id ("…-20251001") finds its model.
    std::optional<double> cost(std::string_view model, const TokenCounts& tokens) const;
    const std::string& as_of() const { return as_of_; }

  private:
    std::string as_of_;
    std::map<std::string, ModelPrice, std::less<>> models_;
};

Prices shipped_prices();

}  // namespace catalog
