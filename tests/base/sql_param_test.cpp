// How values become statement parameters; no server needed.
#include <gtest/gtest.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "base/postgres.hpp"

namespace {

using base::SqlParam;

TEST(SqlParam, WritesNumbersExactly) {
    EXPECT_EQ(SqlParam(-7).text(), "-7");
    EXPECT_EQ(SqlParam(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
    EXPECT_EQ(SqlParam(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
    EXPECT_EQ(SqlParam(0.1).text(), "0.1");
    EXPECT_EQ(SqlParam(1e300).text(), "1e+300");
    EXPECT_EQ(SqlParam(std::numeric_limits<double>::quiet_NaN()).text(), "NaN");
    EXPECT_EQ(SqlParam(-std::numeric_limits<double>::infinity()).text(), "-Infinity");
}

TEST(SqlParam, WritesMomentsToTheMicrosecond) {
    using namespace std::chrono;
    EXPECT_EQ(SqlParam(base::Moment{}).text(), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(SqlParam(base::Moment{microseconds{-1}}).text(), "1969-12-31T23:59:59.999999Z");
    EXPECT_EQ(SqlParam(base::Moment{sys_days{year{-43} / March / 15}}).text(),
              "0044-03-15T00:00:00.000000Z BC");
}

TEST(SqlParam, KeepsNullApartFromEmptyAndTextApartFromFlags) {
    EXPECT_EQ(SqlParam(std::nullopt).text(), std::nullopt);
    EXPECT_EQ(SqlParam(std::optional<int>()).text(), std::nullopt);
    EXPECT_EQ(SqlParam(std::optional<int>(3)).text(), "3");
    EXPECT_EQ(SqlParam("").text(), "");
    EXPECT_EQ(SqlParam("true").text(), "true");
    EXPECT_EQ(SqlParam(false).text(), "f");
    EXPECT_EQ(SqlParam(base::Json("text")).text(), "\"text\"");
}

TEST(SqlParam, QuotesEveryArrayElement) {
    EXPECT_EQ(SqlParam::array(std::vector<std::string>{}).text(), "{}");
    EXPECT_EQ(SqlParam::array(std::vector<std::string>{"a", "", "NULL", "b\"c\\d"}).text(),
              R"({"a","","NULL","b\"c\\d"})");
    EXPECT_EQ(SqlParam::array(std::vector<std::optional<std::string>>{"x", std::nullopt}).text(),
              R"({"x",NULL})");
}

}  // namespace
