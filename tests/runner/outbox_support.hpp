// What the outbox's wire tests share: records of all kinds, and an outbox between a real disk and a
// scripted service.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runner/outbox/frame.hpp"
#include "runner/outbox/log_form.hpp"
#include "tests/runner/outbox_disk_view.hpp"
#include "tests/runner/runner_world.hpp"

namespace runner_tests {

inline runner::VisitRecords outbox_visit(const std::string& id) {
    runner::VisitRecords visit;
    visit.visit_id = id;
    visit.user_id = "user-" + id;
    visit.persona = "anna";
    // The file keeps milliseconds.
    visit.started_at = std::chrono::floor<std::chrono::milliseconds>(base::SystemClock().now());
    return visit;
}

inline catalog::Action outbox_action(const std::string& visit, int seq,
                                     const std::string& module = "todo") {
    catalog::Action action;
    action.visit_id = visit;
    action.seq = seq;
    action.module = module;
    action.tool = module + ".create";
    action.input_hash = "ab";
    return action;
}

inline catalog::Action outbox_settled(
    catalog::Action action, catalog::Action::Outcome outcome = catalog::Action::Outcome::ok) {
    action.outcome = outcome;
    action.latency_ms = 5;
    if (outcome == catalog::Action::Outcome::error) action.error_message = "nein";
    return action;
}

inline catalog::Rating outbox_rating(const std::string& visit, const std::string& module = "todo") {
    catalog::Rating rating;
    rating.visit_id = visit;
    rating.module = module;
    rating.status = catalog::Rating::Status::rated;
    rating.score = 4;
    return rating;
}

inline catalog::VisitEnd outbox_end() {
    catalog::VisitEnd end;
    end.status = catalog::VisitEnd::Status::finished;
    end.reason = "end_turn";
    return end;
}

// The lines of a visit as they stand in a file of its own, or in the log.
inline std::string file_lines_of(const std::vector<std::string>& records) {
    std::string text;
    for (const std::string& record : records) runner::append_guarded(text, record);
    return text;
}
inline std::vector<std::string> log_lines_of(const std::string& visit,
                                             const std::vector<std::string>& records,
                                             std::uint64_t first_number = 1) {
    std::vector<std::string> lines;
    for (const std::string& record : records) {
        runner::append_log_line(lines.emplace_back(), visit, first_number++, record);
    }
    return lines;
}

inline std::string outbox_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline std::vector<std::string> outbox_files(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& item : std::filesystem::directory_iterator(folder)) {
        if (item.is_regular_file()) names.push_back(item.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class OutboxWire : public testing::Test {
  protected:
    void deliver() { world.background.add(world.outbox.deliver()); }
    // Puts a whole visit with so many settled actions.
    void put_visit(const std::string& id, int actions) {
        world.loop.run(world.outbox.open(outbox_visit(id)));
        for (int seq = 1; seq <= actions; ++seq) put_action(id, seq);
        world.loop.run(world.outbox.close(id, {outbox_rating(id)}, outbox_end()));
    }
    void put_action(const std::string& id, int seq) {
        world.loop.run(world.outbox.put_intent(outbox_action(id, seq)));
        world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action(id, seq))));
    }
    [[nodiscard]] bool delivered() {
        return world.until(
            [this] { return world.outbox.waiting_visits() == 0 && outbox_files(folder).empty(); });
    }
    std::vector<std::string> calls() const {
        std::vector<std::string> names;
        for (const auto& call : world.service.calls()) names.push_back(call.name);
        return names;
    }

    RunnerWorld world;
    const std::filesystem::path folder = world.folder.path() / "outbox";
};

}  // namespace runner_tests
