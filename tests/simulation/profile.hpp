// What a seed decides before the first event: how big the world is, which faults it knows and how
// often, how long it lasts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "tests/simulation/sabotage.hpp"

namespace simulation {

struct Profile {
    std::uint64_t seed = 0;
    Sabotage sabotage = Sabotage::none;

    base::Moment begin{};
    std::size_t steps_max = 3'000'000;    // Past them the world runs in circles.
    std::chrono::milliseconds unrest{0};  // How long faults happen; then all is calm.
    int nodes = 1;
    int personas = 3;
    int concurrency = 2;
    int turns_max = 4;
    std::chrono::seconds lease{60};
    std::chrono::milliseconds heartbeat_every{10'000};
    std::chrono::milliseconds tick_interval{60'000};
    std::chrono::milliseconds tool_limit{10'000};
    std::chrono::milliseconds shutdown_grace{20'000};
    std::chrono::seconds visit_max{600};
    std::chrono::seconds token_life{900};
    std::chrono::milliseconds model_pace{2'000};  // At most, until a reply starts.
    std::chrono::milliseconds disk_pace{0};  // At most, per batch; ten times that now and then.
    std::chrono::seconds spread{0};          // Of starts.
    std::chrono::milliseconds auth_skew{0};  // The service's wall clock against the runners'.

    // Per exchange.
    double refused = 0, vanished = 0, reset_before = 0, reset_after = 0, silent_after = 0;
    double gateway_before = 0, gateway_after = 0, busy = 0, garbled = 0, slow = 0;
    double model_busy = 0;    // Besides, of the model.
    double session_lost = 0;  // Per call of a tool.
    double beat_lost = 0;     // Per heartbeat, besides the above.
    // Per reply of the model.
    double cut = 0, silent_stream = 0, error_event = 0, nonsense = 0, refusal = 0;
    // Per disk step.
    double disk_error = 0, sync_error = 0, crash_on_disk = 0;
    double crash_on_wire = 0;  // Per exchange.
    // Events per hour of unrest and node (crash, stop) or world.
    double crashes = 0, stops = 0, auth_outages = 0, product_outages = 0, model_outages = 0;
    double disk_full = 0, partitions = 0, orphanings = 0, everybody_ticks = 0, clock_steps = 0,
           deletions = 0, pauses = 0, releases = 0, delivery_outages = 0;

    double budget_visit = 0, budget_persona_day = 0, budget_day = 0;  // USD; 0: none.
    std::uint64_t outbox_bytes = 1ULL << 30;
    bool odd_tools = false;      // Tools that are a trial for the tool map, and bad ones.
    bool plain_answers = false;  // The model refuses schemas for its answers.
    bool has_budget() const { return budget_visit + budget_persona_day + budget_day > 0; }

    std::string words() const;  // One line for people.
};

Profile profile_of(std::uint64_t seed, Sabotage sabotage = Sabotage::none);

}  // namespace simulation
