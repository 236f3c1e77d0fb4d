#include "catalog/prices.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "catalog/catalog.hpp"

namespace catalog {

namespace {

constexpr double rate_max = 10'000;

Rates read_rates(const base::Fields& fields) {
    return {fields.number("input", 0, rate_max), fields.number("output", 0, rate_max),
            fields.number("cacheWrite", 0, rate_max), fields.number("cacheRead", 0, rate_max)};
}

}  // namespace

Prices::Prices(std::string_view text, std::string_view file_name) {
    const base::Json json = base::parse_json(text, file_name);
    const base::Fields file(json, std::string(file_name));
    as_of_ = file.text("asOf");
    for (const auto& [model, entry] : file.object("models").items()) {
        const base::Fields fields(entry, fmt::format("{}: models.{}", file_name, model));
        ModelPrice price{.base = read_rates(fields)};
        if (fields.has("above")) {
            const base::Fields above(fields.object("above"), fields.path_of("above"));
            price.threshold_tokens = above.integer("promptTokens", 1, 1'000'000'000);
            price.above = read_rates(above);
        }
        models_.emplace(model, price);
    }
}

std::optional<double> Prices::cost(std::string_view model, const TokenCounts& tokens) const {
    auto found = models_.find(model);
    if (found == models_.end() && model.size() > 9 && model[model.size() - 9] == '-' &&
        model.substr(model.size() - 8).find_first_not_of("0123456789") == std::string_view::npos) {
        found = models_.find(model.substr(0, model.size() - 9));
    }
    if (found == models_.end()) return std::nullopt;
    const ModelPrice& price = found->second;
    const std::int64_t prompt = tokens.input + tokens.cache_write + tokens.cache_read;
    const bool above = price.threshold_tokens > 0 && prompt > price.threshold_tokens;
    const Rates& rates = above ? price.above : price.base;
    return (static_cast<double>(tokens.input) * rates.input +
            static_cast<double>(tokens.output) * rates.output +
            static_cast<double>(tokens.cache_write) * rates.cache_write +
            static_cast<double>(tokens.cache_read) * rates.cache_read) /
           1e6;
}

Prices shipped_prices() {
    for (const base::EmbeddedText& text : shipped_texts()) {
        if (text.name == "prices.json") return Prices(text.text, text.name);
    }
    base::unreachable("prices.json is baked in");
}

}  // namespace catalog
