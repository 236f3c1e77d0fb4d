// The outbox's second half: bringing records to the auth service until it confirms them.
#include <algorithm>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "clients/auth.hpp"
#include "runner/outbox_entry.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::size_t deliveries_at_once_max = 8;
constexpr int incomplete_resends_max = 3;

// Sending the same again can never be accepted: the persona is gone, or the service calls the rows
// wrong.
bool is_final(Failure::Kind kind) {
    return kind == Failure::Kind::missing || kind == Failure::Kind::invalid;
}

}  // namespace

void Outbox::set_aside(Entry& entry, const std::string& reason) {
    base::log_error("outbox visit rejected", {{"persona", entry.records.persona},
                                              {"visit", entry.records.visit_id},
                                              {"reason", reason}});
    metrics_
        .counter("persona_outbox_rejected_total", "Visits whose records the auth service refuses")
        .add();
    entry.file->move_to = options_.folder / "rejected";
    entry.file->move_reason = reason;
    remove(std::string(entry.records.visit_id));
}

void Outbox::deliver_later(const std::string& reason) {
    const double factor = std::min(1 << std::min(failures_in_row_, 16), 1 << 16);
    const auto ceiling =
        std::min<double>(static_cast<double>(options_.retry_cap.count()),
                         static_cast<double>(options_.retry_base.count()) * factor);
    const auto wait =
        std::chrono::milliseconds(static_cast<long>(ceiling * (0.5 + 0.5 * random_.number01())));
    if (last_error_ != reason) {
        base::log_warning("outbox waiting",
                          {{"records", waiting_records()}, {"retry_ms", wait}, {"reason", reason}});
    }
    last_error_ = reason;
    ++failures_in_row_;
    retry_at_ = loop_.now() + wait;
    metrics_
        .counter("persona_outbox_delivery_failures_total",
                 "Deliveries to the auth service that failed")
        .add();
}

// Closed visits first, oldest first; then running ones whose settled actions have waited long
// enough.
std::string Outbox::next_to_deliver() const {
    const Entry* best = nullptr;
    for (const auto& [id, entry] : entries_) {
        if (entry->delivering) continue;
        const VisitRecords& records = entry->records;
        const bool closed = records.end.has_value();
        const bool ripe = entry->refused.empty() &&
                          records.actions_delivered < records.actions.size() &&
                          records.settled[records.actions_delivered] &&
                          loop_.now() - entry->changed_at >= options_.deliver_every;
        if (!closed && !ripe) continue;
        const bool better =
            !best || (closed && !best->records.end) ||
            (closed == best->records.end.has_value() && entry->changed_at < best->changed_at);
        if (better) best = entry.get();
    }
    return best ? best->records.visit_id : std::string();
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
        const std::string visit_id = next_to_deliver();
        if (visit_id.empty()) {
            co_await loop_.within(options_.deliver_every, wait_for_news());
            continue;
        }
        entry_of(visit_id).delivering = true;
        deliveries_.add(deliver_visit(visit_id));
    }
}

base::Task<void> Outbox::deliver_visit(std::string visit_id) {
    try {
        co_await send_records(visit_id);
        failures_in_row_ = 0;
        if (!last_error_.empty()) base::log_info("outbox delivering again");
        last_error_.clear();
    } catch (const Failure& failure) {
        // One delivery's failure is settled here: the records wait, or are set aside for a person.
        const auto found = entries_.find(visit_id);
        const bool refused = found != entries_.end() && is_final(failure.kind());
        if (refused && !found->second->records.end) {
            // The visit still runs: it stops at its next record, and is set aside once it is
            // closed.
            found->second->refused = failure.what();
        } else if (refused) {
            set_aside(*found->second, failure.what());
        } else {
            deliver_later(failure.what());
        }
    }
    if (const auto found = entries_.find(visit_id); found != entries_.end()) {
        found->second->delivering = false;
    }
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
    if (stored.differing > 0) {
        base::log_warning("outbox rows differ from those stored",
                          {{"visit", visit_id}, {"differing", stored.differing}});
    }
    co_return entry.records.actions_delivered < entry.records.actions.size() &&
        entry.records.settled[entry.records.actions_delivered];
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
        if (++entry.resends <= incomplete_resends_max) co_return;
        throw Failure{
            Failure::Kind::unavailable,
            "the auth service keeps calling the visit incomplete although every row was sent"};
    }
    if (answer == clients::FinishAnswer::not_applied) {
        base::log_info("visit was already lost for the service; its records are stored",
                       {{"persona", entry.records.persona}, {"visit", visit_id}});
    }
    remove(visit_id);
}

base::Task<void> Outbox::wait_for_disk() {
    co_await on_disk_.wait();
}

base::Task<bool> Outbox::flush(base::Duration limit) {
    retry_at_ = loop_.now();  // Once more at once, whatever the backoff says.
    const base::Steady until = loop_.now() + limit;
    news_.notify();
    while (waiting_visits() > 0 && loop_.now() < until) {
        co_await loop_.within(
            std::min<base::Duration>(until - loop_.now(), std::chrono::milliseconds{200}),
            wait_for_news());
    }
    // Files of confirmed visits are gone before the process is.
    while ((writing_ || !pending_.empty()) && loop_.now() < until) {
        co_await loop_.within(until - loop_.now(), wait_for_disk());
    }
    co_return waiting_visits() == 0;
}

}  // namespace runner
