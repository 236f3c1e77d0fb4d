#include "workspace/invoice_totals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using workspace::invoice_totals;
using workspace::whole_parts;

Json line(double quantity, double price, double rate, double discount = 0) {
    return {
        {"quantity", quantity}, {"unitPrice", price}, {"vatRate", rate}, {"discount", discount}};
}

TEST(InvoiceTotals, CountWholeCents) {
    // 0.1 + 0.2 is the classic of binary fractions; three times 0.1 at 19 % as well.
    const Json totals =
        invoice_totals(Json::array({line(1, 0.1, 19), line(1, 0.2, 19), line(3, 1.15, 7)}));

    EXPECT_EQ(totals["net"].dump(), "3.75");
    EXPECT_EQ(totals["vat"].dump(), "0.3") << "0.057 -> 0.06 and 0.2415 -> 0.24";
    EXPECT_EQ(totals["gross"].dump(), "4.05");
    ASSERT_EQ(totals["vatBreakdown"].size(), 2u);
    EXPECT_EQ(totals["vatBreakdown"][0], (Json{{"rate", 7.0}, {"base", 3.45}, {"tax", 0.24}}));
    EXPECT_EQ(totals["vatBreakdown"][1], (Json{{"rate", 19.0}, {"base", 0.3}, {"tax", 0.06}}));
}

TEST(InvoiceTotals, RoundEachLineHalfAwayFromZero) {
    EXPECT_EQ(invoice_totals(Json::array({line(0.5, 0.01, 0)}))["net"].dump(), "0.01");
    EXPECT_EQ(invoice_totals(Json::array({line(0.5, -0.01, 0)}))["net"].dump(), "-0.01");
    EXPECT_EQ(invoice_totals(Json::array({line(1.333, 89.9, 19)}))["net"].dump(), "119.84");
    EXPECT_EQ(invoice_totals(Json::array({line(1, 100, 19, 33.33)}))["net"].dump(), "66.67");
    EXPECT_EQ(invoice_totals(Json::array({line(2, 50, 19, 100)}))["gross"].dump(), "0.0");
}

TEST(InvoiceTotals, StayExactAtTheLimits) {
    Json lines = Json::array();
    for (int i = 0; i < 100; ++i) lines.push_back(line(100'000, 1'000'000, 0));
    lines[0] = line(100'000, 999'999.99, 0);

    EXPECT_EQ(invoice_totals(lines)["net"].dump(), "9999999999000.0");
}

TEST(InvoiceTotals, RefuseFurtherDecimalPlaces) {
    EXPECT_EQ(whole_parts(89.99, 2), 8999);
    EXPECT_EQ(whole_parts(1.005, 3), 1005);
    EXPECT_EQ(whole_parts(1.005, 2), std::nullopt);
    EXPECT_EQ(whole_parts(1e13, 2), std::nullopt);
    EXPECT_EQ(whole_parts(std::nan(""), 2), std::nullopt);
    EXPECT_EQ(workspace::invoice_lines_fault({line(1, 1, 19), line(1, 0.005, 19)}),
              "lines[1].unitPrice must have at most 2 decimal places, got 0.005");
    EXPECT_EQ(workspace::invoice_lines_fault(Json::array({line(0.125, 1, 7.7)})), std::nullopt);
}

}  // namespace
