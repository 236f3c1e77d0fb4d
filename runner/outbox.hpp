// The outbox: what visits recorded and the auth service has not yet confirmed. On disk before the
// next step, delivered until the service says that it holds every row, then forgotten.
//
//   open ─► intent ─► (tool call) ─► outcome ─► … ─► close(ratings, end)      on disk, in one log
//                                      │                      │               for all visits
//                                      └─► actions delivered ─┴─► ratings ─► finish ─► done
//
// What if we die here? Before the intent is on disk: the call never left. Between intent and
// outcome: the next process finds an open intent and records `unknown`; it never replays it. After
// the end: the next process delivers; the service knows every key and doubles nothing.
//
// A disk that refuses a write stops the visits that wait for it (their next tool call does not
// leave); what is in memory is still delivered, and written when there is room again. A visit with
// a damaged record is set aside in broken/, one whose persona is gone in rejected/, each with the
// reason and a log line; the others go on.
//
//   runner/outbox/  log (batches, one sync for many) ─► segments (files) ─► disk
//                   log_form, records, frame, visit_file: text and back · recovery · delivery
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/worker.hpp"
#include "catalog/record.hpp"
#include "runner/outbox/disk_step.hpp"
#include "runner/outbox/log.hpp"
#include "runner/outbox/records.hpp"

namespace clients {
class Auth;
}

namespace runner {

struct AsideCount;
struct Recovered;

struct OutboxOptions {
    std::filesystem::path folder;  // <state>/outbox, mode 0700; made when missing.
    std::chrono::milliseconds deliver_every{5'000};  // Actions of visits that still run.
    std::chrono::milliseconds retry_base{1'000};     // Half of it jitter, doubling …
    std::chrono::milliseconds retry_cap{60'000};     // … up to here.
    // The log, broken/ and rejected/ together: no visit opens above three quarters of it, no new
    // call of a running one is recorded above all of it.
    std::uint64_t bytes_max = 1ULL << 30;
    std::uint64_t segment_bytes = 8ULL << 20;  // Of one file of the log.
    std::chrono::milliseconds gather{4};       // See LogOptions.
    std::chrono::milliseconds disk_retry{1'000};
    std::chrono::milliseconds tidy_after{1'000};
    DiskFaults disk_faults;  // For tests and simulation; else empty.
};

// Stands in the module column of calls that never left (no such tool, input cut off); nobody rates
// it.
inline constexpr std::string_view unknown_module = "unknown";

// How the end of a visit is decided when nobody is left to say it (lease lost, deadline, restart).
catalog::VisitEnd end_of_abandoned(const VisitRecords& visit, std::string reason,
                                   catalog::VisitEnd::Source source);

// Resource of the loop thread. Coroutines throw Failure::unavailable when the disk refuses.
class Outbox {
  public:
    // Reads what an earlier process left: unfinished visits are closed as abandoned. Blocking;
    // built before the loop runs.
    Outbox(base::Loop& loop, base::Worker& disk, clients::Auth& auth, OutboxOptions options,
           base::Metrics& metrics, base::Random& random);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox();

    // Whether the disk takes a record: a full one is found before a visit is claimed, not by it.
    // What was refused already is tried again without it. What a person deleted of the visits set
    // aside is free again.
    base::Task<void> probe();
    base::Task<void> open(VisitRecords visit);
    // On disk when it returns. `so_far`: what the visit has used, should nobody be left to say it.
    base::Task<void> put_intent(catalog::Action action,
                                std::optional<catalog::VisitEnd> so_far = std::nullopt);
    base::Task<void> put_outcome(catalog::Action action);  // Same.
    // Ratings and end: the visit is complete. Counts of `end` (actions, ratings) are filled in
    // here.
    base::Task<void> close(std::string visit_id, std::vector<catalog::Rating> ratings,
                           catalog::VisitEnd end);
    // The same without waiting for the disk, for a visit that was dropped: open intents become
    // `unknown`, modules used become `missing` ratings. Harmless when it was closed before.
    void abandon(const std::string& visit_id, catalog::VisitEnd end);

    const VisitRecords* find(const std::string& visit_id) const;
    std::vector<const VisitRecords*> visits() const;  // All that are not yet forgotten.

    // Delivers for ever; owned by a Group. flush(): until nothing closed is left or `limit` is
    // over.
    base::Task<void> deliver();
    base::Task<bool> flush(base::Duration limit);

    // Why no visit may open: the log is full, or the disk refuses; empty when one may. Whoever
    // claims visits asks first.
    std::string refusal() const;
    std::size_t waiting_visits() const { return waiting_.size(); }  // Closed, not yet confirmed.
    std::size_t waiting_records() const { return waiting_records_; }
    std::chrono::milliseconds oldest_wait() const;
    std::uint64_t bytes() const { return log_.bytes(); }  // On disk.
    // Set aside for a person: the persona is gone; the disk had damaged their records.
    std::size_t rejected_visits() const { return rejected_visits_; }
    std::size_t broken_visits() const { return broken_visits_; }
    const std::string& last_error() const { return last_error_; }  // Of delivery; empty when well.

  private:
    struct Entry;
    using Due = std::pair<base::Steady, std::uint64_t>;  // When, and the visit's serial.

    Outbox(base::Loop& loop, base::Worker& disk, clients::Auth& auth, OutboxOptions options,
           base::Metrics& metrics, base::Random& random, Recovered found);
    void take_over(Recovered found);
    void take_aside(const AsideCount& count);

    Entry& entry_of(const std::string& visit_id);
    Entry& enter(VisitRecords visit, LogVisitPointer log);
    base::Task<void> kept(std::string visit_id, LogVisitPointer log, Log::Ticket ticket);
    base::Task<void> refuse(std::string reason);
    void closed(Entry& entry);
    void recount(Entry& entry);
    void remove(const std::string& visit_id);

    void queue(Entry& entry, base::Steady due);
    void unqueue(Entry& entry);
    void queue_again(Entry& entry);
    Entry* next_to_deliver();
    base::Duration until_next() const;
    base::Task<void> deliver_visit(std::string visit_id);
    base::Task<void> send_records(std::string visit_id);
    base::Task<bool> send_actions(std::string visit_id);
    base::Task<void> send_end(std::string visit_id);
    base::Task<void> set_aside(std::string visit_id, std::string reason);
    base::Task<void> wait_for_news();
    void delivery_failed(const std::string& visit_id, const base::Failure& failure);
    void well_again(Entry& entry);
    std::chrono::milliseconds pause_after(int failures);

    base::Loop& loop_;
    base::Worker& disk_;
    clients::Auth& auth_;
    const OutboxOptions options_;
    base::Metrics& metrics_;
    base::Random& random_;
    base::Gauge& visits_gauge_;
    const Disk files_;
    Log log_;
    std::map<std::string, std::unique_ptr<Entry>> entries_;
    std::map<Due, Entry*> closed_due_;   // Closed visits to deliver; they go first.
    std::map<Due, Entry*> running_due_;  // Running ones with settled actions to deliver.
    std::set<Due> waiting_;              // Closed ones by the time of their closing.
    std::size_t waiting_records_ = 0;
    std::size_t rejected_visits_ = 0, broken_visits_ = 0;
    base::Gate news_;  // Something to deliver, or delivered.
    base::Group deliveries_;
    std::string last_error_;
    int failures_in_row_ = 0;  // Of the service, whichever visit met them.
    int failing_visits_ = 0;   // Those whose last delivery failed.
    base::Steady retry_at_{};
};

}  // namespace runner
