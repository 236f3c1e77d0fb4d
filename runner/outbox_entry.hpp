// What the outbox knows of one visit; shared by its two sources (writing and delivering).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runner/outbox.hpp"

namespace runner {

struct Outbox::Entry {
    VisitRecords records;
    std::shared_ptr<VisitFile> file;
    std::uint64_t written = 0;  // Tickets up to here are on disk.
    std::uint64_t last_ticket = 0;
    std::string disk_error;
    std::string refused;  // Why the service takes no record of this visit, which still runs.
    base::Steady changed_at{};
    bool delivering = false;
    int resends = 0;
};

}  // namespace runner
