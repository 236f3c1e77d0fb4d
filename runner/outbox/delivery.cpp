// The outbox's other half: bringing records to the auth service until it confirms them.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "clients/auth.hpp"
#include "runner/outbox/aside.hpp"
#include "runner/outbox/entry.hpp"
#include "runner/outbox/visit_file.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::size_t deliveries_at_once_max = 8;
constexpr int incomplete_resends_max = 3;

// The service itself says that the persona, or with her the visit, is gone. Nothing else is final:
// what stands between (a proxy, a damaged wire, a service of another version) says 400 and 404 too.
bool is_final(const Failure& failure) {
    return failure.status() == 404 &&
           (failure.code() == "persona_unknown" || failure.code() == "visit_unknown");
}

// It is about this visit's records, as far as one can tell: the others need not wait for it.
bool is_of_the_visit(Failure::Kind kind) {
    return kind == Failure::Kind::conflict || kind == Failure::Kind::internal ||
           kind == Failure::Kind::invalid || kind == Failure::Kind::missing;
}

}  // namespace

// Kept for a person before the log forgets it.
base::Task<void> Outbox::set_aside(std::string visit_id, std::string reason) {
    const VisitRecords& records = entry_of(visit_id).records;
    const std::filesystem::path folder = options_.folder / "rejected";
    const std::string text = visit_file_text(records);
    const std::function<std::string()> write = [disk = files_, folder, text, reason,
                                                name = aside_name(visit_id)] {
        return put_aside(disk, folder, name, text, reason);
    };
    const std::string error = co_await disk_.run<std::string>(write);
    if (!error.empty()) {
        delivery_failed(visit_id, Failure{Failure::Kind::conflict,
                                          fmt::format("{}; its records cannot be set aside: {}",
                                                      reason, error)});
        co_return;
    }
    base::log_error(
        "outbox visit rejected",
        {{"persona", entry_of(visit_id).records.persona}, {"visit", visit_id}, {"reason", reason}});
    metrics_
        .counter("persona_outbox_rejected_total", "Visits whose records the auth service refuses")
        .add();
    log_.set_aside_bytes(log_.aside_bytes() + text.size() + reason.size());
    ++rejected_visits_;
    remove(visit_id);
}

std::chrono::milliseconds Outbox::pause_after(int failures) {
    const double factor = 1 << std::clamp(failures, 0, 16);
    const auto ceiling =
        std::min<double>(static_cast<double>(options_.retry_cap.count()),
                         static_cast<double>(options_.retry_base.count()) * factor);
    return std::chrono::milliseconds(static_cast<long>(ceiling * (0.5 + 0.5 * random_.number01())));
}

// The visit waits longer each time. When it is the service that fails, everybody waits: asking for
// the next visit would only meet the same.
void Outbox::delivery_failed(const std::string& visit_id, const Failure& failure) {
    const std::string reason = failure.what();
    Entry& entry = entry_of(visit_id);
    if (entry.failures == 0) ++failing_visits_;
    auto wait = pause_after(entry.failures++);
    entry.due = loop_.now() + wait;
    if (!is_of_the_visit(failure.kind()) && loop_.now() >= retry_at_) {
        wait = std::max(pause_after(failures_in_row_++),
                        failure.retry_after().value_or(std::chrono::milliseconds{0}));
        retry_at_ = loop_.now() + wait;
    }
    // A demanded wait counts also when another delivery's shorter pause has begun.
    if (failure.retry_after()) {
        retry_at_ = std::max(retry_at_, loop_.now() + *failure.retry_after());
    }
    if (last_error_ != reason) {
        base::log_warning("outbox waiting",
                          {{"records", waiting_records()}, {"retry_ms", wait}, {"reason", reason}});
    }
    last_error_ = reason;
    metrics_
        .counter("persona_outbox_delivery_failures_total",
                 "Deliveries to the auth service that failed")
        .add();
}

void Outbox::well_again(Entry& entry) {
    if (std::exchange(entry.failures, 0) > 0) --failing_visits_;
}

void Outbox::queue(Entry& entry, base::Steady due) {
    entry.due = due;
    entry.queued = true;
    (entry.records.end ? closed_due_ : running_due_).emplace(Due{due, entry.log->serial}, &entry);
}

void Outbox::unqueue(Entry& entry) {
    if (!std::exchange(entry.queued, false)) return;
    closed_due_.erase(Due{entry.due, entry.log->serial});
    running_due_.erase(Due{entry.due, entry.log->serial});
}

// After a delivery: what is left of the visit waits for its next one.
void Outbox::queue_again(Entry& entry) {
    entry.delivering = false;
    if (entry.records.end) {
        queue(entry, entry.due);
    } else if (entry.refused.empty() && entry.has_news()) {
        queue(entry, std::max(entry.due, loop_.now() + options_.deliver_every));
    }
}

Outbox::Entry* Outbox::next_to_deliver() {
    for (const auto* waiting : {&closed_due_, &running_due_}) {
        if (!waiting->empty() && waiting->begin()->first.first <= loop_.now())
            return waiting->begin()->second;
    }
    return nullptr;
}

base::Duration Outbox::until_next() const {
    base::Steady next = loop_.now() + options_.deliver_every;
    for (const auto* waiting : {&closed_due_, &running_due_}) {
        if (!waiting->empty()) next = std::min(next, waiting->begin()->first.first);
    }
    return next - loop_.now();
}

base::Task<void> Outbox::wait_for_news() {
    co_await news_.wait();
}

base::Task<void> Outbox::deliver() {
    for (;;) {
        co_await deliveries_.below(deliveries_at_once_max);
        if (loop_.now() < retry_at_) {
            co_await loop_.within(retry_at_ - loop_.now(), wait_for_news());
            continue;
        }
        Entry* entry = next_to_deliver();
        if (entry == nullptr) {
            co_await loop_.within(until_next(), wait_for_news());
            continue;
        }
        unqueue(*entry);
        entry->delivering = true;
        deliveries_.add(deliver_visit(entry->records.visit_id));
    }
}

base::Task<void> Outbox::deliver_visit(std::string visit_id) {
    std::string rejected;
    try {
        co_await send_records(visit_id);
        failures_in_row_ = 0;
        if (!last_error_.empty() && failing_visits_ == 0) {
            base::log_info("outbox delivering again");
            last_error_.clear();
        }
    } catch (const Failure& failure) {
        // One delivery's failure is settled here: the records wait, or are set aside for a person.
        if (!is_final(failure)) {
            delivery_failed(visit_id, failure);
        } else if (entry_of(visit_id).records.end) {
            rejected = failure.what();
        } else {
            // The visit still runs: it stops at its next record, and is set aside once it is
            // closed.
            entry_of(visit_id).refused = failure.what();
        }
    }
    if (!rejected.empty()) co_await set_aside(visit_id, rejected);
    const auto found = entries_.find(visit_id);
    if (found != entries_.end()) queue_again(*found->second);
    news_.notify();
}

base::Task<void> Outbox::send_records(std::string visit_id) {
    for (;;) {
        const bool more = co_await send_actions(visit_id);
        if (!more) break;
    }
    if (entry_of(visit_id).records.end) co_await send_end(visit_id);
}

// Sends the next batch of settled actions; true when another one is waiting.
base::Task<bool> Outbox::send_actions(std::string visit_id) {
    const VisitRecords& records = entry_of(visit_id).records;
    std::vector<catalog::Action> batch;
    for (std::size_t i = records.actions_delivered;
         i < records.actions.size() && records.settled[i] &&
         batch.size() < catalog::actions_per_batch_max;
         ++i) {
        batch.push_back(records.actions[i]);
    }
    if (batch.empty()) co_return false;
    const std::size_t sent = batch.size();
    const std::string user_id = records.user_id;
    const clients::Stored stored = co_await auth_.store_actions(user_id, std::move(batch));
    Entry& entry = entry_of(visit_id);
    entry.records.actions_delivered += sent;
    well_again(entry);
    recount(entry);
    if (stored.differing > 0) {
        base::log_warning("outbox rows differ from those stored",
                          {{"visit", visit_id}, {"differing", stored.differing}});
    }
    co_return entry.has_news();
}

base::Task<void> Outbox::send_end(std::string visit_id) {
    const std::string user_id = entry_of(visit_id).records.user_id;
    for (std::size_t sent = 0; sent < entry_of(visit_id).records.ratings.size();) {
        const std::vector<catalog::Rating>& ratings = entry_of(visit_id).records.ratings;
        const std::size_t count = std::min(catalog::ratings_per_batch_max, ratings.size() - sent);
        const auto first = ratings.begin() + static_cast<std::ptrdiff_t>(sent);
        std::vector<catalog::Rating> batch(first, first + static_cast<std::ptrdiff_t>(count));
        co_await auth_.store_ratings(user_id, std::move(batch));
        sent += count;
    }
    const catalog::VisitEnd end = *entry_of(visit_id).records.end;
    const clients::FinishAnswer answer = co_await auth_.finish(visit_id, end);
    Entry& entry = entry_of(visit_id);
    if (answer == clients::FinishAnswer::incomplete) {
        // The service lost rows that it had confirmed (a restored backup, say): send all again.
        entry.records.actions_delivered = 0;
        recount(entry);
        if (++entry.resends <= incomplete_resends_max) co_return;
        throw Failure{
            Failure::Kind::conflict,
            "the auth service keeps calling the visit incomplete although every row was sent"};
    }
    if (answer == clients::FinishAnswer::not_applied) {
        base::log_info("visit was already lost for the service; its records are stored",
                       {{"persona", entry.records.persona}, {"visit", visit_id}});
    }
    remove(visit_id);
}

base::Task<bool> Outbox::flush(base::Duration limit) {
    const base::Steady until = loop_.now() + limit;
    // Once more at once, whatever the pauses say.
    retry_at_ = loop_.now();
    for (auto hurried = std::exchange(closed_due_, {}); auto& [due, entry] : hurried) {
        queue(*entry, loop_.now());
    }
    news_.notify();
    while (waiting_visits() > 0 && loop_.now() < until) {
        co_await loop_.within(until - loop_.now(), wait_for_news());
    }
    // Files that nobody needs are gone before the process is.
    co_await log_.tidy(until - loop_.now());
    co_return waiting_visits() == 0;
}

}  // namespace runner
