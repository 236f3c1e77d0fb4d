// When a persona is due. Two forms: the ancestor's formula over "last active" (GET /due) and slots
// (next_due_at), which agree and never drift. Pure; time comes in.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace catalog {

enum class Cadence { hourly, daily, weekdays };

std::span<const std::string_view> cadence_words();  // "hourly", "daily", "weekdays", in enum order.
std::string_view word_of(Cadence cadence);
std::optional<Cadence> cadence_of(std::string_view word);

// The latest "last active" she may have and still be due; nothing when today is a day off in `zone`
// (an IANA name, e.g. "Europe/Berlin"). Never-run personas are due whenever this is not nothing.
std::optional<base::Moment> due_if_idle_since(Cadence cadence, base::Moment now,
                                              std::string_view zone = "UTC");

// The slot after a visit that started at `started`: + 1 h (hourly) or + 24 h; weekdays: a slot on a
// Saturday or Sunday of `zone` moves to the same local time on Monday.
base::Moment next_slot(Cadence cadence, base::Moment started, std::string_view zone = "UTC");

// The wall clock of `zone` at `moment`, written as if it were UTC.
base::Moment local_time(base::Moment moment, std::string_view zone);

// The moment at which the day of `moment` began in `zone`.
base::Moment day_start(base::Moment moment, std::string_view zone);

// Throws Failure::invalid naming the zone when the system does not know it.
void require_zone(std::string_view zone);

}  // namespace catalog
