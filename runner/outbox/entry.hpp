// What the outbox knows of one visit; shared by its two sources (recording and delivering).
#pragma once

#include <cstddef>
#include <string>

#include "runner/outbox.hpp"

namespace runner {

struct Outbox::Entry {
    VisitRecords records;
    LogVisitPointer log;
    std::string refused;      // Why the service takes no record of this visit, which still runs.
    std::size_t counted = 0;  // Of waiting_records().
    base::Steady closed_at{};

    // Delivery. Queued at `due`, under way, or neither when there is nothing to deliver.
    base::Steady due{};
    bool queued = false;
    bool delivering = false;
    int failures = 0;  // In a row.
    int resends = 0;   // Of everything, because the service called it incomplete.

    bool has_news() const {
        return records.actions_delivered < records.actions.size() &&
               records.settled[records.actions_delivered];
    }
};

}  // namespace runner
