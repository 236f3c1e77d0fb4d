// From Claude's answer to ratings. Pure. A rating is never invented: what cannot be read, was
// refused or did not come is a row with that status and no score.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/record.hpp"

namespace runner {

// Stands in the module column of the row that records an answer nobody could read.
inline constexpr std::string_view unreadable_answer_module = "__parse";

struct RatingQuestion {
    std::string visit_id;
    std::vector<std::string> modules;  // Those used in the visit, in order of first use.
    int actions = 0;                   // Evidence lies in 1..actions.
};

// One row per module asked for, in that order. Accepts white space, code fences and prose around
// the JSON; {"ratings":[…]}, a bare array, or an object module -> score or {rating, notes,
// evidence}; scores as integers, integral decimals or numeric strings. Scores outside 1..5, halves
// and words are unparsed; modules that were not asked for are ignored; of two answers for one
// module the first readable counts. When nothing can be read at all, a row for `__parse` with the
// answer's beginning comes first.
std::vector<catalog::Rating> read_ratings(const RatingQuestion& question, std::string_view answer);

// Rows for a question that got no answer: refused, or missing (failure, visit cut short).
std::vector<catalog::Rating> unanswered_ratings(const RatingQuestion& question,
                                                catalog::Rating::Status status,
                                                std::string_view reason);

}  // namespace runner
