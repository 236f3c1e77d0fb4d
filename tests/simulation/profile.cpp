#include "tests/simulation/profile.hpp"

#include <fmt/format.h>

#include "tests/simulation/dice.hpp"

namespace simulation {

namespace {

using namespace std::chrono_literals;

// Most worlds know some of the faults, so that each fault is also seen alone.
double sometimes(Dice& dice, double share, double most) {
    return dice.chance(share) ? most * dice.random().number01() : 0.0;
}

void choose_wire_faults(Profile& profile, Dice& dice) {
    profile.refused = sometimes(dice, 0.5, 0.08);
    profile.vanished = sometimes(dice, 0.3, 0.04);
    profile.reset_before = sometimes(dice, 0.4, 0.06);
    profile.reset_after = sometimes(dice, 0.5, 0.08);
    profile.silent_after = sometimes(dice, 0.3, 0.03);
    profile.gateway_before = sometimes(dice, 0.4, 0.05);
    profile.gateway_after = sometimes(dice, 0.4, 0.05);
    profile.busy = sometimes(dice, 0.5, 0.10);
    profile.garbled = sometimes(dice, 0.3, 0.03);
    profile.slow = sometimes(dice, 0.4, 0.10);
    profile.session_lost = sometimes(dice, 0.4, 0.15);
    profile.beat_lost = sometimes(dice, 0.4, 0.30);
}

void choose_model_faults(Profile& profile, Dice& dice) {
    profile.cut = sometimes(dice, 0.4, 0.15);
    profile.silent_stream = sometimes(dice, 0.2, 0.05);
    profile.error_event = sometimes(dice, 0.4, 0.10);
    profile.nonsense = sometimes(dice, 0.3, 0.05);
    profile.refusal = sometimes(dice, 0.4, 0.10);
}

void choose_process_faults(Profile& profile, Dice& dice) {
    profile.disk_error = sometimes(dice, 0.2, 0.01);
    profile.sync_error = sometimes(dice, 0.15, 0.01);
    profile.crash_on_disk = sometimes(dice, 0.3, 0.01);
    profile.crash_on_wire = sometimes(dice, 0.3, 0.01);
    profile.crashes = sometimes(dice, 0.4, 6);
    profile.stops = sometimes(dice, 0.3, 4);
    profile.auth_outages = sometimes(dice, 0.4, 3);
    profile.product_outages = sometimes(dice, 0.3, 3);
    profile.model_outages = sometimes(dice, 0.3, 3);
    profile.disk_full = sometimes(dice, 0.25, 3);
    profile.partitions = sometimes(dice, 0.3, 4);
    profile.orphanings = sometimes(dice, 0.4, 8);
    profile.everybody_ticks = sometimes(dice, 0.7, 20);
    profile.clock_steps = sometimes(dice, 0.2, 3);
    profile.deletions = sometimes(dice, 0.15, 2);
    profile.pauses = sometimes(dice, 0.3, 4);
    profile.releases = sometimes(dice, 0.5, 3);
    profile.delivery_outages = sometimes(dice, 0.2, 4);
}

}  // namespace

Profile profile_of(std::uint64_t seed, Sabotage sabotage) {
    Dice dice(seed, 1);
    Profile profile;
    profile.seed = seed;
    profile.sabotage = sabotage;
    // 2026-11-20 is a Friday.
    const base::Moment friday = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};
    profile.begin = friday + std::chrono::minutes(dice.between(0, 7 * 24 * 60));
    profile.unrest = dice.time(15min, 50min);
    profile.nodes = dice.chance(0.5) ? 1 : dice.between(2, 3);
    profile.personas = dice.between(2, 5);
    profile.concurrency = dice.between(1, 3);
    profile.turns_max = dice.between(2, 5);
    if (dice.chance(0.4)) profile.model_pace = dice.time(5s, 40s);
    profile.disk_pace = dice.chance(0.3) ? 0ms : dice.time(1ms, dice.chance(0.3) ? 400ms : 20ms);
    profile.auth_skew = dice.time(-5min, 5min);
    profile.token_life = std::chrono::seconds(dice.chance(0.3) ? 120 : 900);
    if (dice.chance(0.3)) profile.visit_max = 120s;
    choose_wire_faults(profile, dice);
    choose_model_faults(profile, dice);
    choose_process_faults(profile, dice);
    if (dice.chance(0.4)) {
        profile.budget_visit = dice.chance(0.6) ? 0.08 + 0.4 * dice.random().number01() : 0;
        profile.budget_persona_day = dice.chance(0.4) ? 0.2 + dice.random().number01() : 0;
        profile.budget_day = dice.chance(0.6) ? 0.2 + 3 * dice.random().number01() : 0;
        // Days of money end while visits run.
        if (dice.chance(0.3)) {
            profile.begin = std::chrono::ceil<std::chrono::days>(profile.begin) -
                            std::chrono::minutes(dice.between(5, 25));
            profile.model_pace = dice.time(5s, 40s);
        }
    }
    if (dice.chance(0.1))
        profile.outbox_bytes = static_cast<std::uint64_t>(dice.between(8, 32)) << 10;
    profile.odd_tools = dice.chance(0.5);
    profile.plain_answers = dice.chance(0.2);
    // A model that is busy nearly always, as at the end of every month.
    if (dice.chance(0.08)) profile.model_busy = 0.5;
    if (dice.chance(0.4)) profile.spread = std::chrono::seconds(dice.between(1, 1'200));
    if (dice.chance(0.08)) {
        // One persona after the other loses her runner until she is in quarantine.
        profile.crashes = 60;
        profile.model_pace = 30s;
    }
    if (dice.chance(0.04)) {
        // From Friday evening into Monday, at a pace that a test can afford.
        profile.begin = friday + 20h;
        profile.unrest = 64h;
        profile.lease = 1'800s;
        profile.heartbeat_every = 600s;
        profile.tick_interval = 900s;
        profile.personas = 3;
        profile.nodes = 1;
        for (double* rare :
             {&profile.crashes, &profile.stops, &profile.auth_outages, &profile.product_outages,
              &profile.model_outages, &profile.disk_full, &profile.partitions, &profile.orphanings,
              &profile.everybody_ticks, &profile.clock_steps, &profile.deletions, &profile.pauses,
              &profile.releases, &profile.delivery_outages}) {
            *rare /= 100;
        }
    }
    return profile;
}

std::string Profile::words() const {
    std::string text = fmt::format(
        "nodes={} personas={} concurrency={} turns={} unrest={}min lease={}s visit={}s token={}s "
        "disk={}ms model={}ms spread={}s",
        nodes, personas, concurrency, turns_max,
        std::chrono::duration_cast<std::chrono::minutes>(unrest).count(), lease.count(),
        visit_max.count(), token_life.count(), disk_pace.count(), model_pace.count(),
        spread.count());
    if (odd_tools) text += " odd_tools";
    if (plain_answers) text += " plain_answers";
    if (outbox_bytes < (1U << 20)) text += fmt::format(" outbox={}K", outbox_bytes >> 10);
    const std::pair<const char*, double> rates[] = {{"refused", refused},
                                                    {"vanished", vanished},
                                                    {"reset_before", reset_before},
                                                    {"reset_after", reset_after},
                                                    {"silent_after", silent_after},
                                                    {"gateway_before", gateway_before},
                                                    {"gateway_after", gateway_after},
                                                    {"busy", busy},
                                                    {"model_busy", model_busy},
                                                    {"garbled", garbled},
                                                    {"slow", slow},
                                                    {"session_lost", session_lost},
                                                    {"beat_lost", beat_lost},
                                                    {"cut", cut},
                                                    {"silent_stream", silent_stream},
                                                    {"error_event", error_event},
                                                    {"nonsense", nonsense},
                                                    {"refusal", refusal},
                                                    {"disk_error", disk_error},
                                                    {"sync_error", sync_error},
                                                    {"crash_on_disk", crash_on_disk},
                                                    {"crash_on_wire", crash_on_wire},
                                                    {"crashes", crashes},
                                                    {"stops", stops},
                                                    {"auth_outages", auth_outages},
                                                    {"product_outages", product_outages},
                                                    {"model_outages", model_outages},
                                                    {"disk_full", disk_full},
                                                    {"partitions", partitions},
                                                    {"orphanings", orphanings},
                                                    {"everybody_ticks", everybody_ticks},
                                                    {"clock_steps", clock_steps},
                                                    {"deletions", deletions},
                                                    {"pauses", pauses},
                                                    {"releases", releases},
                                                    {"delivery_outages", delivery_outages},
                                                    {"budget_visit", budget_visit},
                                                    {"budget_persona_day", budget_persona_day},
                                                    {"budget_day", budget_day}};
    for (const auto& [name, rate] : rates) {
        if (rate > 0) text += fmt::format(" {}={:.3f}", name, rate);
    }
    return text;
}

}  // namespace simulation
