// What a seed decides before the first event: how big the world is, which faults it knows and how
// often, how long it lasts. And the deliberate breaks of a promise that prove that the referee sees
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace simulation {

// The far end (or the disk) breaks its own promise, so that an invariant does not hold although the
// runner is right. Each must be noticed; see simulation_test.cpp.
enum class Sabotage {
    none,
    runs_calls_twice,     // The product executes a call twice.
    runs_refused_calls,   // … executes a call and says 503.
    forgets_rows,         // The auth service confirms action rows that it does not keep.
    forgets_ends,         // … confirms a finish and lets the visit run on.
    ends_twice,           // … ends a visit, and again when its runner dies.
    two_visits_at_once,   // … hands out a persona who is on a visit.
    short_leases,         // … lets runners die long before their lease is over.
    due_again_at_once,    // … makes a persona due at once after a failed or lost visit.
    refuses_for_ever,     // … never takes rows of some visits.
    ignores_holds,        // … hands out who is paused or in quarantine.
    tries_for_ever,       // … counts every attempt as the first.
    forgets_skipped,      // … keeps no ledger of slots that were given up.
    gives_up_lived,       // … writes lived slots into it as well.
    takes_early,          // … hands out personas before their slot.
    mishears_paths,       // … understands another call than was made.
    loses_end_texts,      // The auth service ends visits and forgets what the end said.
    loses_outcomes,       // The disk keeps no outcome of a call, whatever it says.
    disk_lies,            // The disk says synced and is not.
    scores_from_nowhere,  // The model's ratings are not the ones it is known to have given.
    history_rewritten,    // The model remembers another reply than it streamed.
    waits_unsaid,         // The model demands a wait without telling it.
};

struct Profile {
    std::uint64_t seed = 0;
    Sabotage sabotage = Sabotage::none;

    base::Moment begin{};
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
           deletions = 0, pauses = 0, releases = 0;

    std::string words() const;  // One line for people.
};

Profile profile_of(std::uint64_t seed, Sabotage sabotage = Sabotage::none);

}  // namespace simulation
