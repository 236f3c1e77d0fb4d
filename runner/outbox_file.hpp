// The form of an outbox file: one visit, one line per record, each line guarded by a checksum.
//
//   <8 hex digits CRC-32 of the JSON> <JSON>\n
//   {"kind":"visit",…} {"kind":"intent",…} {"kind":"outcome",…} {"kind":"rating",…}
//   {"kind":"end",…}
//
// Pure: text in, visit out. A line torn at the end of the file (we died while writing) is left out;
// damage anywhere else makes the file unreadable.
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

std::string header_line(const VisitRecords& visit);
std::string intent_line(const catalog::Action& action,
                        const std::optional<catalog::VisitEnd>& so_far = std::nullopt);
std::string outcome_line(const catalog::Action& action);
std::string rating_line(const catalog::Rating& rating);
std::string end_line(const catalog::VisitEnd& end);

struct OutboxFile {
    VisitRecords visit;
    std::size_t bytes_read = 0;  // Up to the last whole line; what follows was torn.
    bool torn = false;
};

// A file that was cut before its first line was whole holds no visit: the id is empty. Throws
// Failure::invalid naming the line when a line before the last is damaged, the first is no header,
// or the records contradict each other.
OutboxFile read_outbox_file(std::string_view text);

}  // namespace runner
