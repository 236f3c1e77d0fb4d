#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "base/postgres_session.hpp"

namespace base {

namespace {

std::string values_array(std::size_t count, const auto& item) {
    std::string literal = "{";
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) literal += ',';
        const std::string* text = item(i);
        if (text == nullptr) {
            literal += "NULL";
            continue;
        }
        literal += '"';
        for (const char byte : *text) {
            if (byte == '"' || byte == '\\') literal += '\\';
            literal += byte;
        }
        literal += '"';
    }
    return literal += '}';
}

std::string values_moment(Moment moment) {
    namespace chrono = std::chrono;
    const auto day = chrono::floor<chrono::days>(moment);
    const chrono::year_month_day date{day};
    const chrono::hh_mm_ss time{moment - day};
    const int year = static_cast<int>(date.year());
    // PostgreSQL counts the year before 1 as 1 BC.
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z{}", year > 0 ? year : 1 - year,
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count(), year > 0 ? "" : " BC");
}

template <class Number>
Number values_parse(const std::string& text, std::string_view column) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        strange_answer(fmt::format("column \"{}\" holds no such number", column));
    return number;
}

}  // namespace

void strange_answer(const std::string& what) {
    throw Failure(Failure::Kind::unavailable,
                  fmt::format("PostgreSQL's answer makes no sense: {}; try again", what),
                  "strange_answer");
}

SqlParam::SqlParam(double number) {
    if (std::isfinite(number)) {
        text_ = fmt::format("{}", number);
    } else if (std::isnan(number)) {
        text_ = "NaN";
    } else {
        text_ = number > 0 ? "Infinity" : "-Infinity";
    }
}

SqlParam::SqlParam(Moment moment) : text_(values_moment(moment)) {}

SqlParam::SqlParam(const Json& json) : text_(to_text(json)) {}

SqlParam SqlParam::array(const std::vector<std::string>& items) {
    return SqlParam(values_array(items.size(), [&](std::size_t i) { return &items[i]; }));
}

SqlParam SqlParam::array(const std::vector<std::optional<std::string>>& items) {
    return SqlParam(
        values_array(items.size(), [&](std::size_t i) { return items[i] ? &*items[i] : nullptr; }));
}

SqlRow::SqlRow(std::shared_ptr<const SqlTable> table, std::size_t index)
    : table_(std::move(table)), index_(index) {}

const std::optional<std::string>& SqlRow::cell(std::string_view column) const {
    const auto& columns = table_->columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] == column) return table_->cells[index_ * columns.size() + i];
    }
    strange_answer(fmt::format("it has no column \"{}\"", column));
}

std::string SqlRow::text(std::string_view column) const {
    const auto& value = cell(column);
    if (!value) strange_answer(fmt::format("column \"{}\" is null", column));
    return *value;
}

std::int64_t SqlRow::integer(std::string_view column) const {
    return values_parse<std::int64_t>(text(column), column);
}

double SqlRow::number(std::string_view column) const {
    return values_parse<double>(text(column), column);
}

bool SqlRow::flag(std::string_view column) const {
    const std::string value = text(column);
    if (value != "t" && value != "f")
        strange_answer(fmt::format("column \"{}\" is not boolean", column));
    return value == "t";
}

Moment SqlRow::moment(std::string_view column) const {
    const auto value = from_iso(text(column));
    if (!value) strange_answer(fmt::format("column \"{}\" holds no finite time", column));
    return *value;
}

Json SqlRow::json(std::string_view column) const {
    std::optional<Json> value = try_parse_json(text(column));
    if (!value) strange_answer(fmt::format("column \"{}\" holds no JSON", column));
    return std::move(*value);
}

bool SqlRow::is_null(std::string_view column) const {
    return !cell(column).has_value();
}

std::optional<std::string> SqlRow::text_or_none(std::string_view column) const {
    return cell(column);
}

std::optional<std::int64_t> SqlRow::integer_or_none(std::string_view column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
}

std::optional<double> SqlRow::number_or_none(std::string_view column) const {
    if (is_null(column)) return std::nullopt;
    return number(column);
}

std::optional<Moment> SqlRow::moment_or_none(std::string_view column) const {
    if (is_null(column)) return std::nullopt;
    return moment(column);
}

SqlRows::SqlRows(std::shared_ptr<const SqlTable> table) : table_(std::move(table)) {}

std::size_t SqlRows::size() const {
    return table_->rows;
}

SqlRow SqlRows::operator[](std::size_t index) const {
    if (index >= size()) strange_answer(fmt::format("it has {} rows", size()));
    return SqlRow(table_, index);
}

std::optional<SqlRow> SqlRows::first() const {
    if (empty()) return std::nullopt;
    return (*this)[0];
}

std::size_t SqlRows::affected() const {
    return table_->affected;
}

std::vector<std::string> SqlRows::columns() const {
    return table_->columns;
}

}  // namespace base
