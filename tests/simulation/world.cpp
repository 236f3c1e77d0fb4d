#include "tests/simulation/world.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace simulation {

using namespace std::chrono_literals;

namespace {

// Every orphan is reaped by its deadline, the grace past it and a heartbeat; retries take their
// longest wait meanwhile.
constexpr std::chrono::minutes rest_limit{60};
constexpr std::chrono::minutes claim_patience{5};

}  // namespace

World::World(const Profile& profile, bool print, Wanted enough)
    : profile_(profile),
      enough_(std::move(enough)),
      clock_(profile.begin),
      trace_(clock_, print),
      referee_(trace_),
      dice_(profile.seed, 7),
      loop_(clock_),
      disks_(clock_, profile_, trace_),
      network_(loop_, profile_, trace_, referee_),
      auth_(clock_, profile_, trace_, referee_),
      product_(profile_, network_, auth_, disks_, trace_, referee_),
      talks_(profile_, auth_, product_, disks_, referee_),
      blame_(profile_, auth_, disks_, referee_),
      money_(profile_, clock_, auth_, referee_),
      model_(profile_, network_, auth_, talks_, money_, trace_, referee_),
      checks_({profile_, auth_, product_, model_, talks_, disks_, network_, holds_, blame_, money_,
               referee_}),
      asleep_(loop_),
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
    network_.on_leaving = [this](const Sent& sent) { leaves(sent); };
    network_.on_over = [this](const Sent& sent, const Met& met) {
        blame_.over(sent, met);
        money_.over(sent.number);
    };
    network_.before_call = [this](Caller caller, base::Duration limit) {
        checks_.call_leaves(caller, limit);
    };
    model_.before_turn = [this](Caller caller, const std::string& persona) {
        checks_.turn_starts(caller, persona);
    };
    auth_.on_taken = [this](const KnownVisit& visit) { checks_.taken(visit); };
    clock_.before_jump = [this](bool has_timer) { check(has_timer); };
}

World::~World() = default;

Outcome World::run() {
    trace_.add("seed {} {}", profile_.seed, profile_.words());
    for (int i = 1; i <= profile_.nodes; ++i) {
        nodes_.push_back(std::make_unique<Node>(Node{.number = i}));
        keepers_.add(keep_node(*nodes_.back()));
    }
    loop_.run(history());
    checks_.at_end(profile_.nodes);
    keep_first_trouble();
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

base::Task<void> World::stand_still() {
    for (;;) co_await loop_.sleep(0s);
}

base::Task<void> World::history() {
    if (profile_.sabotage == Sabotage::time_stands) harms_.add(stand_still());
    harms_.add(unrest(profile_.crashes, &World::do_crash));
    harms_.add(unrest(profile_.stops, &World::do_stop));
    harms_.add(unrest(profile_.auth_outages, &World::do_auth_outage));
    harms_.add(unrest(profile_.delivery_outages, &World::do_delivery_outage));
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
    for (const std::string& id : holds_.paused) auth_.resume(id);
    holds_.paused.clear();
    do_release();
    // Whoever is due is taken on a visit by a healthy fleet, …
    const base::Steady claims_until = loop_.now() + rest_limit;
    co_await loop_.sleep(profile_.tick_interval * 3);
    while (!auth_.overdue(claim_patience).empty() && loop_.now() < claims_until) {
        co_await loop_.sleep(profile_.tick_interval);
    }
    const auto overdue = auth_.overdue(claim_patience);
    if (!overdue.empty() && !money_.is_used_up()) {
        referee_.fail(Invariant::everything_drains,
                      fmt::format("{} is due and nobody comes for her", overdue.front()));
    }
    // … and when no more are taken, everything is told and confirmed.
    if (profile_.sabotage == Sabotage::falls_asleep) {
        keepers_.drop_all();
        for (const auto& node : nodes_) node->process.reset();
        co_await asleep_.wait();
    }
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
        money_.process_ends(caller);
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

// --- one step of time ---------------------------------------------------------------------------

void World::keep_first_trouble() {
    if (referee_.content() || !first_trouble_.empty()) return;
    first_trouble_.assign(trace_.recent().begin(), trace_.recent().end());
}

// Nothing more can happen at this moment: time goes on next.
void World::check(bool has_timer) {
    living_.clear();
    for (const auto& node : nodes_) {
        if (node->process && !node->process->is_dead()) living_.push_back(node->process.get());
    }
    checks_.after_step(living_);
    keep_first_trouble();
    const auto& violations = referee_.violations();
    for (; enough_ && seen_ < violations.size(); ++seen_) {
        if (enough_(violations[seen_])) loop_.stop();
    }
    if (!has_timer) {
        referee_.fail(Invariant::everything_drains, "nothing will ever happen again");
        loop_.stop();
    }
    if (clock_.jumps() > profile_.steps_max) {
        referee_.fail(Invariant::everything_drains, "the world runs in circles");
        loop_.stop();
    }
}

// Of which visit a request is, by whom it names.
const KnownVisit* World::visit_of(const Sent& sent, const std::string& body) const {
    std::string persona;
    const auto word_after = [](std::string_view text, std::string_view words) {
        const std::size_t at = text.find(words);
        if (at == std::string_view::npos) return std::string();
        const std::string_view rest = text.substr(at + words.size());
        return std::string(rest.substr(0, rest.find_first_of("@\"")));
    };
    if (sent.place == Place::model) {
        persona = Talks::persona_in(body);
    } else if (sent.request.url.ends_with("/login")) {
        persona = word_after(body, "\"email\":\"persona.");
    } else if (sent.request.url.ends_with("/refresh")) {
        persona = word_after(body, "\"refreshToken\":\"session-user-");
    } else if (std::string bearer = header_of(sent.request, "authorization"); bearer.size() > 7) {
        const std::string id = auth_.token(bearer.substr(7)).persona;
        persona = id.substr(std::min<std::size_t>(std::string_view("user-").size(), id.size()));
    }
    return persona.empty() ? nullptr : auth_.latest_visit_of(sent.caller, persona);
}

void World::leaves(const Sent& sent) {
    const std::string body = sent.request.body.text();
    const KnownVisit* visit = visit_of(sent, body);
    blame_.leaves(sent, body, visit);
    if (sent.place != Place::model) return;
    const int times = profile_.sabotage == Sabotage::tries_too_often ? 7 : 1;
    for (int i = 0; i < times; ++i) talks_.leaves(sent, body);
    if (visit != nullptr) money_.leaves(sent.number, *visit, body);
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

std::string report_of(const Profile& profile, const Outcome& outcome, std::string_view program) {
    std::string text = fmt::format("seed {} FAILED  {}\n", profile.seed, profile.words());
    for (const std::string& line : outcome.recent) text += "    " + line + '\n';
    for (const Violation& each : outcome.violations) {
        text += fmt::format("  {}: {} ({})\n", word_of(each.invariant), each.what, each.place);
    }
    return text + fmt::format("replay: {} --seed {} --trace\n", program, profile.seed);
}

Outcome run_world(const Profile& profile, bool print, World::Wanted enough) {
    World world(profile, print, std::move(enough));
    return world.run();
}

}  // namespace simulation
