// The log of all visits' records: written in batches, one sync for all that came in while the disk
// was busy (group commit).
//
//   append ─► pending batch ─► (worker) write, fdatasync ─► written() answers
//                 ▲                  │ refused: back to the front, the visits in it are told,
//                 └──────────────────┘ tried again until there is room
//
// A segment is deleted when no visit needs it any more, oldest first, so that a visit's records
// never outlive the line that says it is done. A visit that lives long is written anew at the end
// when the log holds twice of what is needed, so it keeps no old segment alive.
//
// Bounded: `is_full()` ends new visits' opening at three quarters of bytes_max, `is_overfull()` new
// calls of running ones at all of it; outcomes and ends are always taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/group.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/worker.hpp"
#include "runner/outbox/segments.hpp"

namespace runner {

struct LogOptions {
    std::filesystem::path folder;
    std::uint64_t bytes_max = 1ULL << 30;
    std::uint64_t segment_bytes = 8ULL << 20;
    std::chrono::milliseconds gather{4};          // Between two syncs, when many visits record.
    std::chrono::milliseconds retry{1'000};       // After a refused write; sooner with news.
    std::chrono::milliseconds tidy_after{1'000};  // Idle so long: the last segment goes too.
    // What recovery found: segments with their bytes, the highest number ever seen.
    std::map<std::uint64_t, std::uint64_t> segments;
    std::uint64_t newest = 0;
};

// A visit's standing in the log. Made by Log::enter(), shared by the log and its owner.
struct LogVisit {
    std::string id;
    std::uint64_t serial = 0;
    std::uint64_t number = 0;   // Of its newest record.
    std::uint64_t segment = 0;  // The oldest one it needs; 0: none is on disk.
    std::uint64_t bytes = 0;    // Of the records it needs.
    std::uint64_t batch = 0;    // The newest one it is in.
    bool moving = false;        // Its whole is on the way to the disk.
    bool done = false;
    std::string error;  // Why the disk refused a record of it; stays.
};
using LogVisitPointer = std::shared_ptr<LogVisit>;

// Resource of the loop thread.
class Log {
  public:
    using Ticket = std::uint64_t;

    // `whole_of`: the visit in one record (whole_text), asked for when a segment is to be freed.
    Log(base::Loop& loop, base::Worker& worker, Disk disk, LogOptions options,
        base::Metrics& metrics, std::function<std::string(const LogVisit&)> whole_of);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    LogVisitPointer enter(std::string visit_id);
    // A visit that recovery found; its numbers are set.
    void adopt(const LogVisitPointer& visit);
    // Keeps a segment for ever: it holds what could not be set aside.
    void pin(std::uint64_t segment);

    Ticket append(const LogVisitPointer& visit, std::string_view record);
    Ticket append_whole(const LogVisitPointer& visit);
    // No record of the visit is needed any more. Not awaited: it shares some later sync.
    void finish(const LogVisitPointer& visit);
    // A file whose content is in the log now: deleted once that is on disk.
    void replace(std::filesystem::path file);

    // Returns when the disk took a line that nobody needs. Throws like written().
    base::Task<void> probe();

    // Returns when the ticket's batch is on disk. Throws Failure::unavailable when the disk refused
    // a record of the visit.
    base::Task<void> written(LogVisitPointer visit, Ticket ticket);

    bool is_full() const { return bytes() >= options_.bytes_max / 4 * 3; }
    bool is_overfull() const { return bytes() >= options_.bytes_max; }
    std::uint64_t bytes() const;  // Of the log and of what was set aside.
    std::uint64_t aside_bytes() const { return aside_bytes_; }
    void set_aside_bytes(std::uint64_t bytes) { aside_bytes_ = bytes; }
    const std::string& disk_error() const { return disk_error_; }  // Empty: the last write went.
    const LogOptions& options() const { return options_; }

    // Until everything is on disk and no file is left that nobody needs, or the limit is over.
    base::Task<bool> tidy(base::Duration limit);

  private:
    struct Segment {
        std::uint64_t bytes = 0;
        std::map<std::uint64_t, LogVisitPointer> holders;  // By serial; it is their oldest one.
        bool pinned = false;
    };
    struct Batch {
        std::string text;
        bool sync = false;
        bool fresh = false;  // Holds records that no write was tried for.
        std::vector<LogVisitPointer> visits;
        std::vector<LogVisitPointer> moved;        // Whose whole is in it.
        std::vector<std::filesystem::path> files;  // To be deleted after the sync.
        bool empty() const { return text.empty() && files.empty(); }
    };
    struct Job;
    struct Done;

    void put(const LogVisitPointer& visit, std::string_view record);
    void hold(const LogVisitPointer& visit, std::uint64_t segment);
    void release(LogVisit& visit);
    base::Task<void> write_for_ever();
    base::Task<void> wait_for_batch();
    base::Task<void> write_batch(std::vector<std::uint64_t> removals);
    base::Task<void> wait_for_work();
    base::Task<void> wait_for_news();
    void move_old_visits();
    std::vector<std::uint64_t> unneeded(bool all) const;
    bool is_idle() const;  // Nothing to write, but something to delete.
    void settle(Batch batch, const Done& done);
    void accepted(Batch batch, const Done& done);
    void refused(Batch batch, const std::string& error);
    void count();
    base::Gate& gate_of(Ticket ticket);

    base::Loop& loop_;
    base::Worker& worker_;
    const Disk disk_;
    const LogOptions options_;
    const std::function<std::string(const LogVisit&)> whole_of_;
    const std::shared_ptr<Segments> files_;
    std::map<std::uint64_t, Segment> segments_;
    std::uint64_t log_bytes_ = 0;  // Of all segments.
    std::uint64_t needed_bytes_ = 0;
    std::uint64_t aside_bytes_ = 0;
    std::uint64_t next_serial_ = 1;
    std::size_t live_ = 0;  // Visits that are not done.
    Batch pending_;
    Ticket begun_ = 0;    // Batches handed to the disk …
    Ticket settled_ = 0;  // … and answered.
    base::Steady last_begin_{};
    std::string disk_error_;
    bool hurry_ = false;  // tidy(): do not wait for idleness.
    base::Gate work_;
    base::Gate settled_even_;  // Tickets of two batches in a row wait apart: no needless waking.
    base::Gate settled_odd_;
    base::Gate news_;
    base::Counter& syncs_;
    base::Counter& refusals_;
    base::Gauge& bytes_gauge_;
    base::Gauge& segments_gauge_;
    base::Group writer_;
};

}  // namespace runner
