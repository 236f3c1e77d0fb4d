#include "workspace/invoice_totals.hpp"

#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr double totals_parts_max = 1e12;

struct TotalsNumber {
    std::string_view name;
    int places;
};
constexpr std::array totals_numbers = {TotalsNumber{"quantity", 3}, TotalsNumber{"unitPrice", 2},
                                       TotalsNumber{"vatRate", 2}, TotalsNumber{"discount", 2}};

// Rounded half away from zero.
std::int64_t totals_divided(__int128 amount, std::int64_t by) {
    const __int128 half = by / 2;
    return static_cast<std::int64_t>(amount >= 0 ? (amount + half) / by : (amount - half) / by);
}

std::int64_t totals_parts(const Json& line, std::string_view name, int places) {
    const auto value = line.find(std::string(name));
    if (value == line.end() || value->is_null()) return 0;
    const auto parts = whole_parts(value->get<double>(), places);
    base::require(parts.has_value(), "an invoice's lines were checked");
    return *parts;
}

// Cents as the decimal number that people read.
Json totals_money(std::int64_t cents) {
    return static_cast<double>(cents) / 100;
}

}  // namespace

std::optional<std::int64_t> whole_parts(double number, int places) {
    double scale = 1;
    for (int place = 0; place < places; ++place) scale *= 10;
    const double scaled = number * scale;
    if (!(std::fabs(scaled) <= totals_parts_max)) return std::nullopt;
    const double whole = std::round(scaled);
    // The nearest double of a decimal number differs by less than this; a further place by more.
    if (std::fabs(scaled - whole) > 1e-3) return std::nullopt;
    return static_cast<std::int64_t>(whole);
}

std::optional<std::string> invoice_lines_fault(const Json& lines) {
    for (std::size_t at = 0; at < lines.size(); ++at) {
        for (const TotalsNumber& number : totals_numbers) {
            const auto value = lines[at].find(std::string(number.name));
            if (value == lines[at].end() || value->is_null()) continue;
            if (whole_parts(value->get<double>(), number.places)) continue;
            return fmt::format("lines[{}].{} must have at most {} decimal places, got {}", at,
                               number.name, number.places, value->dump());
        }
    }
    return std::nullopt;
}

Json invoice_totals(const Json& lines) {
    std::map<std::int64_t, std::int64_t> bases;  // Rate in hundredths -> cents.
    std::int64_t net = 0, vat = 0;
    for (const Json& line : lines) {
        const __int128 thousandths = totals_parts(line, "quantity", 3);
        const std::int64_t kept = 10'000 - totals_parts(line, "discount", 2);
        const __int128 amount = thousandths * totals_parts(line, "unitPrice", 2) * kept;
        const std::int64_t cents = totals_divided(amount, 1'000LL * 10'000);
        bases[totals_parts(line, "vatRate", 2)] += cents;
        net += cents;
    }
    Json breakdown = Json::array();
    for (const auto& [rate, cents] : bases) {
        const std::int64_t tax = totals_divided(static_cast<__int128>(cents) * rate, 10'000);
        vat += tax;
        Json part;
        part["rate"] = static_cast<double>(rate) / 100;
        part["base"] = totals_money(cents);
        part["tax"] = totals_money(tax);
        breakdown.push_back(std::move(part));
    }
    Json totals;
    totals["net"] = totals_money(net);
    totals["vat"] = totals_money(vat);
    totals["gross"] = totals_money(net + vat);
    totals["vatBreakdown"] = std::move(breakdown);
    return totals;
}

}  // namespace workspace
