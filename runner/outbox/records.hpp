// What one visit has recorded, and the JSON of its single records as they stand on disk.
//
//   {"kind":"visit",…} {"kind":"intent",…} {"kind":"outcome",…} {"kind":"rating",…}
//   {"kind":"end",…} {"kind":"whole",…}: all of the above in one record
//
// An intent tells the call, an outcome only what came of it.
//
// Pure: values to text and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "catalog/record.hpp"

namespace runner {

// Everything one visit has recorded so far.
struct VisitRecords {
    std::string visit_id;
    std::string user_id;
    std::string persona;  // Short name, for logs.
    base::Moment started_at{};
    std::vector<catalog::Action> actions;  // By seq; an intent without outcome is `unknown`.
    std::vector<bool> settled;             // Same index: the outcome is recorded.
    std::vector<catalog::Rating> ratings;
    std::optional<catalog::VisitEnd> end;
    std::optional<catalog::VisitEnd> so_far;  // Turns, tokens, cost when the newest intent left.
    std::size_t actions_delivered = 0;        // Not on disk: a resend is harmless.

    bool operator==(const VisitRecords&) const = default;
};

// One line of JSON each, without newline.
std::string header_text(const VisitRecords& visit);
std::string intent_text(const catalog::Action& action,
                        const std::optional<catalog::VisitEnd>& so_far);
std::string outcome_text(const catalog::Action& action);
std::string rating_text(const catalog::Rating& rating);
std::string end_text(const catalog::VisitEnd& end);
std::string whole_text(const VisitRecords& visit);

// The records one by one, as the visit would have written them.
std::vector<std::string> record_texts(const VisitRecords& visit);

// Takes one record in. Throws Failure::invalid, naming `where`, when it is none, when it belongs to
// another visit or contradicts what is there.
void apply_record(VisitRecords& visit, const base::Json& record, const std::string& where);

}  // namespace runner
