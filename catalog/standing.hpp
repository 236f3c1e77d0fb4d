// What keeps personas from visiting, for `status`: pauses, quarantines, and the slots that were
// given up lately. Words and JSON of both ends of the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace catalog {

inline constexpr std::size_t standing_list_max = 100;    // Pauses, quarantined personas.
inline constexpr std::size_t standing_skipped_max = 20;  // Slots given up.
inline constexpr std::size_t archetype_bytes_max = 200;

// Whom a pause is about.
struct Whom {
    enum class Scope { all, archetype, persona };
    Scope scope = Scope::all;
    std::string name;  // The archetype, or the persona's address; empty: everybody.

    bool operator==(const Whom&) const = default;
};
std::string to_text(const Whom& whom);  // "everybody", "archetype tester", an address.

struct Pause {
    Whom whom;
    base::Moment since{};
    bool operator==(const Pause&) const = default;
};

// A persona whose slot lost its runner too often.
struct Quarantine {
    std::string email;
    base::Moment slot{};
    base::Moment since{};
    bool operator==(const Quarantine&) const = default;
};

struct SkippedSlot {
    std::string email;
    base::Moment slot{};
    std::int64_t slots = 1;  // More: this one and the next ones together.
    std::string reason;      // "attempts_exhausted", "missed", "paused", …
    int attempts = 0;        // Visits that were tried for it.
    base::Moment given_up_at{};
    bool operator==(const SkippedSlot&) const = default;
};

struct Standing {
    std::int64_t pauses_count = 0, quarantined_count = 0;  // Of all; the lists are cut.
    std::int64_t skipped_24h = 0;                          // Slots given up in the last 24 hours.
    std::vector<Pause> pauses;                             // Oldest first.
    std::vector<Quarantine> quarantined;                   // Newest first.
    std::vector<SkippedSlot> skipped;                      // Newest first, of the last 24 hours.
    bool operator==(const Standing&) const = default;
};

// {"scope":"all"}, {"scope":"archetype","archetype":"…"} or {"scope":"persona","email":"…"}.
base::Json to_json(const Whom& whom);
Whom whom_from_json(const base::Json& json);
base::Json to_json(const Standing& standing);
Standing standing_from_json(const base::Json& json);

}  // namespace catalog
