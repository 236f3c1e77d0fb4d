// What the runner's wire tests live in: an auth service, a product and a model that the test
// scripts, and the runner's own parts on a real loop in real time.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/server.hpp"
#include "base/worker.hpp"
#include "runner/lease.hpp"
#include "runner/outbox.hpp"
#include "runner/visit.hpp"
#include "tests/runner/scripted_auth.hpp"
#include "tests/runner/scripted_model.hpp"
#include "tests/runner/scripted_product.hpp"
#include "tests/runner/temp_folder.hpp"

namespace runner_tests {

inline base::Task<void> poll_until(base::Loop& loop, std::function<bool()> condition) {
    while (!condition()) co_await loop.sleep(std::chrono::milliseconds{1});
}

inline base::Task<void> settle_failure(base::Task<void> task, std::string* reason) {
    try {
        co_await task;
    } catch (const base::Failure& failure) {
        *reason = failure.what();
    }
}

struct WorldOptions {
    std::chrono::seconds lease{60};
    std::chrono::milliseconds heartbeat_every{10'000};
    std::string claude_url;  // Empty: the scripted model.
    clients::PlacesOptions places;
    runner::DiskFaults disk_faults;  // Of the outbox; called on its worker's thread.
};

struct RunnerWorld {
    explicit RunnerWorld(WorldOptions options = {})
        : lease_options{.node = "node-1",
                        .length = options.lease,
                        .heartbeat_every = options.heartbeat_every,
                        .retry_every = std::chrono::milliseconds{10}},
          disk_faults(options.disk_faults),
          claude(http,
                 {.base_url = options.claude_url.empty() ? model.url() : options.claude_url,
                  .api_key = base::Secret{"sk-sim-test"},
                  .retry = {.attempts_max = 2, .backoff_base = std::chrono::milliseconds{2}},
                  .traffic = {.places = options.places}},
                 metrics, random) {}

    // Runs the loop until the condition holds; every wait ends.
    [[nodiscard]] bool until(std::function<bool()> condition) {
        return run(loop.within(std::chrono::seconds{20}, poll_until(loop, std::move(condition))));
    }
    bool run(base::Task<bool> task) { return loop.run(std::move(task)).value_or(false); }
    // The reason of a task that fails; empty when it does not.
    std::string failure_of(base::Task<void> task) {
        std::string reason;
        loop.run(settle_failure(std::move(task), &reason));
        return reason;
    }
    void hold_lease() {
        background.add(lease.keep([this](const std::string& reason) {
            losses.push_back(reason);
            if (on_lost) on_lost(reason);
        }));
        EXPECT_TRUE(until([this] { return lease.is_held(); }));
    }
    runner::Services services() {
        return {loop, auth, claude, mcp, outbox, lease, prices, metrics, random, logins};
    }
    runner::VisitOptions visit_options() {
        return {.servers = {{.url = product.url() + "/mcp"}}, .seed = 1, .keep_inputs = true};
    }

    base::SystemClock clock;
    base::Loop loop{clock};
    base::Metrics metrics;
    base::Random random{1};
    TempFolder folder;
    ScriptedAuth service;
    ScriptedProduct product;
    ScriptedModel model;
    runner::LeaseOptions lease_options;
    const runner::DiskFaults disk_faults;
    base::Http http{loop, {.shards = 2}};
    clients::Auth auth{http, {.url = service.url(), .service_key = base::Secret{"key"}}};
    clients::Claude claude;
    clients::Mcp mcp{http, {}, metrics};
    catalog::Prices prices = catalog::shipped_prices();
    base::Worker disk{loop};
    runner::Outbox outbox{loop, disk, auth, outbox_options(), metrics, random};
    runner::Lease lease{loop, auth, lease_options, metrics, random};
    runner::Logins logins{loop, auth, {.seed_secret = base::Secret{"seed"}}, metrics};
    std::vector<std::string> losses;
    std::function<void(const std::string&)> on_lost;
    base::Group background{loop};

    runner::OutboxOptions outbox_options() const {
        return {.folder = folder.path() / "outbox",
                .deliver_every = std::chrono::milliseconds{5},
                .retry_base = std::chrono::milliseconds{2},
                .retry_cap = std::chrono::milliseconds{8},
                .disk_retry = std::chrono::milliseconds{20},
                .tidy_after = std::chrono::milliseconds{5},
                .disk_faults = disk_faults};
    }
};

}  // namespace runner_tests
