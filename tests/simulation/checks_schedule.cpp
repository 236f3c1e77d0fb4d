// Visits and slots: who is taken when, how visits end, and that every slot is accounted for.
#include <fmt/format.h>

#include "tests/simulation/checks.hpp"

namespace simulation {

// At most one running visit of a persona, and at most one end of a visit.
void Checks::check_standing(const KnownVisit& visit) {
    if (visit.ends > 1) {
        parts_.referee.fail(Invariant::one_end_per_visit,
                            fmt::format("visit {} ended {} times", visit.id, visit.ends));
    }
    if (!visit.running()) return;
    for (const auto& [id, other] : parts_.auth.visits()) {
        const bool beside = other.running() && other.persona == visit.persona && id != visit.id;
        if (!beside) continue;
        parts_.referee.fail(Invariant::one_visit_per_persona,
                            fmt::format("visits {} and {} of {} run", visit.id, id, visit.persona));
    }
}

// Nobody on hold is taken. The crashes are counted anew here.
void Checks::taken(const KnownVisit& taken) {
    parts_.money.taken(taken);
    const Holds& holds = parts_.holds;
    if (holds.paused.contains("") || holds.paused.contains(taken.persona)) {
        parts_.referee.fail(Invariant::holds_hold, taken.persona + " is paused and is taken");
    }
    if (taken.started_at < taken.slot) {
        parts_.referee.fail(Invariant::never_early, taken.persona + " is taken before her slot");
    }
    const auto released = holds.released.find(taken.persona);
    std::map<base::Moment, int> crashes;
    for (const auto& [id, visit] : parts_.auth.visits()) {
        const bool counts = visit.crashed && visit.persona == taken.persona &&
                            (released == holds.released.end() || visit.ended_at > released->second);
        if (counts && ++crashes[visit.slot] >= 3) {
            parts_.referee.fail(Invariant::holds_hold,
                                taken.persona + " is in quarantine and is taken");
        }
    }
}

void Checks::check_schedule(const KnownPersona& persona) {
    if (persona.deleted) return;
    if (persona.not_before && persona.next_due < *persona.not_before) {
        parts_.referee.fail(Invariant::not_due_at_once,
                            persona.name + " is due again at once after a day that went wrong");
    }
    check_slots(persona);
}

// Every slot of hers is being lived, was lived, waits to be tried again or is in the ledger, none
// of them is both lived and in the ledger, and none is left out.
void Checks::check_slots(const KnownPersona& persona) {
    struct Tried {
        int attempts = 0;
        bool lived = false, running = false;
    };
    std::map<base::Moment, Tried> slots;
    std::set<base::Moment> told, counted{persona.next_due};
    for (const SkippedSlot& skipped : parts_.auth.ledger()) {
        if (skipped.persona == persona.id) told.insert(skipped.slot);
    }
    for (const auto& [id, visit] : parts_.auth.visits()) {
        if (visit.persona != persona.id) continue;
        Tried& tried = slots[visit.slot];
        tried.attempts += visit.handed_back ? 0 : 1;
        tried.lived = tried.lived || visit.status == "finished" || !visit.actions.empty();
        tried.running = tried.running || visit.running();
        counted.insert(visit.slot);
        counted.insert(visit.started_at);
    }
    counted.insert(told.begin(), told.end());
    for (const auto& [slot, tried] : slots) {
        const auto name = [&] { return persona.name + "'s slot of " + base::to_iso(slot); };
        if (tried.attempts > 3) {
            parts_.referee.fail(Invariant::attempts_are_few,
                                fmt::format("{} was tried {} times", name(), tried.attempts));
        }
        if (tried.lived && told.contains(slot)) {
            parts_.referee.fail(Invariant::slots_are_counted, name() + " was lived and given up");
        }
        const bool is_open = tried.lived || tried.running || persona.retry_slot == slot;
        if (!is_open && !told.contains(slot)) {
            parts_.referee.fail(Invariant::slots_are_counted,
                                name() + " was given up without a word");
        }
    }
    for (auto next = counted.begin(), slot = next++; next != counted.end(); slot = next++) {
        if (*next <= AuthService::slot_limit(persona, *slot)) continue;
        parts_.referee.fail(Invariant::slots_are_counted,
                            fmt::format("nothing is known of {}'s slots between {} and {}",
                                        persona.name, base::to_iso(*slot), base::to_iso(*next)));
    }
}

}  // namespace simulation
