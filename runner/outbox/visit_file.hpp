// The form of a file that holds one visit: a guarded line per record (see frame.hpp, records.hpp).
// Visits that were set aside in rejected/ and broken/ are kept this way, and earlier versions kept
// every visit so.
//
// Pure: text in, visit out. A line torn at the end of the file (we died while writing) is left out;
// damage anywhere else makes the file unreadable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runner/outbox/records.hpp"

namespace runner {

std::string visit_file_text(const VisitRecords& visit);

struct VisitFile {
    VisitRecords visit;
    std::size_t bytes_read = 0;  // Up to the last whole line; what follows was torn.
    bool torn = false;
};

// A file that was cut before its first line was whole holds no visit: the id is empty. Throws
// Failure::invalid naming the line when a line before the last is damaged, the first is no header,
// or the records contradict each other.
VisitFile read_visit_file(std::string_view text);

}  // namespace runner
