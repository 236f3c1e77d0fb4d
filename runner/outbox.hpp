// The outbox: what visits recorded and the auth service has not yet confirmed. On disk before the
// next step, delivered until the service says that it holds every row, then deleted.
//
//   open ─► intent ─► (tool call) ─► outcome ─► … ─► close(ratings, end)        on disk, one file a
//   visit
//                                      │                      │
//                                      └─► actions delivered ─┴─► ratings ─► finish ─► file deleted
//
// What if we die here? Before the intent is on disk: the call never left. Between intent and
// outcome: the next process finds an open intent and records `unknown`; it never replays it. After
// the end: the next process delivers; the service knows every key and doubles nothing.
//
// A disk that refuses a write stops that visit (its next tool call does not leave); what is in
// memory is still delivered. A file that cannot be read is set aside in broken/, a visit whose
// persona is gone in rejected/, each with a log line; the others go on.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/group.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/worker.hpp"
#include "catalog/record.hpp"
#include "runner/outbox_disk.hpp"
#include "runner/outbox_file.hpp"

namespace clients {
class Auth;
}

namespace runner {

struct OutboxOptions {
    std::filesystem::path folder;  // <state>/outbox, mode 0700; made when missing.
    std::chrono::milliseconds deliver_every{5'000};  // Actions of visits that still run.
    std::chrono::milliseconds retry_base{1'000};     // Full jitter, doubling …
    std::chrono::milliseconds retry_cap{60'000};     // … up to here.
    DiskFaults disk_faults;                          // For tests and simulation; else empty.
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

    // Delivers for ever; owned by a Group. flush(): until nothing closed is left or `limit` is
    // over.
    base::Task<void> deliver();
    base::Task<bool> flush(base::Duration limit);

    std::size_t waiting_visits() const;  // Closed, not yet confirmed.
    std::size_t waiting_records() const;
    std::chrono::milliseconds oldest_wait() const;
    const std::string& last_error() const { return last_error_; }  // Of delivery; empty when well.

  private:
    struct Entry;

    void recover(const std::filesystem::path& file);
    void append(Entry& entry, std::string line);
    base::Task<void> written(std::string visit_id, std::uint64_t ticket);
    base::Task<void> write_batches();
    base::Task<void> put(std::string visit_id, std::string line);
    base::Task<void> deliver_visit(std::string visit_id);
    base::Task<void> send_records(std::string visit_id);
    base::Task<bool> send_actions(std::string visit_id);
    base::Task<void> send_end(std::string visit_id);
    base::Task<void> wait_for_news();
    base::Task<void> wait_for_disk();
    std::string next_to_deliver() const;
    void deliver_later(const std::string& reason);
    void set_aside(Entry& entry, const std::string& reason);
    void remove(const std::string& visit_id);
    void count();
    Entry& entry_of(const std::string& visit_id);

    base::Loop& loop_;
    base::Worker& disk_;
    clients::Auth& auth_;
    const OutboxOptions options_;
    const std::shared_ptr<const DiskFaults> disk_faults_;
    base::Metrics& metrics_;
    base::Random& random_;
    std::map<std::string, std::unique_ptr<Entry>> entries_;
    std::vector<OutboxWrite> pending_;
    bool writing_ = false;  // A batch is under way.
    base::Gate work_;       // Something to write.
    base::Gate on_disk_;    // A batch is through.
    base::Gate news_;       // Something to deliver, or delivered.
    base::Group writers_;
    base::Group deliveries_;
    std::string last_error_;
    int failures_in_row_ = 0;
    base::Steady retry_at_{};
};

}  // namespace runner
