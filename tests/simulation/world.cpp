#include "tests/simulation/world.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t jumps_max = 3'000'000;  // Past it the world runs in circles.
// Every orphan is reaped by its deadline, the grace past it and a heartbeat; retries take their
// longest wait meanwhile.
constexpr std::chrono::minutes rest_limit{60};
constexpr std::chrono::minutes claim_patience{5};

}  // namespace

World::World(const Profile& profile, bool print)
    : profile_(profile),
      clock_(profile.begin),
      trace_(clock_, print),
      referee_(trace_),
      dice_(profile.seed, 7),
      loop_(clock_),
      disks_(profile_, trace_),
      network_(loop_, profile_, trace_, referee_),
      auth_(clock_, profile_, trace_, referee_),
      product_(profile_, network_, auth_, disks_, trace_, referee_),
      model_(profile_, network_, auth_, trace_, referee_),
      harms_(loop_),
      keepers_(loop_) {
    network_.connect(Place::auth, auth_);
    network_.connect(Place::product, product_);
    network_.connect(Place::model, model_);
    network_.crash = [this](Caller caller) { kill(caller); };
    disks_.crash = [this](Caller caller) { kill(caller); };
    clock_.stuck = [this] {
        referee_.fail(Invariant::everything_drains, "the loop turns and no time passes");
        loop_.stop();
    };
    network_.before_call = [this](Caller caller, base::Duration limit) {
        check_call_leaves(caller, limit);
    };
    model_.before_turn = [this](Caller caller, const std::string& persona) {
        check_outcomes(caller, persona);
    };
    auth_.on_taken = [this](const KnownVisit& visit) { check_taken(visit); };
    clock_.before_jump = [this](bool has_timer) { check_step(has_timer); };
}

World::~World() = default;

Outcome World::run() {
    trace_.add("seed {} {}", profile_.seed, profile_.words());
    for (int i = 1; i <= profile_.nodes; ++i) {
        nodes_.push_back(std::make_unique<Node>(Node{.number = i}));
        keepers_.add(keep_node(*nodes_.back()));
    }
    loop_.run(history());
    check_end();
    Outcome outcome{.hash = trace_.hash(),
                    .events = trace_.events(),
                    .violations = referee_.violations(),
                    .recent = std::move(first_trouble_),
                    .calls = static_cast<int>(product_.committed().size())};
    for (const auto& [id, visit] : auth_.visits()) {
        ++outcome.visits;
        outcome.finished += visit.status == "finished";
        outcome.lost += visit.status == "lost";
        for (const auto& [module, row] : visit.ratings) outcome.ratings += row["status"] == "rated";
    }
    for (const auto& node : nodes_) outcome.lives += node->life;
    return outcome;
}

base::Task<void> World::history() {
    harms_.add(unrest(profile_.crashes, &World::do_crash));
    harms_.add(unrest(profile_.stops, &World::do_stop));
    harms_.add(unrest(profile_.auth_outages, &World::do_auth_outage));
    harms_.add(unrest(profile_.product_outages, &World::do_product_outage));
    harms_.add(unrest(profile_.model_outages, &World::do_model_outage));
    harms_.add(unrest(profile_.disk_full, &World::do_disk_full));
    harms_.add(unrest(profile_.partitions, &World::do_partition));
    harms_.add(unrest(profile_.orphanings, &World::do_orphaning));
    harms_.add(unrest(profile_.everybody_ticks, &World::do_everybody));
    harms_.add(unrest(profile_.clock_steps, &World::do_clock_step));
    harms_.add(unrest(profile_.deletions, &World::do_deletion));
    harms_.add(unrest(profile_.pauses, &World::do_pause));
    harms_.add(unrest(profile_.releases, &World::do_release));
    co_await loop_.sleep(profile_.unrest);

    harms_.drop_all();
    network_.set_calm(true);
    disks_.set_calm(true);
    trace_.add("calm");
    for (const std::string& id : paused_) auth_.resume(id);
    paused_.clear();
    do_release();
    // Whoever is due is taken on a visit by a healthy fleet, …
    const base::Steady claims_until = loop_.now() + rest_limit;
    co_await loop_.sleep(profile_.tick_interval * 3);
    while (!auth_.overdue(claim_patience).empty() && loop_.now() < claims_until) {
        co_await loop_.sleep(profile_.tick_interval);
    }
    const auto overdue = auth_.overdue(claim_patience);
    if (!overdue.empty()) {
        referee_.fail(Invariant::everything_drains,
                      fmt::format("{} is due and nobody comes for her", overdue.front()));
    }
    // … and when no more are taken, everything is told and confirmed.
    ending_ = true;
    for (const auto& node : nodes_) {
        if (node->process) node->process->scheduler().stop_claiming();
    }
    trace_.add("no more visits");
    const base::Steady rest_until = loop_.now() + rest_limit + profile_.lease;
    while (!is_at_rest() && loop_.now() < rest_until) co_await loop_.sleep(5s);
    if (!is_at_rest()) referee_.fail(Invariant::everything_drains, restlessness());
    keepers_.drop_all();
    for (const auto& node : nodes_) node->process.reset();
}

// A node's processes, one life after the other.
base::Task<void> World::keep_node(Node& node) {
    for (;;) {
        ++node.life;
        const Caller caller{node.number, node.life};
        trace_.add("node{}.{} starts", caller.node, caller.life);
        node.process = std::make_unique<Process>(loop_, profile_, network_, disks_, caller);
        if (ending_) node.process->scheduler().stop_claiming();
        co_await node.process->until_over();
        const bool died = node.process->is_dead();
        // What it held open is closed with it; nothing of that has an effect any more.
        network_.silence(caller);
        disks_.silence(caller);
        node.process.reset();
        trace_.add("node{}.{} {}", caller.node, caller.life, died ? "died" : "ended");
        if (died) {
            disks_.lose_unsynced(node.number);
        } else {
            disks_.settle(node.number);
        }
        if (referee_.content() == false && node.life > 200) co_return;
        co_await loop_.sleep(dice_.time(200ms, 20s));
    }
}

// --- harm ---------------------------------------------------------------------------------------

base::Task<void> World::unrest(double per_hour, void (World::*harm)()) {
    if (per_hour <= 0) co_return;
    for (;;) {
        const double hours = -std::log(1 - dice_.random().number01()) / per_hour;
        co_await loop_.sleep(std::chrono::milliseconds(
            static_cast<std::int64_t>(std::min(hours, 1'000.0) * 3'600'000)));
        (this->*harm)();
    }
}

base::Task<void> World::end_harm(base::Duration after, std::function<void()> end) {
    co_await loop_.sleep(after);
    end();
}

void World::harm_for(base::Duration span, std::function<void()> end) {
    harms_.add(end_harm(span, std::move(end)));
}

World::Node* World::some_process() {
    std::vector<Node*> living;
    for (const auto& node : nodes_) {
        if (node->process && !node->process->is_over()) living.push_back(node.get());
    }
    return living.empty() ? nullptr : dice_.pick(living);
}

void World::kill(Caller caller) {
    for (const auto& node : nodes_) {
        if (node->process && node->process->caller() == caller) node->process->die();
    }
}

void World::do_crash() {
    if (Node* node = some_process()) {
        trace_.add("node{}.{} kill -9", node->number, node->life);
        node->process->die();
    }
}

void World::do_stop() {
    if (Node* node = some_process()) {
        trace_.add("node{}.{} SIGTERM", node->number, node->life);
        node->process->terminate();
        if (dice_.chance(0.3)) {
            const Caller caller{node->number, node->life};
            harm_for(dice_.time(100ms, 10s), [this, caller] {
                for (const auto& each : nodes_) {
                    const bool same = each->process && each->process->caller() == caller;
                    if (same && !each->process->is_over()) each->process->terminate();
                }
            });
        }
    }
}

void World::do_auth_outage() {
    trace_.add("auth is down");
    network_.outage(Place::auth, loop_.now() + dice_.time(5s, 4min));
}

void World::do_product_outage() {
    trace_.add("the product is down");
    network_.outage(Place::product, loop_.now() + dice_.time(5s, 3min));
}

void World::do_model_outage() {
    trace_.add("the model is down");
    network_.outage(Place::model, loop_.now() + dice_.time(5s, 3min));
}

void World::do_disk_full() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("disk{} is full", node);
    disks_.set_full(node, true);
    harm_for(dice_.time(5s, 3min), [this, node] { disks_.set_full(node, false); });
}

void World::do_partition() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("node{} is cut off", node);
    network_.partition(node, loop_.now() + dice_.time(10s, 3min));
}

void World::do_orphaning() {
    const int node = dice_.between(1, profile_.nodes);
    trace_.add("node{} does not reach the auth service", node);
    network_.orphan(node, loop_.now() + dice_.time(30s, 3min));
}

void World::do_everybody() {
    if (Node* node = some_process()) {
        trace_.add("node{} tick for everybody", node->number);
        node->process->scheduler().tick({.everybody = true});
    }
}

void World::do_clock_step() {
    const auto by = dice_.time(-10min, 10min);
    trace_.add("the runners' wall clock steps by {} ms", by.count());
    clock_.step(by);
}

void World::do_deletion() {
    std::vector<std::string> left;
    for (const auto& [id, persona] : auth_.personas()) {
        if (!persona.deleted) left.push_back(id);
    }
    if (left.size() < 2) return;
    const std::string id = dice_.pick(left);
    trace_.add("{} is deleted", id);
    auth_.delete_persona(id);
}

void World::do_pause() {
    std::string id;
    if (dice_.chance(0.7)) {
        std::vector<std::string> all;
        for (const auto& [each, persona] : auth_.personas()) all.push_back(each);
        id = dice_.pick(all);
    }
    if (paused_.contains(id)) return;
    trace_.add("pause of {}", id.empty() ? "everybody" : id);
    paused_.insert(id);
    auth_.pause(id);
    harm_for(dice_.time(1min, 3h), [this, id] {
        trace_.add("{} resumed", id.empty() ? "everybody" : id);
        auth_.resume(id);
        paused_.erase(id);
    });
}

void World::do_release() {
    for (const std::string& id : auth_.release_quarantined()) {
        trace_.add("{} is let out of quarantine", id);
        released_[id] = auth_.now();
    }
}

// --- what must hold -----------------------------------------------------------------------------

void World::check_step(bool has_timer) {
    if (!referee_.content() && first_trouble_.empty()) {
        first_trouble_.assign(trace_.recent().begin(), trace_.recent().end());
    }
    if (!has_timer) {
        referee_.fail(Invariant::everything_drains, "nothing will ever happen again");
        loop_.stop();
    }
    if (clock_.jumps() > jumps_max) {
        referee_.fail(Invariant::everything_drains, "the world runs in circles");
        loop_.stop();
    }
}

// A call leaves only when it must end before the runner's right does.
void World::check_call_leaves(Caller caller, base::Duration limit) {
    const std::optional<base::Moment> until = auth_.lease_of(caller);
    if (until && auth_.now() + limit <= *until) return;
    referee_.fail(Invariant::no_call_after_lease,
                  fmt::format("a call of node{}.{} leaves too late", caller.node, caller.life));
}

// What the product did for the visit is on disk, outcome and all, before the next turn starts.
void World::check_outcomes(Caller caller, const std::string& persona) {
    const KnownVisit* visit = auth_.latest_visit_of(caller, persona);
    if (visit == nullptr) return;
    auto call = product_.committed().lower_bound({visit->id, 0});
    for (; call != product_.committed().end() && call->first.first == visit->id; ++call) {
        if (disks_.holds_outcome(caller, visit->id, call->first.second)) continue;
        referee_.fail(Invariant::outcome_before_turn,
                      fmt::format("call {}/{}", visit->id, call->first.second));
    }
}

bool World::is_at_rest() const {
    if (auth_.running() > 0) return false;
    return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
        return node->process && node->process->outbox().waiting_visits() == 0;
    });
}

std::string World::restlessness() const {
    std::string text = fmt::format("{} visits still run", auth_.running());
    for (const auto& node : nodes_) {
        if (!node->process) {
            text += fmt::format("; node{} has no process", node->number);
        } else {
            text += fmt::format("; node{} keeps {} visits ({})", node->number,
                                node->process->outbox().waiting_visits(),
                                node->process->outbox().last_error());
        }
    }
    return text;
}

// Nothing is set aside but what the disk damaged and what belongs to deleted personas.
void World::check_set_aside() {
    const bool deleted = std::any_of(auth_.personas().begin(), auth_.personas().end(),
                                     [](const auto& persona) { return persona.second.deleted; });
    for (const auto& node : nodes_) {
        const std::pair<const char*, bool> places[] = {{"broken", !disks_.damaged().empty()},
                                                       {"rejected", deleted}};
        for (const auto& [name, allowed] : places) {
            const auto folder = disks_.folder(node->number) / name;
            if (allowed || !std::filesystem::exists(folder)) continue;
            for (const auto& item : std::filesystem::directory_iterator(folder)) {
                referee_.fail(
                    Invariant::everything_drains,
                    fmt::format("{} was set aside in {}", item.path().filename().string(), name));
            }
        }
    }
}

// Nobody on hold is taken. The crashes are counted anew here.
void World::check_taken(const KnownVisit& taken) {
    if (paused_.contains("") || paused_.contains(taken.persona)) {
        referee_.fail(Invariant::holds_hold, taken.persona + " is paused and is taken");
    }
    if (taken.started_at < taken.slot) {
        referee_.fail(Invariant::never_early, taken.persona + " is taken before her slot");
    }
    const auto released = released_.find(taken.persona);
    std::map<base::Moment, int> crashes;
    for (const auto& [id, visit] : auth_.visits()) {
        const bool counts = visit.crashed && visit.persona == taken.persona &&
                            (released == released_.end() || visit.ended_at > released->second);
        if (counts && ++crashes[visit.slot] >= 3) {
            referee_.fail(Invariant::holds_hold, taken.persona + " is in quarantine and is taken");
        }
    }
}

// Every slot of hers was lived, waits to be tried again or is in the ledger, none of them is both
// lived and in the ledger, and none is left out.
void World::check_slots(const KnownPersona& persona) {
    struct Tried {
        int attempts = 0;
        bool lived = false;
    };
    std::map<base::Moment, Tried> slots;
    std::set<base::Moment> told, counted{persona.next_due};
    for (const SkippedSlot& skipped : auth_.ledger()) {
        if (skipped.persona == persona.id) told.insert(skipped.slot);
    }
    for (const auto& [id, visit] : auth_.visits()) {
        if (visit.persona != persona.id) continue;
        Tried& tried = slots[visit.slot];
        tried.attempts += visit.handed_back ? 0 : 1;
        tried.lived = tried.lived || visit.status == "finished" || !visit.actions.empty();
        counted.insert(visit.slot);
        counted.insert(visit.started_at);
    }
    counted.insert(told.begin(), told.end());
    for (const auto& [slot, tried] : slots) {
        const std::string name = persona.name + "'s slot of " + base::to_iso(slot);
        if (tried.attempts > 3) {
            referee_.fail(Invariant::attempts_are_few,
                          fmt::format("{} was tried {} times", name, tried.attempts));
        }
        if (tried.lived && told.contains(slot)) {
            referee_.fail(Invariant::slots_are_counted, name + " was lived and given up");
        }
        if (!tried.lived && !told.contains(slot) && persona.retry_slot != slot) {
            referee_.fail(Invariant::slots_are_counted, name + " was given up without a word");
        }
    }
    for (auto next = counted.begin(), slot = next++; next != counted.end(); slot = next++) {
        if (*next <= AuthService::slot_limit(persona, *slot)) continue;
        referee_.fail(Invariant::slots_are_counted,
                      fmt::format("nothing is known of {}'s slots between {} and {}", persona.name,
                                  base::to_iso(*slot), base::to_iso(*next)));
    }
}

void World::check_end() {
    check_set_aside();
    for (const auto& [id, persona] : auth_.personas()) {
        if (!persona.deleted) check_slots(persona);
    }
    for (const auto& [id, visit] : auth_.visits()) {
        if (visit.ends != 1) {
            referee_.fail(Invariant::one_end_per_visit,
                          fmt::format("visit {} ended {} times", id, visit.ends));
        }
        if (visit.status == "deleted" || disks_.damaged().contains(id)) continue;
        check_visit(visit);
        check_ratings(visit);
        if (visit.end_text.empty() && disks_.holds_end(id)) {
            referee_.fail(Invariant::everything_drains,
                          fmt::format("the end of visit {} was on disk and is not told", id));
        }
    }
    for (const auto& [key, call] : product_.committed()) {
        const KnownVisit* visit = auth_.visit(key.first);
        const bool excused =
            visit == nullptr || visit->status == "deleted" || disks_.damaged().contains(key.first);
        if (excused || visit->actions.contains(key.second)) continue;
        referee_.fail(Invariant::rows_match_calls,
                      fmt::format("call {}/{} was executed and has no row", key.first, key.second));
    }
    if (!referee_.content() && first_trouble_.empty()) {
        first_trouble_.assign(trace_.recent().begin(), trace_.recent().end());
    }
}

// rows(ok|error) within committed within rows(ok|error|unknown): the right half is checked for each
// call, the left half here. An error row that is no answer of the product says "not run".
void World::check_visit(const KnownVisit& visit) {
    for (const auto& [seq, row] : visit.actions) {
        const auto call = product_.committed().find({visit.id, seq});
        const bool executed = call != product_.committed().end();
        const std::string outcome = row.at("outcome");
        const std::string name = fmt::format("row {}/{} is {}", visit.id, seq, outcome);
        if (outcome == "ok" && !executed) {
            referee_.fail(Invariant::rows_match_calls, name + ", the call was never executed");
        }
        if (outcome != "error") continue;
        const bool says_executed = row.value("errorMessage", "") == Product::error_text;
        if (says_executed != executed) {
            referee_.fail(Invariant::rows_match_calls,
                          fmt::format("{} ({}), the call was {}executed", name,
                                      row.value("errorMessage", ""), executed ? "" : "not "));
        }
    }
}

void World::check_ratings(const KnownVisit& visit) {
    const std::string persona = auth_.personas().at(visit.persona).name;
    for (const auto& [module, row] : visit.ratings) {
        const std::string status = row.at("status");
        if (status != "rated" && status != "refused") continue;
        const bool answered = std::any_of(
            model_.given().begin(), model_.given().end(), [&](const GivenScores& given) {
                if (given.persona != persona) return false;
                if (status == "refused") return given.refused;
                const auto score = given.scores.find(module);
                return score != given.scores.end() && row.at("rating") == score->second;
            });
        if (!answered) {
            referee_.fail(Invariant::ratings_are_answers,
                          fmt::format("{} of {} in visit {} was never said: {}", module, persona,
                                      visit.id, base::to_text(row)));
        }
    }
}

Outcome run_world(const Profile& profile, bool print) {
    World world(profile, print);
    return world.run();
}

}  // namespace simulation
