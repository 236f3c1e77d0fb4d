#include "sim/prices.hpp"

#include <array>

#include "sim/model.hpp"

namespace sim {

namespace {

struct Price {
    std::string_view model;
    double input = 0;
    double output = 0;
    double write_5m = 0;
    double write_1h = 0;
    double read = 0;
    long prompt_tokens_max = 0;  // Of this tier; 0: no limit. Tiers of a model stand in order.
};

constexpr std::array price_table{
    Price{"claude-fable-5-2", 8, 40, 10, 16, 0.20},
    Price{"claude-fable-5-1", 10, 50, 12.50, 20, 0.25},
    Price{"claude-mythos-5-1", 10, 50, 12.50, 20, 0.25},
    Price{"claude-opus-5-5", 4, 20, 5, 8, 0.20},
    Price{"claude-sonnet-5-5", 2, 10, 2.50, 4, 0.10},
    Price{"claude-haiku-5-5", 0.10, 0.50, 0.125, 0.20, 0.01, 100'000},
    Price{"claude-haiku-5-5", 0.50, 2.50, 0.625, 1, 0.05},
    Price{"claude-fable-5", 10, 50, 12.50, 20, 1},
    Price{"claude-opus-5", 5, 25, 6.25, 10, 0.50},
    Price{"claude-opus-4-8", 5, 25, 6.25, 10, 0.50},
    Price{"claude-opus-4-7", 5, 25, 6.25, 10, 0.50},
    Price{"claude-opus-4-6", 5, 25, 6.25, 10, 0.50},
    Price{"claude-opus-4-5", 5, 25, 6.25, 10, 0.50},
    Price{"claude-sonnet-5", 2, 10, 2.50, 4, 0.20},
    Price{"claude-sonnet-4-6", 3, 15, 3.75, 6, 0.30},
    Price{"claude-sonnet-4-5", 3, 15, 3.75, 6, 0.30},
    Price{"claude-haiku-4-5", 1, 5, 1.25, 2, 0.10},
};

}  // namespace

std::optional<double> cost_of(std::string_view model, const Usage& usage) {
    const Model* const known = find_model(model);
    if (known == nullptr) return std::nullopt;
    for (const Price& price : price_table) {
        if (price.model != known->id) continue;
        if (price.prompt_tokens_max > 0 && usage.prompt() > price.prompt_tokens_max) continue;
        const auto part = [](long tokens, double rate) {
            return static_cast<double>(tokens) * rate / 1e6;
        };
        return part(usage.input, price.input) + part(usage.output, price.output) +
               part(usage.written_5m, price.write_5m) + part(usage.written_1h, price.write_1h) +
               part(usage.read, price.read);
    }
    return std::nullopt;
}

}  // namespace sim
