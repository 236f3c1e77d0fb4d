#include "runner/outbox/log.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "runner/outbox/log_form.hpp"

namespace runner {

namespace {

constexpr std::size_t log_gather_above = 8;            // Visits; fewer ones do not wait.
constexpr std::size_t log_moved_bytes_max = 1U << 17;  // Per batch: some 3 ms of the loop.
constexpr std::chrono::milliseconds log_refused_pause{20};

}  // namespace

struct Log::Job {
    std::string text;
    bool sync = false;
    std::vector<std::uint64_t> removals;
    std::vector<std::filesystem::path> files;
};

struct Log::Done {
    Segments::Appended appended;
    std::vector<std::uint64_t> removed;
    std::string removal_error;
};

Log::Log(base::Loop& loop, base::Worker& worker, Disk disk, LogOptions options,
         base::Metrics& metrics, std::function<std::string(const LogVisit&)> whole_of)
    : loop_(loop),
      worker_(worker),
      disk_(std::move(disk)),
      options_(std::move(options)),
      whole_of_(std::move(whole_of)),
      files_(std::make_shared<Segments>(options_.folder, options_.segment_bytes, options_.newest,
                                        disk_)),
      work_(loop),
      settled_even_(loop),
      settled_odd_(loop),
      news_(loop),
      syncs_(metrics.counter("persona_outbox_syncs_total", "Batches written to the outbox's log")),
      refusals_(metrics.counter("persona_outbox_write_errors_total",
                                "Batches that the outbox's disk refused")),
      bytes_gauge_(metrics.gauge("persona_outbox_bytes", "Size of the outbox on disk")),
      segments_gauge_(metrics.gauge("persona_outbox_segments", "Files of the outbox's log")),
      writer_(loop) {
    for (const auto& [number, bytes] : options_.segments) {
        segments_[number].bytes = bytes;
        log_bytes_ += bytes;
    }
    writer_.add(write_for_ever());
}

Log::~Log() = default;

LogVisitPointer Log::enter(std::string visit_id) {
    auto visit = std::make_shared<LogVisit>();
    visit->id = std::move(visit_id);
    adopt(visit);
    return visit;
}

void Log::adopt(const LogVisitPointer& visit) {
    visit->serial = next_serial_++;
    ++live_;
    needed_bytes_ += visit->bytes;
    if (visit->segment != 0) hold(visit, visit->segment);
}

void Log::pin(std::uint64_t segment) {
    segments_[segment].pinned = true;
}

void Log::hold(const LogVisitPointer& visit, std::uint64_t segment) {
    release(*visit);
    visit->segment = segment;
    segments_[segment].holders.emplace(visit->serial, visit);
}

void Log::release(LogVisit& visit) {
    const auto place = segments_.find(visit.segment);
    if (place != segments_.end()) place->second.holders.erase(visit.serial);
}

void Log::put(const LogVisitPointer& visit, std::string_view record) {
    const std::size_t before = pending_.text.size();
    append_log_line(pending_.text, visit->id, ++visit->number, record);
    const std::size_t bytes = pending_.text.size() - before;
    visit->bytes += bytes;
    needed_bytes_ += bytes;
    pending_.fresh = true;
    if (visit->batch != begun_ + 1) pending_.visits.push_back(visit);
    visit->batch = begun_ + 1;
}

Log::Ticket Log::append(const LogVisitPointer& visit, std::string_view record) {
    put(visit, record);
    pending_.sync = true;
    work_.notify();
    return begun_ + 1;
}

Log::Ticket Log::append_whole(const LogVisitPointer& visit) {
    needed_bytes_ -= visit->bytes;
    visit->bytes = 0;
    visit->moving = true;
    pending_.moved.push_back(visit);
    return append(visit, whole_of_(*visit));
}

void Log::finish(const LogVisitPointer& visit) {
    put(visit, done_text);
    visit->done = true;
    release(*visit);
    needed_bytes_ -= visit->bytes;
    --live_;
    // Of no hurry while others record: the line goes along with theirs.
    if (live_ == 0) work_.notify();
}

void Log::replace(std::filesystem::path file) {
    pending_.files.push_back(std::move(file));
    work_.notify();
}

base::Gate& Log::gate_of(Ticket ticket) {
    return ticket % 2 == 0 ? settled_even_ : settled_odd_;
}

base::Task<void> Log::probe() {
    LogVisitPointer nobody = enter("probe");
    finish(nobody);
    pending_.sync = true;
    work_.notify();
    return written(std::move(nobody), begun_ + 1);
}

base::Task<void> Log::written(LogVisitPointer visit, Ticket ticket) {
    while (settled_ < ticket && visit->error.empty()) co_await gate_of(ticket).wait();
    if (visit->error.empty()) co_return;
    throw base::Failure{base::Failure::Kind::unavailable,
                        fmt::format("outbox: {}; free space in {} or mend its disk", visit->error,
                                    options_.folder.string())};
}

std::uint64_t Log::bytes() const {
    return log_bytes_ + pending_.text.size() + aside_bytes_;
}

base::Task<void> Log::wait_for_work() {
    co_await work_.wait();
}

base::Task<void> Log::wait_for_news() {
    co_await news_.wait();
}

bool Log::is_idle() const {
    return pending_.empty() && live_ == 0 && !unneeded(true).empty();
}

// Until there is something to write, or nothing has been needed for so long that the last segment
// may go.
base::Task<void> Log::wait_for_batch() {
    while (pending_.empty()) {
        if (!is_idle()) {
            co_await work_.wait();
        } else if (hurry_) {
            co_return;
        } else {
            const bool work = co_await loop_.within(options_.tidy_after, wait_for_work());
            if (!work && is_idle()) co_return;
        }
    }
    if (!disk_error_.empty() && !pending_.fresh) {
        co_await loop_.within(options_.retry, wait_for_work());
    }
    // What comes in meanwhile shares the sync.
    const bool refused = !disk_error_.empty();
    if (!refused && live_ <= log_gather_above) co_return;
    co_await loop_.sleep_until(last_begin_ + (refused ? log_refused_pause : options_.gather));
}

base::Task<void> Log::write_for_ever() {
    for (;;) {
        co_await wait_for_batch();
        move_old_visits();
        co_await write_batch(unneeded(is_idle()));
    }
}

// Oldest first, up to the first one that is needed. The newest one is written to; it goes only
// when `all` says that nobody is there.
std::vector<std::uint64_t> Log::unneeded(bool all) const {
    std::vector<std::uint64_t> numbers;
    for (auto place = segments_.begin(); place != segments_.end(); ++place) {
        if (place->second.pinned || !place->second.holders.empty()) break;
        if (!all && std::next(place) == segments_.end()) break;
        numbers.push_back(place->first);
    }
    return numbers;
}

void Log::move_old_visits() {
    if (segments_.size() < 3 || !disk_error_.empty()) return;
    if (log_bytes_ <= 2 * needed_bytes_ + 2 * options_.segment_bytes) return;
    for (const auto& [serial, visit] : segments_.begin()->second.holders) {
        if (pending_.text.size() > log_moved_bytes_max) return;
        if (!visit->moving) append_whole(visit);
    }
}

base::Task<void> Log::write_batch(std::vector<std::uint64_t> removals) {
    Batch batch = std::exchange(pending_, Batch{});
    ++begun_;
    last_begin_ = loop_.now();
    auto job = std::make_shared<Job>();
    job->text = std::move(batch.text);
    job->sync = batch.sync || !removals.empty() || !batch.files.empty();
    job->removals = std::move(removals);
    job->files = batch.files;
    const std::function<Done()> work = [job, files = files_, disk = disk_] {
        Done done;
        done.appended = files->append(job->text, job->sync);
        if (!done.appended.error.empty()) return done;
        for (const std::uint64_t number : job->removals) {
            done.removal_error = files->remove(number);
            if (!done.removal_error.empty()) return done;
            done.removed.push_back(number);
        }
        for (const std::filesystem::path& file : job->files) {
            done.removal_error = disk.remove(file);
            if (!done.removal_error.empty()) return done;
        }
        if (!job->files.empty())
            done.removal_error = disk.sync_folder(job->files.front().parent_path());
        return done;
    };
    const Done done = co_await worker_.run<Done>(work);
    batch.text = std::move(job->text);
    settle(std::move(batch), done);
    // A file that cannot be deleted is tried again with the next batch, not in a circle.
    if (!done.removal_error.empty()) co_await loop_.sleep(log_refused_pause);
}

void Log::settle(Batch batch, const Done& done) {
    ++settled_;
    if (done.appended.error.empty()) {
        accepted(std::move(batch), done);
    } else {
        refused(std::move(batch), done.appended.error);
    }
    count();
    gate_of(settled_).notify();
    news_.notify();
}

void Log::accepted(Batch batch, const Done& done) {
    if (!disk_error_.empty()) base::log_info("outbox disk writes again");
    disk_error_.clear();
    if (!done.appended.trouble.empty()) {
        base::log_warning("outbox segment given up, its records written anew",
                          {{"reason", done.appended.trouble}});
    }
    if (!batch.text.empty()) syncs_.add();
    if (const std::uint64_t number = done.appended.segment; number != 0) {
        Segment& segment = segments_[number];
        log_bytes_ += done.appended.bytes - segment.bytes;
        segment.bytes = done.appended.bytes;
        for (const LogVisitPointer& visit : batch.visits) {
            if (!visit->done && visit->segment == 0) hold(visit, number);
        }
        for (const LogVisitPointer& visit : batch.moved) {
            if (!visit->done) hold(visit, number);
            visit->moving = false;
        }
    }
    for (const std::uint64_t number : done.removed) {
        log_bytes_ -= segments_[number].bytes;
        segments_.erase(number);
    }
    if (!done.removal_error.empty()) {
        base::log_error("outbox file left behind", {{"reason", done.removal_error}});
    }
}

// Its records stay in memory, in their order, in front of what came in meanwhile.
void Log::refused(Batch batch, const std::string& error) {
    for (const LogVisitPointer& visit : batch.visits) visit->error = error;
    if (disk_error_ != error) {
        base::log_error("outbox write failed",
                        {{"visits", batch.visits.size()}, {"reason", error}});
    }
    disk_error_ = error;
    refusals_.add();
    batch.text += pending_.text;
    batch.sync = batch.sync || pending_.sync;
    batch.fresh = pending_.fresh;
    const auto join = [](auto& all, auto& more) {
        all.insert(all.end(), more.begin(), more.end());
    };
    join(batch.visits, pending_.visits);
    join(batch.moved, pending_.moved);
    join(batch.files, pending_.files);
    pending_ = std::move(batch);
}

void Log::count() {
    bytes_gauge_.set(static_cast<double>(bytes()));
    segments_gauge_.set(static_cast<double>(segments_.size()));
}

base::Task<bool> Log::tidy(base::Duration limit) {
    const base::Steady until = loop_.now() + limit;
    hurry_ = true;
    work_.notify();
    const auto is_tidy = [this] { return pending_.empty() && settled_ == begun_ && !is_idle(); };
    while (!is_tidy() && loop_.now() < until) {
        co_await loop_.within(until - loop_.now(), wait_for_news());
    }
    hurry_ = false;
    co_return is_tidy();
}

}  // namespace runner
