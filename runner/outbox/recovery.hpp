// What an earlier process left in the outbox's folder. Damage is settled here: a visit with a
// damaged or missing record is set aside in broken/ with all of its records that can be read and
// the reason; a damaged segment gets a second name there, so that a person finds its bytes; one
// that the disk does not let us read at all is moved there. All other visits are answered whole.
// Blocking; before the loop runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "runner/outbox/aside.hpp"
#include "runner/outbox/disk.hpp"
#include "runner/outbox/records.hpp"

namespace runner {

struct RecoveredVisit {
    VisitRecords records;
    std::uint64_t number = 0;       // Of its last record in the log; 0: it is not in the log.
    std::uint64_t segment = 0;      // The oldest one that it needs.
    std::uint64_t bytes = 0;        // Of its records in the log.
    std::filesystem::path file;     // Where an earlier version kept it; empty for those of the log.
    bool may_lack_records = false;  // Its last ones may have stood in a damaged place.
};

// A visit whose records are set aside; the log is to say that it is done.
struct BrokenVisit {
    std::string visit_id;
    std::uint64_t number = 0;
    bool is_kept = false;       // broken/ holds it. Else its segments must stay.
    std::uint64_t segment = 0;  // The oldest one with a record of it.
};

struct Recovered {
    std::vector<RecoveredVisit> visits;
    std::vector<BrokenVisit> broken;
    std::map<std::uint64_t, std::uint64_t> segments;  // Number -> bytes.
    std::uint64_t newest = 0;  // Highest number of a segment, those in broken/ included.
    AsideCount aside;          // By earlier starts, too.
};

// Makes the folders when they are missing (0700). Throws Failure::unavailable when one cannot be
// made, or when a segment is closed to us for a reason that is not damage (rights, descriptors):
// whoever mends that loses nothing.
Recovered recover_outbox(const Disk& disk, const std::filesystem::path& folder,
                         base::Metrics& metrics);

}  // namespace runner
