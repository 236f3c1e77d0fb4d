#include "tests/simulation/checks.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

namespace simulation {

namespace {

// Deliveries at once, heartbeat, claim, and what a visit asks besides its own request.
constexpr int requests_beside = 10;
constexpr int requests_of_a_visit = 2;
// Outcomes, ratings and ends of running visits are always taken; visits that live long are written
// anew before their old records go.
constexpr std::uint64_t outbox_beyond = 24U << 10;

}  // namespace

void Checks::after_step(const std::vector<const Process*>& living) {
    for (const Process* process : living) check_process(*process);
    if (!parts_.auth.has_news()) return;
    const AuthNews news = parts_.auth.take_news();
    for (const std::string& id : news.visits) check_standing(*parts_.auth.visit(id));
    for (const auto& [visit, seq] : news.rows) check_row(*parts_.auth.visit(visit), seq);
    for (const auto& [visit, module] : news.ratings) {
        check_rating(*parts_.auth.visit(visit), module);
    }
    for (const std::string& id : news.told) check_told(*parts_.auth.visit(id));
    for (const std::string& id : news.personas) check_schedule(parts_.auth.personas().at(id));
}

void Checks::at_end(int nodes) {
    check_set_aside(nodes);
    for (const auto& [id, persona] : parts_.auth.personas()) check_schedule(persona);
    for (const auto& [id, visit] : parts_.auth.visits()) {
        check_standing(visit);
        if (visit.ends != 1) {
            parts_.referee.fail(Invariant::one_end_per_visit,
                                fmt::format("visit {} ended {} times", id, visit.ends));
        }
        for (const auto& [seq, row] : visit.actions) check_row(visit, seq);
        for (const auto& [module, row] : visit.ratings) check_rating(visit, module);
        if (!is_excused(visit) && visit.end_text.empty() && parts_.disks.holds_end(id)) {
            parts_.referee.fail(Invariant::everything_drains,
                                fmt::format("the end of visit {} was on disk and is not told", id));
        }
    }
    for (const auto& [key, call] : parts_.product.committed()) {
        const KnownVisit* visit = parts_.auth.visit(key.first);
        const bool excused = visit == nullptr || is_excused(*visit);
        if (excused || visit->actions.contains(key.second)) continue;
        parts_.referee.fail(
            Invariant::rows_match_calls,
            fmt::format("call {}/{} was executed and has no row", key.first, key.second));
    }
}

// Deleted with its persona, or its records lost bytes on the disk.
bool Checks::is_excused(const KnownVisit& visit) const {
    return visit.status == "deleted" || parts_.auth.personas().at(visit.persona).deleted ||
           parts_.disks.damaged().contains(visit.id);
}

// --- processes ----------------------------------------------------------------------------------

void Checks::check_process(const Process& process) {
    const Caller caller = process.caller();
    const auto too_much = [&](const std::string& what,
                              Referee::Place where = Referee::Place::current()) {
        const std::string text = fmt::format("node{}.{} has {}", caller.node, caller.life, what);
        parts_.referee.fail(Invariant::nothing_unbounded, text, where);
    };
    const auto running = static_cast<int>(process.scheduler().running());
    if (running > parts_.profile.concurrency) too_much(fmt::format("{} visits at once", running));
    const int open = parts_.network.open_of(caller);
    if (open > requests_of_a_visit * parts_.profile.concurrency + requests_beside) {
        too_much(fmt::format("{} requests under way", open));
    }
    if (process.outbox().bytes() > parts_.profile.outbox_bytes + outbox_beyond) {
        too_much(fmt::format("{} bytes in its outbox", process.outbox().bytes()));
    }
}

// A call leaves only when it must end before the runner's right does.
void Checks::call_leaves(Caller caller, base::Duration limit) {
    const std::optional<base::Moment> until = parts_.auth.lease_of(caller);
    if (until && parts_.auth.now() + limit <= *until) return;
    parts_.referee.fail(
        Invariant::no_call_after_lease,
        fmt::format("a call of node{}.{} leaves too late", caller.node, caller.life));
}

// What the product did for the visit is on disk, outcome and all, before the next turn starts.
void Checks::turn_starts(Caller caller, const std::string& persona) {
    const KnownVisit* visit = parts_.auth.latest_visit_of(caller, persona);
    if (visit == nullptr) return;
    const auto& committed = parts_.product.committed();
    auto call = committed.lower_bound({visit->id, 0});
    for (; call != committed.end() && call->first.first == visit->id; ++call) {
        if (parts_.disks.holds_outcome(caller, visit->id, call->first.second)) continue;
        parts_.referee.fail(Invariant::outcome_before_turn,
                            fmt::format("call {}/{}", visit->id, call->first.second));
    }
}

// Nothing is set aside but what the disk damaged and what belongs to deleted personas.
void Checks::check_set_aside(int nodes) {
    const auto& personas = parts_.auth.personas();
    const bool deleted = std::any_of(personas.begin(), personas.end(),
                                     [](const auto& persona) { return persona.second.deleted; });
    for (int node = 1; node <= nodes; ++node) {
        const std::pair<const char*, bool> places[] = {{"broken", !parts_.disks.damaged().empty()},
                                                       {"rejected", deleted}};
        for (const auto& [name, allowed] : places) {
            const auto folder = parts_.disks.folder(node) / name;
            if (allowed || !std::filesystem::exists(folder)) continue;
            for (const auto& item : std::filesystem::directory_iterator(folder)) {
                parts_.referee.fail(
                    Invariant::everything_drains,
                    fmt::format("{} was set aside in {}", item.path().filename().string(), name));
            }
        }
    }
}

}  // namespace simulation
