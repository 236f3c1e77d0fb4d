#include "catalog/prices.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

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

// "2026-11-20", as midnight UTC.
base::Moment price_date(const base::Fields& fields) {
    const std::string date = fields.text("from", 10, 10);
    const auto moment = base::from_iso(date + "T00:00:00Z");
    if (!moment) fields.fail("from", "a date such as 2026-11-20");
    return *moment;
}

ModelPrice read_price(const base::Fields& fields) {
    ModelPrice price{.base = read_rates(fields)};
    if (fields.has("from")) price.from = price_date(fields);
    if (fields.has("above")) {
        const base::Fields above(fields.object("above"), fields.path_of("above"));
        price.threshold_tokens = above.integer("promptTokens", 1, 1'000'000'000);
        price.above = read_rates(above);
    }
    return price;
}

const Rates& rates_for(const ModelPrice& price, std::int64_t prompt_tokens) {
    const bool above = price.threshold_tokens > 0 && prompt_tokens > price.threshold_tokens;
    return above ? price.above : price.base;
}

}  // namespace

Prices::Prices(std::string_view text, std::string_view file_name) {
    const base::Json json = base::parse_json(text, file_name);
    const base::Fields file(json, std::string(file_name));
    as_of_ = file.text("asOf");
    for (const auto& [model, entry] : file.object("models").items()) {
        const std::string path = fmt::format("{}: models.{}", file_name, model);
        const bool many = entry.is_array();
        if (many && entry.empty()) {
            throw base::Failure{base::Failure::Kind::invalid,
                                path + " must be a price or a list of prices"};
        }
        std::vector<ModelPrice>& prices = models_[model];
        for (std::size_t i = 0; i < (many ? entry.size() : 1); ++i) {
            const base::Fields fields(many ? entry[i] : entry,
                                      many ? fmt::format("{}[{}]", path, i) : path);
            const ModelPrice price = read_price(fields);
            if (!prices.empty() && price.from <= prices.back().from) {
                fields.fail("from", "a later date than that of the price before it");
            }
            prices.push_back(price);
        }
    }
}

const ModelPrice* Prices::find(std::string_view model, base::Moment on) const {
    auto found = models_.find(model);
    if (found == models_.end() && model.size() > 9 && model[model.size() - 9] == '-' &&
        model.substr(model.size() - 8).find_first_not_of("0123456789") == std::string_view::npos) {
        found = models_.find(model.substr(0, model.size() - 9));
    }
    if (found == models_.end()) return nullptr;
    const ModelPrice* price = nullptr;
    for (const ModelPrice& each : found->second) {
        if (each.from <= on) price = &each;
    }
    return price;
}

std::optional<double> Prices::cost(std::string_view model, const TokenCounts& tokens,
                                   base::Moment on) const {
    const ModelPrice* price = find(model, on);
    if (!price) return std::nullopt;
    const Rates& rates = rates_for(*price, tokens.input + tokens.cache_write + tokens.cache_read);
    return (static_cast<double>(tokens.input) * rates.input +
            static_cast<double>(tokens.output) * rates.output +
            static_cast<double>(tokens.cache_write) * rates.cache_write +
            static_cast<double>(tokens.cache_read) * rates.cache_read) /
           1e6;
}

std::optional<double> Prices::cost_at_most(std::string_view model, std::int64_t prompt_tokens,
                                           std::int64_t output_tokens_max, base::Moment on) const {
    const ModelPrice* price = find(model, on);
    if (!price) return std::nullopt;
    const Rates& rates = rates_for(*price, prompt_tokens);
    const double input = std::max({rates.input, rates.cache_write, rates.cache_read});
    return (static_cast<double>(prompt_tokens) * input +
            static_cast<double>(output_tokens_max) * rates.output) /
           1e6;
}

Prices shipped_prices() {
    for (const base::EmbeddedText& text : shipped_texts()) {
        if (text.name == "prices.json") return Prices(text.text, text.name);
    }
    base::unreachable("prices.json is baked in");
}

Prices load_prices(const std::filesystem::path& file) {
    if (file.empty()) return shipped_prices();
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) {
        throw base::Failure{base::Failure::Kind::invalid,
                            fmt::format("PERSONA_PRICES: cannot read {}", file.string())};
    }
    return Prices(text.str(), file.string());
}

}  // namespace catalog
