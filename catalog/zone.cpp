#include "catalog/zone.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/failure.hpp"

namespace catalog {

namespace {

constexpr std::string_view zone_folder = "/usr/share/zoneinfo/";
constexpr std::size_t zone_file_bytes_max = 256 * 1024;
constexpr std::size_t zone_header_bytes = 44;

[[noreturn]] void zone_refuse(std::string_view name) {
    throw base::Failure(base::Failure::Kind::invalid,
                        "time zone \"" + std::string(name.substr(0, 64)) +
                            "\" is unknown here: use a name like Europe/Berlin or UTC (other zones "
                            "than UTC need the package tzdata)");
}

std::int64_t zone_number(std::string_view bytes, std::size_t at, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return count == 4 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value);
}

// Counts of one block of a TZif file; the fields follow in this order.
struct ZoneCounts {
    std::size_t is_utc, is_standard, leaps, times, types, letters;
    std::size_t bytes(std::size_t time_bytes) const {
        return times * (time_bytes + 1) + types * 6 + letters + leaps * (time_bytes + 4) +
               is_standard + is_utc;
    }
};

ZoneCounts zone_counts(std::string_view bytes, std::size_t header) {
    auto at = [&](std::size_t index) {
        return static_cast<std::size_t>(
            static_cast<std::uint32_t>(zone_number(bytes, header + 20 + index * 4, 4)));
    };
    return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

// Reads the POSIX form ("CET-1CEST,M3.5.0,M10.5.0/3") piece by piece; `bad` stays set once it was.
struct ZoneText {
    std::string_view left;
    bool bad = false;

    bool take(char c) {
        if (left.empty() || left[0] != c) return false;
        left.remove_prefix(1);
        return true;
    }
    void skip_name() {
        std::size_t end = 0;
        if (take('<')) {
            end = left.find('>');
            bad = bad || end == left.npos;
            left.remove_prefix(bad ? left.size() : end + 1);
            return;
        }
        while (end < left.size() && std::isalpha(static_cast<unsigned char>(left[end]))) ++end;
        bad = bad || end < 3;
        left.remove_prefix(end);
    }
    int number() {
        int value = 0;
        std::size_t digits = 0;
        while (digits < left.size() && digits < 4 && left[digits] >= '0' && left[digits] <= '9')
            value = value * 10 + (left[digits++] - '0');
        bad = bad || digits == 0;
        left.remove_prefix(digits);
        return value;
    }
    std::chrono::seconds time() {
        int sign = take('-') ? -1 : 1;
        if (sign > 0) take('+');
        int seconds = number() * 3600;
        if (take(':')) seconds += number() * 60;
        if (take(':')) seconds += number();
        return std::chrono::seconds(sign * seconds);
    }
    ZoneRule rule() {
        ZoneRule rule;
        bad = bad || !take(',') || !take('M');
        rule.month = number();
        bad = bad || !take('.');
        rule.week = number();
        bad = bad || !take('.');
        rule.weekday = number();
        if (take('/')) rule.at = time();
        bad = bad || rule.month < 1 || rule.month > 12 || rule.week < 1 || rule.week > 5 ||
              rule.weekday > 6;
        return rule;
    }
};

std::chrono::local_seconds zone_change(const ZoneRule& rule, std::chrono::year year) {
    std::chrono::month month(static_cast<unsigned>(rule.month));
    std::chrono::weekday weekday(static_cast<unsigned>(rule.weekday));
    std::chrono::local_days day =
        rule.week == 5
            ? std::chrono::local_days(year / month / weekday[std::chrono::last])
            : std::chrono::local_days(year / month / weekday[static_cast<unsigned>(rule.week)]);
    return day + rule.at;
}

std::string zone_file(std::string_view name) {
    bool is_plain = !name.empty() && name.size() <= 64 && name[0] != '/' &&
                    name.find("..") == name.npos && std::ranges::all_of(name, [](unsigned char c) {
                        return std::isalnum(c) || c == '_' || c == '-' || c == '+' || c == '/';
                    });
    if (!is_plain) zone_refuse(name);
    std::ifstream file(std::string(zone_folder) + std::string(name), std::ios::binary);
    std::string bytes(zone_file_bytes_max, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    if (bytes.empty()) zone_refuse(name);
    return bytes;
}

}  // namespace

Zone::Zone(std::string_view name, std::string_view bytes) {
    if (bytes.size() < zone_header_bytes || !bytes.starts_with("TZif") || bytes[4] < '2')
        zone_refuse(name);
    // The first block holds 32-bit times for old readers; the second one is whole.
    std::size_t header = zone_header_bytes + zone_counts(bytes, 0).bytes(4);
    if (bytes.size() < header + zone_header_bytes) zone_refuse(name);
    ZoneCounts counts = zone_counts(bytes, header);
    std::size_t times = header + zone_header_bytes;
    std::size_t footer = times + counts.bytes(8);
    if (counts.types == 0 || counts.times > bytes.size() || bytes.size() < footer)
        zone_refuse(name);
    std::size_t indices = times + counts.times * 8;
    std::size_t types = indices + counts.times;
    auto offset_of_type = [&](std::size_t type) {
        if (type >= counts.types) zone_refuse(name);
        return std::chrono::seconds(zone_number(bytes, types + type * 6, 4));
    };
    first_offset_ = offset_of_type(0);
    for (std::size_t i = 0; i < counts.times; ++i) {
        auto type = static_cast<unsigned char>(bytes[indices + i]);
        Utc begin{std::chrono::seconds(zone_number(bytes, times + i * 8, 8))};
        transitions_.push_back({begin, offset_of_type(type)});
    }
    std::string_view text = bytes.substr(footer);
    if (text.starts_with('\n')) text.remove_prefix(1);
    read_rule(name, text.substr(0, text.find('\n')));
}

void Zone::read_rule(std::string_view name, std::string_view text) {
    standard_offset_ = transitions_.empty() ? first_offset_ : transitions_.back().offset;
    if (text.empty()) return;
    ZoneText reader{text};
    reader.skip_name();
    standard_offset_ = -reader.time();  // POSIX counts westwards.
    if (!reader.left.empty()) {
        has_summer_ = true;
        reader.skip_name();
        summer_offset_ = standard_offset_ + std::chrono::hours(1);
        if (!reader.left.starts_with(',')) summer_offset_ = -reader.time();
        summer_begin_ = reader.rule();
        summer_end_ = reader.rule();
    }
    if (reader.bad || !reader.left.empty()) zone_refuse(name);
}

std::chrono::seconds Zone::offset_by_rule(Utc moment) const {
    if (!has_summer_) return standard_offset_;
    std::chrono::year_month_day date(
        std::chrono::floor<std::chrono::days>(moment + standard_offset_));
    Utc begin(zone_change(summer_begin_, date.year()).time_since_epoch() - standard_offset_);
    Utc end(zone_change(summer_end_, date.year()).time_since_epoch() - summer_offset_);
    // On the southern half the summer spans the turn of the year.
    bool is_summer =
        begin < end ? begin <= moment && moment < end : !(end <= moment && moment < begin);
    return is_summer ? summer_offset_ : standard_offset_;
}

std::chrono::seconds Zone::offset_at(Utc moment) const {
    auto after = std::ranges::upper_bound(transitions_, moment, {}, &Transition::begin);
    if (after == transitions_.end()) return offset_by_rule(moment);
    if (after == transitions_.begin()) return first_offset_;
    return std::prev(after)->offset;
}

Zone::Local Zone::to_local(Utc moment) const {
    return Local((moment + offset_at(moment)).time_since_epoch());
}

Zone::Utc Zone::to_utc(Local local) const {
    Utc as_utc(local.time_since_epoch());
    std::chrono::seconds before = offset_at(as_utc - std::chrono::days(1));
    std::chrono::seconds after = offset_at(as_utc + std::chrono::days(1));
    if (offset_at(as_utc - before) == before) return as_utc - before;
    if (offset_at(as_utc - after) == after) return as_utc - after;
    return as_utc - before;
}

std::shared_ptr<const Zone> zone_of(std::string_view name) {
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<const Zone>, std::less<>> zones;
    std::lock_guard lock(mutex);
    auto known = zones.find(name);
    if (known != zones.end()) return known->second;
    auto zone = name == "UTC" ? std::make_shared<const Zone>()
                              : std::make_shared<const Zone>(name, zone_file(name));
    zones.emplace(std::string(name), zone);
    return zone;
}

}  // namespace catalog
