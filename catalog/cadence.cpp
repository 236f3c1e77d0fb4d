#include "catalog/cadence.hpp"

#include <algorithm>
#include <array>

#include "catalog/zone.hpp"

namespace catalog {

namespace {

constexpr std::array<std::string_view, 3> cadence_names = {"hourly", "daily", "weekdays"};

std::chrono::local_time<std::chrono::microseconds> cadence_local(const Zone& zone,
                                                                 base::Moment moment) {
    auto second = std::chrono::floor<std::chrono::seconds>(moment);
    return zone.to_local(second) + (moment - second);
}

// 0: a working day; else the days until Monday.
std::chrono::days cadence_days_to_monday(std::chrono::local_time<std::chrono::microseconds> local) {
    std::chrono::weekday day(std::chrono::floor<std::chrono::days>(local));
    if (day == std::chrono::Saturday) return std::chrono::days(2);
    if (day == std::chrono::Sunday) return std::chrono::days(1);
    return std::chrono::days(0);
}

}  // namespace

std::span<const std::string_view> cadence_words() {
    return cadence_names;
}

std::string_view word_of(Cadence cadence) {
    return cadence_names[static_cast<std::size_t>(cadence)];
}

std::optional<Cadence> cadence_of(std::string_view word) {
    auto found = std::ranges::find(cadence_names, word);
    if (found == cadence_names.end()) return std::nullopt;
    return static_cast<Cadence>(found - cadence_names.begin());
}

std::optional<base::Moment> due_if_idle_since(Cadence cadence, base::Moment now,
                                              std::string_view zone) {
    if (cadence == Cadence::hourly) return now - std::chrono::hours(1);
    if (cadence == Cadence::weekdays &&
        cadence_days_to_monday(cadence_local(*zone_of(zone), now)).count() > 0)
        return std::nullopt;
    return now - std::chrono::hours(24);
}

base::Moment next_slot(Cadence cadence, base::Moment started, std::string_view zone) {
    if (cadence == Cadence::hourly) return started + std::chrono::hours(1);
    base::Moment next = started + std::chrono::hours(24);
    if (cadence == Cadence::daily) return next;
    std::shared_ptr<const Zone> place = zone_of(zone);
    auto local = cadence_local(*place, next);
    std::chrono::days wait = cadence_days_to_monday(local);
    if (wait.count() == 0) return next;
    auto second = std::chrono::floor<std::chrono::seconds>(local);
    return place->to_utc(second + wait) + (local - second);
}

base::Moment local_time(base::Moment moment, std::string_view zone) {
    return base::Moment{cadence_local(*zone_of(zone), moment).time_since_epoch()};
}

base::Moment day_start(base::Moment moment, std::string_view zone) {
    const std::shared_ptr<const Zone> place = zone_of(zone);
    return place->to_utc(std::chrono::floor<std::chrono::days>(cadence_local(*place, moment)));
}

void require_zone(std::string_view zone) {
    zone_of(zone);
}

}  // namespace catalog
