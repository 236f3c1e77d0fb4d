// Every word we say to Claude, and the plan of the day that goes into it. Pure: no clock, no id and
// nothing that changes between two requests of a visit gets into the system text, so the prompt
// cache holds; what is of today goes into the first user message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "catalog/persona.hpp"
#include "catalog/record.hpp"
#include "runner/places.hpp"

namespace runner {

// What she means to do today: modules drawn by her weights from those that the product serves.
struct DayPlan {
    catalog::ModuleMix modules;           // In the order she thinks of them; 1 to 4.
    std::vector<std::string> not_served;  // Of her mix, but no tool serves them today.

    bool operator==(const DayPlan&) const = default;
};

// Draws without putting back; the same seed draws the same plan. A mix without any served module
// falls back to the first four served ones, so that she meets the product at all.
DayPlan plan_day(const catalog::ModuleMix& mix, const std::vector<std::string>& served,
                 std::uint64_t seed);

std::string system_text(const catalog::Persona& persona);
// `local_now`: the wall clock of the persona's zone, as if it were UTC.
std::string opening_text(const catalog::Persona& persona, const DayPlan& plan, const Places& places,
                         base::Moment local_now);
// After an empty answer, once.
std::string carry_on_text();

// One line of the day for the rating: what she did and what came back.
struct DigestLine {
    int seq = 0;
    std::string module;
    std::string tool;
    catalog::Action::Outcome outcome = catalog::Action::Outcome::unknown;
    std::string answer;  // Cut; what the product said.
};
inline constexpr std::size_t digest_answer_bytes_max = 300;

std::string rating_system_text(const catalog::Persona& persona);
std::string rating_question(const std::vector<std::string>& modules,
                            const std::vector<DigestLine>& digest);
// The answer's JSON Schema, within the subset that structured outputs accept.
base::Json rating_schema(const std::vector<std::string>& modules);

}  // namespace runner
