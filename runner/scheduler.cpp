#include "runner/scheduler.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"

namespace runner {

namespace {

using base::Failure;
using catalog::VisitEnd;

constexpr int claims_per_request_max = 64;
constexpr std::size_t passes_waiting_max = 32;
constexpr std::chrono::milliseconds ramp_step{100};
constexpr std::chrono::seconds lease_wait{
    5};  // A tick right after the start waits for the registration.

std::chrono::milliseconds rounded(base::Duration span) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(span);
}

}  // namespace

struct Scheduler::Tick {
    std::string id;
    bool everybody = false;
    base::Moment started_at{};
    base::Steady began{};
    std::optional<base::Moment> idle_since;
    TickReport report;
    int open_visits = 0;
    bool pass_ended = false;
    bool reported = false;
    std::vector<std::function<void(const TickReport&)>> done;
};

base::Json to_json(const TickReport& report) {
    base::Json failed = base::Json::array();
    for (const auto& [persona, error] : report.failed) {
        failed.push_back({{"persona", persona}, {"error", error}});
    }
    base::Json json{{"due", report.due},
                    {"ranSuccessfully", report.ran},
                    {"failed", std::move(failed)},
                    {"durationMs", report.took.count()}};
    if (!report.trouble.empty()) json["trouble"] = report.trouble;
    return json;
}

Scheduler::Scheduler(Services services, ScheduleOptions schedule, VisitOptions visits)
    : services_(services),
      schedule_(schedule),
      visit_options_(std::move(visits)),
      visit_metrics_(services.metrics),
      ramp_(schedule.concurrency_max, schedule.starts_at_once, services.loop.now()),
      changed_(services_.loop),
      passes_(services_.loop),
      visits_(services_.loop) {
    services_.claude.traffic().on_more_places([this] { changed_.notify(); });
}

Scheduler::~Scheduler() {
    services_.claude.traffic().on_more_places({});
}

base::Task<void> Scheduler::run() {
    for (;;) {
        if (!schedule_.paused && claiming_ && !passing_) tick(TickRequest{});
        co_await services_.loop.sleep(schedule_.tick_interval);
    }
}

bool Scheduler::tick(TickRequest request) {
    if (passes_.size() >= passes_waiting_max) return false;
    auto tick = std::make_shared<Tick>();
    tick->id = services_.random.uuid();
    tick->everybody = request.everybody;
    if (request.done) tick->done.push_back(std::move(request.done));
    passes_.add(guarded_pass(std::move(tick)));
    return true;
}

base::Task<void> Scheduler::guarded_pass(TickPointer tick) {
    while (passing_) co_await changed_.wait();
    passing_ = true;
    tick->started_at = services_.loop.clock().now();
    tick->began = services_.loop.now();
    last_tick_ = tick->started_at;
    newest_tick_ = tick;
    try {
        co_await pass(tick);
    } catch (const Failure& failure) {
        // The pass ends, the visits it started go on; the next tick tries again.
        tick->report.trouble = failure.what();
        base::log_warning("tick stopped early", {{"tick", tick->id}, {"reason", failure.what()}});
    }
    passing_ = false;
    tick->pass_ended = true;
    changed_.notify();
    finish_if_done(tick);
}

base::Task<void> Scheduler::pass(TickPointer tick) {
    // What is left of an old lease may be too short for a tool call: a visit claimed then could
    // only fail.
    const base::Duration call = visit_options_.tool_limit;
    if (!services_.lease.covers(call)) {
        const bool fresh =
            co_await services_.loop.within(lease_wait, services_.lease.until_covers(call));
        if (!fresh) {
            throw Failure{Failure::Kind::unavailable,
                          fmt::format("no lease from the auth service at {}: {}",
                                      services_.auth.url(), services_.lease.last_error())};
        }
    }
    co_await services_.outbox.probe();
    while (claiming_) {
        co_await until_place();
        if (!claiming_ || !services_.lease.covers(call)) co_return;
        refuse_start_while_stopped();
        const int places = std::min(free_places(), ramp_.left(services_.loop.now()));
        const std::size_t started =
            co_await claim_some(tick, std::min(places, claims_per_request_max));
        if (started == 0) co_return;
    }
}

// The ceiling or what the model's traffic allows, less who is here already; and no crowd at the
// door: log-ins and tool lists come through a few connections.
int Scheduler::free_places() const {
    const int allowed = std::min(schedule_.concurrency_max, services_.claude.traffic().places());
    return std::min(allowed - static_cast<int>(active_.size()), schedule_.entering_max - entering_);
}

// Until a place is free and the ramp lets somebody take it, or nobody may claim any more.
base::Task<void> Scheduler::until_place() {
    for (;;) {
        while (claiming_ && free_places() < 1) co_await changed_.wait();
        if (!claiming_ || ramp_.left(services_.loop.now()) > 0) co_return;
        co_await services_.loop.sleep(ramp_step);
    }
}

// Since when the claim is to say what personas have spent.
std::optional<base::Moment> Scheduler::budget_day() const {
    if (!services_.budget) return std::nullopt;
    return services_.budget->today();
}

void Scheduler::refuse_start_while_stopped() const {
    std::string reason = services_.claude.traffic().stop_reason();
    if (reason.empty()) reason = services_.outbox.refusal();
    if (reason.empty() && services_.budget) reason = services_.budget->stop_reason();
    if (!reason.empty()) throw Failure{Failure::Kind::unavailable, reason};
}

base::Task<std::size_t> Scheduler::claim_some(TickPointer tick, int places) {
    std::vector<clients::ClaimedVisit> claimed;
    // A claim whose answer was lost is asked again by its name: what it made would else stay
    // `running` with nobody to run it until long after its deadline.
    const std::string runner_id = services_.lease.runner_id();
    if (!unanswered_claim_ || unanswered_claim_->runner_id != runner_id) {
        unanswered_claim_ = {runner_id, services_.random.uuid()};
    }
    const std::string request_id = unanswered_claim_->request_id;
    try {
        claimed = co_await services_.auth.claim(runner_id, request_id, places, tick->everybody,
                                                tick->idle_since, budget_day());
        // The right may have ended while the answer was on its way. Under the same id the next
        // claim asks for the same visits by name; under another one they are lost already.
        if (services_.lease.runner_id() != runner_id || !services_.lease.is_held()) {
            throw Failure{Failure::Kind::unavailable, "the lease ended while visits were claimed"};
        }
        unanswered_claim_.reset();
    } catch (const Failure& failure) {
        if (failure.status() == 410) services_.lease.revoke(failure.what());
        throw;
    }
    // Everybody once: the next claims of this pass leave out whoever has had her visit since the
    // first one, by the service's clock.
    if (tick->everybody && !tick->idle_since && !claimed.empty()) {
        tick->idle_since = claimed.front().deadline - claimed.front().time_left;
    }
    for (clients::ClaimedVisit& one : claimed) {
        const std::string visit_id = one.visit_id;
        const auto lateness = one.lateness;
        auto visit = std::make_unique<Visit>(services_, visit_options_, std::move(one));
        visit->on_entered([this] {
            --entering_;
            changed_.notify();
        });
        if (!active_.emplace(visit_id, std::move(visit)).second) continue;
        ++entering_;
        ramp_.take();
        visit_metrics_.started(lateness);
        visit_metrics_.running(active_.size());
        tick_of_[visit_id] = tick;
        ++tick->report.due;
        ++tick->open_visits;
        visits_.add(run_visit(visit_id, tick));
    }
    co_return claimed.size();
}

base::Task<void> Scheduler::run_visit(std::string visit_id, TickPointer tick) {
    Visit& visit = *active_.at(visit_id);
    base::log_info("visit started", {{"persona", visit.persona()},
                                     {"visit", visit.id()},
                                     {"attempt", visit.claimed().attempt}});
    std::string error;
    VisitEnd::Source source = VisitEnd::Source::none;
    try {
        const bool in_time = co_await services_.loop.within(visit.claimed().time_left, visit.run());
        if (!in_time && !visit.is_ended()) {
            error = fmt::format("deadline passed while waiting for {}",
                                word_of(visit.progress().waiting_for));
            source = source_of(visit.progress().waiting_for, Failure::Kind::unavailable);
            visit.give_up(error, source);
        }
    } catch (const Failure& failure) {
        // One persona's trouble is settled here; the other visits never see it.
        if (!visit.is_ended()) {
            error = fmt::format("{}: {}", word_of(visit.progress().waiting_for), failure.what());
            source = source_of(visit.progress().waiting_for, failure.kind());
            visit.give_up(error, source);
        }
    }
    settle(visit, tick, error, source);
}

// Bookkeeping of an ended visit. The frame that calls it may still hold the visit, so its object
// goes last.
void Scheduler::settle(Visit& visit, const TickPointer& tick, const std::string& error,
                       VisitEnd::Source source) {
    const VisitProgress& progress = visit.progress();
    const std::string persona = visit.persona();
    const auto took = rounded(services_.loop.now() - visit.began());
    VisitEnd::Status status = VisitEnd::Status::finished;
    if (error.empty()) {
        ++tick->report.ran;
        base::log_info("visit done", {{"persona", persona},
                                      {"visit", visit.id()},
                                      {"ending", catalog::word_of(status)},
                                      {"turns", progress.turns},
                                      {"actions", progress.tool_calls},
                                      {"errors", progress.tool_errors},
                                      {"modules", progress.modules.size()},
                                      {"usd", usd_text(progress)},
                                      {"cached", prefix_read_text(progress)},
                                      {"ms", took}});
    } else {
        status = progress.tool_calls > 0 ? VisitEnd::Status::partial : VisitEnd::Status::failed;
        tick->report.failed.emplace_back(persona, error);
        const VisitRecords* left = services_.outbox.find(visit.id());
        const bool is_unused = status == VisitEnd::Status::failed && left != nullptr && left->end &&
                               left->end->handed_back;
        const char* const event = is_unused ? "visit handed back" : "visit failed";
        base::log_warning(event, {{"persona", persona},
                                  {"visit", visit.id()},
                                  {"attempt", visit.claimed().attempt},
                                  {"ending", catalog::word_of(status)},
                                  {"source", catalog::word_of(source)},
                                  {"actions", progress.tool_calls},
                                  {"reason", error},
                                  {"ms", took}});
    }
    visit_metrics_.ended(progress, status, source, took);
    if (!visit.is_inside()) --entering_;
    --tick->open_visits;
    const std::string visit_id = visit.id();
    tick_of_.erase(visit_id);
    active_.erase(visit_id);
    ramp_.give_back();
    visit_metrics_.running(active_.size());
    changed_.notify();
    finish_if_done(tick);
}

void Scheduler::finish_if_done(const TickPointer& tick) {
    if (!tick->pass_ended || tick->open_visits > 0 || std::exchange(tick->reported, true)) return;
    tick->report.took = rounded(services_.loop.now() - tick->began);
    last_report_ = tick->report;
    if (tick->report.due > 0 || !tick->done.empty()) {
        base::log_info("tick done", {{"tick", tick->id},
                                     {"due", tick->report.due},
                                     {"ran", tick->report.ran},
                                     {"failed", tick->report.failed.size()},
                                     {"ms", tick->report.took}});
    }
    services_.metrics.counter("persona_ticks_total", "Scheduler passes").add();
    visit_metrics_.ticked(tick->report.took);
    for (const auto& done : tick->done) done(tick->report);
}

void Scheduler::stop_claiming() {
    claiming_ = false;
    changed_.notify();
}

base::Task<bool> Scheduler::drained(base::Duration limit) {
    return services_.loop.within(limit, visits_.all());
}

void Scheduler::end_visits(const std::string& reason, bool handed_back) {
    visits_.drop_all();
    std::vector<Visit*> dropped;
    for (const auto& [id, visit] : active_) dropped.push_back(visit.get());
    for (Visit* visit : dropped) {
        const TickPointer tick = tick_of_[visit->id()];
        if (visit->is_ended()) {
            settle(*visit, tick, "", VisitEnd::Source::none);
            continue;
        }
        visit->give_up(reason, VisitEnd::Source::infra, handed_back);
        settle(*visit, tick, reason, VisitEnd::Source::infra);
    }
}

std::string Scheduler::resume_model() {
    std::string stopped = services_.claude.traffic().stop_reason();
    if (stopped.empty()) return stopped;
    services_.claude.traffic().resume();
    if (!schedule_.paused && claiming_) tick(TickRequest{});
    return stopped;
}

base::Json Scheduler::status() const {
    base::Json visits = base::Json::array();
    for (const auto& [id, visit] : active_) {
        const VisitProgress& progress = visit->progress();
        visits.push_back({{"persona", visit->persona()},
                          {"visit", id},
                          {"waitingFor", word_of(progress.waiting_for)},
                          {"turn", progress.turns},
                          {"toolCalls", progress.tool_calls},
                          {"toolErrors", progress.tool_errors},
                          {"lastTool", progress.last_tool},
                          {"modules", progress.modules.size()},
                          {"ageMs", rounded(services_.loop.now() - visit->began()).count()}});
    }
    base::Json json{{"paused", schedule_.paused},
                    {"claiming", claiming_},
                    {"tickRunning", passing_},
                    {"concurrency", schedule_.concurrency_max},
                    {"places", std::min<double>(schedule_.concurrency_max,
                                                services_.claude.traffic().exact_places())},
                    {"running", std::move(visits)}};
    const clients::Traffic& traffic = services_.claude.traffic();
    const std::string stopped = traffic.stop_reason();
    const auto held = rounded(traffic.held_until() - services_.loop.now());
    json["modelHeld"] = base::Json();
    if (held.count() > 0)
        json["modelHeld"] = {{"ms", held.count()}, {"reason", traffic.hold_reason()}};
    json["budget"] = services_.budget ? services_.budget->status() : base::Json();
    json["modelStopped"] = stopped.empty() ? base::Json() : base::Json(stopped);
    json["lastTickAt"] = last_tick_ ? base::Json(base::to_iso(*last_tick_)) : base::Json();
    json["lastTick"] = last_report_ ? to_json(*last_report_) : base::Json();
    json["tick"] = base::Json();
    if (newest_tick_ && !newest_tick_->reported) {
        json["tick"] = to_json(newest_tick_->report);
        json["tick"]["open"] = newest_tick_->open_visits;
    }
    return json;
}

}  // namespace runner
