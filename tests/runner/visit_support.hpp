// What the visit's wire tests share: one claimed visit, lived against scripted services.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "runner/visit.hpp"
#include "tests/runner/outbox_disk_view.hpp"
#include "tests/runner/runner_world.hpp"

namespace runner_tests {

inline clients::ClaimedVisit visit_claimed() {
    clients::ClaimedVisit claimed;
    claimed.visit_id = "visit-1";
    claimed.time_left = std::chrono::minutes{10};
    claimed.persona.user_id = "user-1";
    claimed.persona.email = "persona.anna@mana.test";
    claimed.persona.name = "Anna";
    claimed.persona.system_prompt = "Du bist Anna und lebst in Bremen.";
    claimed.persona.module_mix = {{"todo", 0.7}, {"notes", 0.3}};
    return claimed;
}

inline base::Task<void> live_visit(runner::Visit& visit, std::string* error) {
    try {
        co_await visit.run();
    } catch (const base::Failure& failure) {
        *error = failure.what();
        visit.give_up(failure.what(),
                      runner::source_of(visit.progress().waiting_for, failure.kind()));
    }
}

struct VisitRoom : RunnerWorld {
    explicit VisitRoom(runner_tests::WorldOptions world = {}) : RunnerWorld(std::move(world)) {
        options = visit_options();
        hold_lease();
    }
    // Lives the visit; answers what it left in the outbox.
    runner::VisitRecords live() {
        runner::Visit visit(services(), options, visit_claimed());
        loop.run(live_visit(visit, &error));
        progress = visit.progress();
        const runner::VisitRecords* left = outbox.find("visit-1");
        EXPECT_NE(left, nullptr);
        EXPECT_TRUE(left && left->end);
        return left ? *left : runner::VisitRecords{};
    }
    // What a process would find that starts now. Any thread.
    runner::VisitRecords on_disk() const {
        return visits_on_disk(folder.path() / "outbox").at("visit-1");
    }
    // The answers to tool calls in a request to the model, by id.
    static std::map<std::string, base::Json> answers(const base::Json& turn) {
        std::map<std::string, base::Json> found;
        for (const base::Json& message : turn.at("messages")) {
            if (!message.at("content").is_array()) continue;
            for (const base::Json& block : message.at("content")) {
                if (block.at("type") == "tool_result") found[block.at("tool_use_id")] = block;
            }
        }
        return found;
    }

    runner::VisitOptions options;
    runner::VisitProgress progress;
    std::string error;
};

}  // namespace runner_tests
