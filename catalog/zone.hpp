// A time zone of the system's database: which local time a moment is, and back. The standard
// library at hand brings no time zones, and the C library's are one global for the whole process.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace catalog {

// When summer time begins or ends: the `week`-th (5: last) `weekday` of `month`, at `at` local
// time.
struct ZoneRule {
    int month = 0, week = 0, weekday = 0;
    std::chrono::seconds at{7200};
};

// Value; immutable.
class Zone {
  public:
    using Utc = std::chrono::sys_seconds;
    using Local = std::chrono::local_seconds;

    // Reads the bytes of a TZif file (version 2 or newer); throws Failure::invalid naming the zone.
    Zone(std::string_view name, std::string_view bytes);
    Zone() = default;  // UTC.

    std::chrono::seconds offset_at(Utc moment) const;  // East of Greenwich is positive.
    Local to_local(Utc moment) const;
    // A local time that occurs twice means its first; one that is skipped moves on by the gap.
    Utc to_utc(Local local) const;

  private:
    void read_rule(std::string_view name, std::string_view text);
    std::chrono::seconds offset_by_rule(Utc moment) const;

    struct Transition {
        Utc begin;
        std::chrono::seconds offset;
    };
    std::vector<Transition> transitions_;
    std::chrono::seconds first_offset_{0};
    // What holds after the last transition.
    std::chrono::seconds standard_offset_{0};
    std::chrono::seconds summer_offset_{0};
    bool has_summer_ = false;
    ZoneRule summer_begin_, summer_end_;
};

// Read once per name and process; any thread. Throws Failure::invalid naming an unknown zone.
std::shared_ptr<const Zone> zone_of(std::string_view name);

}  // namespace catalog
