// The form of the outbox's log: guarded lines (see frame.hpp), each naming its visit and the
// record's number within the visit.
//
//   <crc> <visit> <number> {"kind":…}\n         numbers of a visit: 1, 2, 3 …
//
// A record of kind `whole` stands for all earlier ones of its visit, `done` says that the visit
// needs none of them any more. The log is a row of segments; its oldest end is cut off, so the
// first record of a visit that a reader meets is number 1, a `whole`, or what a `done` further on
// explains.
//
// Damage is told by what is missing, not by what is unreadable: a record that was written twice
// (because the disk failed in between) counts once, a number that never comes breaks its visit and
// no other. A line torn at the end of a segment was never acknowledged and is left out.
//
// Pure: text in, visits out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runner/outbox/records.hpp"

namespace runner {

inline constexpr std::string_view done_text = R"({"kind":"done"})";

void append_log_line(std::string& log, std::string_view visit_id, std::uint64_t number,
                     std::string_view record);

struct LogLine {
    std::string visit_id;
    std::uint64_t number = 0;
    std::string_view record;
};

// Nothing when the line is damaged.
std::optional<LogLine> read_log_line(std::string_view line);

// What a log holds.
struct LogContent {
    struct Visit {
        VisitRecords records;
        std::uint64_t number = 0;   // Of its last record.
        std::uint64_t segment = 0;  // The oldest one that it needs.
        std::uint64_t bytes = 0;    // Of the records that it needs.
    };
    struct Broken {
        std::string visit_id;
        std::string reason;
        std::uint64_t number = 0;   // The last one seen.
        std::uint64_t segment = 0;  // The oldest one with a record of it.
    };
    struct Damage {
        std::uint64_t segment = 0;
        std::size_t offset = 0;
        std::size_t bytes = 0;
    };

    std::vector<Visit> visits;  // In the order of their first records.
    std::set<std::string> done;
    std::vector<Broken> broken;
    std::vector<Damage> damages;
    std::size_t torn = 0;  // Segments with a torn line at the end.
    // Visits without an end whose last records may have stood in a damaged place that does not tell
    // whose it was.
    std::set<std::string> doubtful;
};

// Takes the segments in, oldest first.
class LogReader {
  public:
    LogReader();
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;
    ~LogReader();

    void read(std::uint64_t segment, std::string_view text);
    // In place of a segment that nobody can read: whose records stood in it is not known.
    void miss();
    LogContent finish();

  private:
    struct Visit;

    void take(std::uint64_t segment, const LogLine& line, std::size_t bytes);
    void damaged(std::uint64_t segment, std::size_t offset, std::string_view line);
    Visit& visit_of(const std::string& visit_id);
    void judge(Visit& visit);

    std::vector<std::unique_ptr<Visit>> visits_;  // In the order of their first records.
    std::map<std::string, Visit*, std::less<>> index_;
    LogContent content_;
    std::size_t place_ = 0;       // Counts lines over all segments.
    std::size_t last_stray_ = 0;  // Place of the last damage that tells no visit.
    // Damaged lines that still tell their visit and number: number -> place.
    std::map<std::string, std::map<std::uint64_t, std::size_t>> lost_;
};

// All readable records of these visits, by visit and number: what is kept when one is set aside.
// The last reading of a number wins.
using LooseRecords = std::map<std::string, std::map<std::uint64_t, std::string>>;
void collect_records(std::string_view segment_text, LooseRecords& wanted);

}  // namespace runner
