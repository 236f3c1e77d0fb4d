#include "runner/outbox.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "clients/auth.hpp"
#include "runner/outbox/entry.hpp"
#include "runner/outbox/recovery.hpp"
#include "runner/ratings.hpp"

namespace runner {

namespace {

using base::Failure;
using catalog::Action;
using catalog::VisitEnd;

constexpr std::string_view no_answer_text = "no answer before the visit ended";

std::vector<std::string> modules_used(const VisitRecords& visit) {
    std::vector<std::string> modules;
    for (const Action& action : visit.actions) {
        if (action.module == unknown_module) continue;
        if (std::find(modules.begin(), modules.end(), action.module) == modules.end()) {
            modules.push_back(action.module);
        }
    }
    return modules;
}

}  // namespace

VisitEnd end_of_abandoned(const VisitRecords& visit, std::string reason, VisitEnd::Source source) {
    VisitEnd end = visit.so_far.value_or(VisitEnd{});
    end.status = visit.actions.empty() ? VisitEnd::Status::failed : VisitEnd::Status::partial;
    end.reason = std::move(reason);
    end.source = source;
    end.tool_calls = static_cast<int>(visit.actions.size());
    return end;
}

Outbox::Outbox(base::Loop& loop, base::Worker& disk, clients::Auth& auth, OutboxOptions options,
               base::Metrics& metrics, base::Random& random)
    : Outbox(loop, disk, auth, options, metrics, random,
             recover_outbox(Disk(options.disk_faults), options.folder, metrics)) {}

Outbox::Outbox(base::Loop& loop, base::Worker& disk, clients::Auth& auth, OutboxOptions options,
               base::Metrics& metrics, base::Random& random, Recovered found)
    : loop_(loop),
      disk_(disk),
      auth_(auth),
      options_(std::move(options)),
      metrics_(metrics),
      random_(random),
      visits_gauge_(metrics.gauge("persona_outbox_visits",
                                  "Closed visits that the auth service has not confirmed")),
      files_(options_.disk_faults),
      log_(loop, disk, files_,
           {.folder = options_.folder,
            .bytes_max = options_.bytes_max,
            .segment_bytes = options_.segment_bytes,
            .gather = options_.gather,
            .retry = options_.disk_retry,
            .tidy_after = options_.tidy_after,
            .segments = found.segments,
            .newest = found.newest},
           metrics,
           [this](const LogVisit& visit) { return whole_text(entry_of(visit.id).records); }),
      news_(loop),
      deliveries_(loop) {
    take_over(std::move(found));
}

Outbox::~Outbox() = default;

// Unfinished visits are closed: whoever lived them is gone.
void Outbox::take_over(Recovered found) {
    take_aside(found.aside);
    for (const BrokenVisit& broken : found.broken) {
        if (!broken.is_kept) {
            log_.pin(broken.segment);
            continue;
        }
        const LogVisitPointer visit = log_.enter(broken.visit_id);
        visit->number = broken.number;
        log_.finish(visit);
    }
    for (RecoveredVisit& one : found.visits) {
        auto visit = std::make_shared<LogVisit>();
        visit->id = one.records.visit_id;
        visit->number = one.number;
        visit->segment = one.segment;
        visit->bytes = one.bytes;
        log_.adopt(visit);
        Entry& entry = enter(std::move(one.records), visit);
        if (!one.file.empty()) {
            log_.append_whole(visit);
            log_.replace(one.file);
        }
        if (entry.records.end) {
            closed(entry);
            continue;
        }
        std::string reason = "the runner stopped during the visit";
        if (one.may_lack_records)
            reason += "; the outbox's log was damaged, a last record of the visit may be missing";
        abandon(entry.records.visit_id,
                end_of_abandoned(entry.records, reason, VisitEnd::Source::infra));
    }
    if (!found.visits.empty()) {
        base::log_info("outbox recovered",
                       {{"visits", entries_.size()}, {"records", waiting_records()}});
    }
}

Outbox::Entry& Outbox::enter(VisitRecords visit, LogVisitPointer log) {
    auto entry = std::make_unique<Entry>();
    entry->records = std::move(visit);
    entry->log = std::move(log);
    const std::string visit_id = entry->records.visit_id;
    const auto [place, fresh] = entries_.emplace(visit_id, std::move(entry));
    base::require(fresh, "a visit is opened once");
    recount(*place->second);
    return *place->second;
}

Outbox::Entry& Outbox::entry_of(const std::string& visit_id) {
    const auto found = entries_.find(visit_id);
    base::require(found != entries_.end(), "the outbox knows the visit");
    return *found->second;
}

const VisitRecords* Outbox::find(const std::string& visit_id) const {
    const auto found = entries_.find(visit_id);
    return found == entries_.end() ? nullptr : &found->second->records;
}

std::vector<const VisitRecords*> Outbox::visits() const {
    std::vector<const VisitRecords*> all;
    for (const auto& [id, entry] : entries_) all.push_back(&entry->records);
    return all;
}

// On disk, and the service still takes the visit's records.
base::Task<void> Outbox::kept(std::string visit_id, LogVisitPointer log, Log::Ticket ticket) {
    co_await log_.written(log, ticket);
    const auto found = entries_.find(visit_id);
    if (found == entries_.end() || found->second->refused.empty()) co_return;
    throw Failure{
        Failure::Kind::conflict,
        fmt::format("the auth service refuses this visit's records: {}", found->second->refused)};
}

base::Task<void> Outbox::refuse(std::string reason) {
    throw Failure{Failure::Kind::unavailable, reason};
    co_return;
}

std::string Outbox::refusal() const {
    const std::string folder = options_.folder.string();
    if (!log_.disk_error().empty()) {
        return fmt::format("the outbox's disk refuses to write: {}; free space in {} or mend it",
                           log_.disk_error(), folder);
    }
    if (!log_.is_full()) return {};
    constexpr std::uint64_t mega = 1U << 20;
    std::string aside;
    if (log_.aside_bytes() > 0) {
        aside = fmt::format(
            ", {} MB of them set aside in rejected/ and broken/ for you to look at and delete",
            log_.aside_bytes() / mega);
    }
    return fmt::format(
        "the outbox is full: {} of {} MB are used in {}{}; no visit opens until the auth service "
        "at {} has taken what waits for it{}{} (or raise PERSONA_OUTBOX_MAX_MB)",
        log_.bytes() / mega, options_.bytes_max / mega, folder, aside, auth_.url(),
        last_error_.empty() ? "" : ", but it fails: ", last_error_);
}

void Outbox::take_aside(const AsideCount& count) {
    log_.set_aside_bytes(count.bytes);
    rejected_visits_ = count.rejected;
    broken_visits_ = count.broken;
}

base::Task<void> Outbox::probe() {
    if (log_.aside_bytes() > 0) {
        const std::function<AsideCount()> look = [folder = options_.folder] {
            return count_aside(folder);
        };
        const AsideCount count = co_await disk_.run<AsideCount>(look);
        take_aside(count);
    }
    const std::string reason = refusal();
    if (!reason.empty()) throw Failure{Failure::Kind::unavailable, reason};
    co_await log_.probe();
}

// A visit that may not open leaves its header all the same: its end follows, so that the service
// learns of it.
base::Task<void> Outbox::open(VisitRecords visit) {
    LogVisitPointer log = log_.enter(visit.visit_id);
    Entry& entry = enter(std::move(visit), log);
    const Log::Ticket ticket = log_.append(log, header_text(entry.records));
    if (log_.is_full()) return refuse(refusal());
    return kept(entry.records.visit_id, std::move(log), ticket);
}

base::Task<void> Outbox::put_intent(Action action, std::optional<VisitEnd> so_far) {
    Entry& entry = entry_of(action.visit_id);
    base::require(!entry.records.end, "a closed visit takes no action");
    if (log_.is_overfull()) return refuse(refusal());
    const Log::Ticket ticket = log_.append(entry.log, intent_text(action, so_far));
    entry.records.so_far = std::move(so_far);
    entry.records.actions.push_back(std::move(action));
    entry.records.settled.push_back(false);
    recount(entry);
    return kept(entry.records.visit_id, entry.log, ticket);
}

base::Task<void> Outbox::put_outcome(Action action) {
    Entry& entry = entry_of(action.visit_id);
    base::require(!entry.records.settled.empty() && !entry.records.settled.back() &&
                      entry.records.actions.back().seq == action.seq,
                  "an outcome follows its intent");
    const Log::Ticket ticket = log_.append(entry.log, outcome_text(action));
    entry.records.actions.back() = std::move(action);
    entry.records.settled.back() = true;
    const bool waits = entry.queued || entry.delivering || !entry.refused.empty();
    if (!waits) queue(entry, loop_.now() + options_.deliver_every);
    return kept(entry.records.visit_id, entry.log, ticket);
}

base::Task<void> Outbox::close(std::string visit_id, std::vector<catalog::Rating> ratings,
                               VisitEnd end) {
    Entry& entry = entry_of(visit_id);
    base::require(!entry.records.end, "a visit is closed once");
    end.actions = static_cast<int>(entry.records.actions.size());
    end.ratings = static_cast<int>(ratings.size());
    for (const catalog::Rating& rating : ratings) log_.append(entry.log, rating_text(rating));
    const Log::Ticket ticket = log_.append(entry.log, end_text(end));
    entry.records.ratings = std::move(ratings);
    entry.records.end = std::move(end);
    closed(entry);
    return kept(std::move(visit_id), entry.log, ticket);
}

void Outbox::abandon(const std::string& visit_id, VisitEnd end) {
    const auto found = entries_.find(visit_id);
    if (found == entries_.end() || found->second->records.end) return;
    Entry& entry = *found->second;
    VisitRecords& records = entry.records;
    for (std::size_t i = 0; i < records.actions.size(); ++i) {
        if (records.settled[i]) continue;
        records.actions[i].outcome = Action::Outcome::unknown;
        records.actions[i].error_message = no_answer_text;
        records.settled[i] = true;
        log_.append(entry.log, outcome_text(records.actions[i]));
    }
    const RatingQuestion question{visit_id, modules_used(records),
                                  static_cast<int>(records.actions.size())};
    // Ratings that reached the disk before we died stand; the other modules get their row.
    for (catalog::Rating& row :
         unanswered_ratings(question, catalog::Rating::Status::missing, end.reason)) {
        const bool known =
            std::any_of(records.ratings.begin(), records.ratings.end(),
                        [&](const catalog::Rating& rating) { return rating.module == row.module; });
        if (known) continue;
        log_.append(entry.log, rating_text(row));
        records.ratings.push_back(std::move(row));
    }
    end.actions = static_cast<int>(records.actions.size());
    end.ratings = static_cast<int>(records.ratings.size());
    log_.append(entry.log, end_text(end));
    records.end = std::move(end);
    closed(entry);
}

// Delivered next, whatever waits of the visit.
void Outbox::closed(Entry& entry) {
    unqueue(entry);
    entry.closed_at = loop_.now();
    waiting_.emplace(entry.closed_at, entry.log->serial);
    visits_gauge_.set(static_cast<double>(waiting_.size()));
    recount(entry);
    entry.due = loop_.now();
    if (!entry.delivering) queue(entry, entry.due);
    news_.notify();
}

void Outbox::recount(Entry& entry) {
    const VisitRecords& records = entry.records;
    std::size_t count = records.actions.size() - records.actions_delivered;
    if (records.end) count += records.ratings.size() + 1;
    waiting_records_ += count - entry.counted;
    entry.counted = count;
}

std::chrono::milliseconds Outbox::oldest_wait() const {
    if (waiting_.empty()) return std::chrono::milliseconds{0};
    return std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() -
                                                                 waiting_.begin()->first);
}

// Only closed visits are removed.
void Outbox::remove(const std::string& visit_id) {
    const auto found = entries_.find(visit_id);
    if (found == entries_.end()) return;
    Entry& entry = *found->second;
    unqueue(entry);
    well_again(entry);
    waiting_.erase(Due{entry.closed_at, entry.log->serial});
    waiting_records_ -= entry.counted;
    visits_gauge_.set(static_cast<double>(waiting_.size()));
    log_.finish(entry.log);
    entries_.erase(found);
}

}  // namespace runner
