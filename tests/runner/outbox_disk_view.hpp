// What the outbox's log says to whoever starts with that folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "runner/outbox/disk.hpp"
#include "runner/outbox/log_form.hpp"
#include "runner/outbox/segments.hpp"

namespace runner_tests {

inline runner::LogContent log_on_disk(const std::filesystem::path& folder) {
    runner::LogReader reader;
    for (const auto& [number, bytes] : runner::segments_in(folder)) {
        reader.read(number, runner::read_all_there_is(runner::segment_path(folder, number)));
    }
    return reader.finish();
}

// Visits that are not done.
inline std::map<std::string, runner::VisitRecords> visits_on_disk(
    const std::filesystem::path& folder) {
    std::map<std::string, runner::VisitRecords> visits;
    for (auto& visit : log_on_disk(folder).visits) {
        const std::string id = visit.records.visit_id;
        visits[id] = std::move(visit.records);
    }
    return visits;
}

}  // namespace runner_tests
