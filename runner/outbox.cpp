#include "runner/outbox.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "clients/auth.hpp"
#include "runner/outbox_entry.hpp"
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

std::string read_whole(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw Failure{Failure::Kind::unavailable, "cannot be opened for reading"};
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// Files of one visit are named after it; a visit id from the service is not trusted as a path.
std::filesystem::path file_of(const std::filesystem::path& folder, const std::string& visit_id) {
    const bool plain =
        visit_id.size() <= 64 && visit_id.find_first_not_of(
                                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-_") == std::string::npos;
    const std::string name = plain ? visit_id : base::to_hex(base::sha256(visit_id)).substr(0, 40);
    return folder / (name + ".visit");
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
    : loop_(loop),
      disk_(disk),
      auth_(auth),
      options_(std::move(options)),
      disk_faults_(std::make_shared<const DiskFaults>(options_.disk_faults)),
      metrics_(metrics),
      random_(random),
      work_(loop),
      on_disk_(loop),
      news_(loop),
      writers_(loop),
      deliveries_(loop) {
    namespace fs = std::filesystem;
    for (const fs::path& folder :
         {options_.folder, options_.folder / "broken", options_.folder / "rejected"}) {
        fs::create_directories(folder);
        fs::permissions(folder, fs::perms::owner_all);
    }
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(options_.folder)) {
        if (item.is_regular_file() && item.path().extension() == ".visit")
            files.push_back(item.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) recover(file);
    if (!files.empty()) {
        base::log_info("outbox recovered",
                       {{"visits", entries_.size()}, {"records", waiting_records()}});
    }
    writers_.add(write_batches());
    count();
}

Outbox::~Outbox() = default;

// Called before the loop runs, so it may read and write in place.
void Outbox::recover(const std::filesystem::path& file) {
    try {
        OutboxFile found = read_outbox_file(read_whole(file));
        if (found.visit.visit_id.empty()) {
            // We died while opening it; no step of the visit had left.
            std::filesystem::remove(file);
            return;
        }
        auto entry = std::make_unique<Entry>();
        entry->records = std::move(found.visit);
        entry->file = std::make_shared<VisitFile>(file, found.bytes_read, disk_faults_);
        entry->changed_at = loop_.now();
        const std::string visit_id = entry->records.visit_id;
        const bool finished = entry->records.end.has_value();
        if (!entries_.emplace(visit_id, std::move(entry)).second) {
            throw Failure{Failure::Kind::conflict, "another file holds the same visit"};
        }
        if (!finished) {
            abandon(visit_id, end_of_abandoned(entries_[visit_id]->records,
                                               "the runner stopped during the visit",
                                               VisitEnd::Source::infra));
        }
    } catch (const Failure& failure) {
        // One damaged file must not keep the others from being delivered: it is set aside for a
        // person.
        const auto aside = options_.folder / "broken" / file.filename();
        std::filesystem::rename(file, aside);
        base::log_error("outbox file set aside",
                        {{"file", aside.string()}, {"reason", failure.what()}});
        metrics_
            .counter("persona_outbox_broken_files_total", "Outbox files set aside as unreadable")
            .add();
    }
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

void Outbox::append(Entry& entry, std::string line) {
    entry.changed_at = loop_.now();
    pending_.push_back({entry.file, entry.records.visit_id, std::move(line), ++entry.last_ticket});
    work_.notify();
}

// One batch at a time: what came in while the disk was busy goes into the next, with one sync a
// file.
base::Task<void> Outbox::write_batches() {
    for (;;) {
        while (pending_.empty()) co_await work_.wait();
        auto batch = std::make_shared<std::vector<OutboxWrite>>(std::exchange(pending_, {}));
        writing_ = true;
        const std::function<std::vector<std::string>()> job = [batch] {
            return write_to_disk(*batch);
        };
        const std::vector<std::string> errors = co_await disk_.run<std::vector<std::string>>(job);
        for (std::size_t i = 0; i < batch->size(); ++i) {
            const auto found = entries_.find((*batch)[i].visit_id);
            if (found == entries_.end()) {
                if (!errors[i].empty())
                    base::log_error("outbox file left behind", {{"reason", errors[i]}});
                continue;
            }
            Entry& entry = *found->second;
            if (errors[i].empty()) {
                entry.written = (*batch)[i].ticket;
                continue;
            }
            if (entry.disk_error.empty()) {
                base::log_error("outbox write failed", {{"persona", entry.records.persona},
                                                        {"visit", entry.records.visit_id},
                                                        {"reason", errors[i]}});
            }
            entry.disk_error = errors[i];
            metrics_.counter("persona_outbox_write_errors_total", "Outbox writes the disk refused")
                .add();
        }
        writing_ = false;
        on_disk_.notify();
    }
}

base::Task<void> Outbox::written(std::string visit_id, std::uint64_t ticket) {
    for (;;) {
        const auto found = entries_.find(visit_id);
        if (found == entries_.end()) co_return;
        if (!found->second->disk_error.empty()) {
            throw Failure{Failure::Kind::unavailable,
                          fmt::format("outbox: {}; free space in {}", found->second->disk_error,
                                      options_.folder.string())};
        }
        if (!found->second->refused.empty()) {
            throw Failure{Failure::Kind::conflict,
                          fmt::format("the auth service refuses this visit's records: {}",
                                      found->second->refused)};
        }
        if (found->second->written >= ticket) co_return;
        co_await on_disk_.wait();
    }
}

base::Task<void> Outbox::put(std::string visit_id, std::string line) {
    Entry& entry = entry_of(visit_id);
    append(entry, std::move(line));
    return written(std::move(visit_id), entry.last_ticket);
}

base::Task<void> Outbox::open(VisitRecords visit) {
    auto entry = std::make_unique<Entry>();
    entry->records = std::move(visit);
    entry->file = std::make_shared<VisitFile>(file_of(options_.folder, entry->records.visit_id), 0,
                                              disk_faults_);
    const std::string visit_id = entry->records.visit_id;
    std::string line = header_line(entry->records);
    const bool fresh = entries_.emplace(visit_id, std::move(entry)).second;
    base::require(fresh, "a visit is opened once");
    count();
    return put(visit_id, std::move(line));
}

base::Task<void> Outbox::put_intent(Action action, std::optional<VisitEnd> so_far) {
    Entry& entry = entry_of(action.visit_id);
    base::require(!entry.records.end, "a closed visit takes no action");
    std::string line = intent_line(action, so_far);
    entry.records.so_far = std::move(so_far);
    const std::string visit_id = action.visit_id;
    entry.records.actions.push_back(std::move(action));
    entry.records.settled.push_back(false);
    return put(visit_id, std::move(line));
}

base::Task<void> Outbox::put_outcome(Action action) {
    Entry& entry = entry_of(action.visit_id);
    base::require(!entry.records.settled.empty() && !entry.records.settled.back() &&
                      entry.records.actions.back().seq == action.seq,
                  "an outcome follows its intent");
    std::string line = outcome_line(action);
    const std::string visit_id = action.visit_id;
    entry.records.actions.back() = std::move(action);
    entry.records.settled.back() = true;
    return put(visit_id, std::move(line));
}

base::Task<void> Outbox::close(std::string visit_id, std::vector<catalog::Rating> ratings,
                               VisitEnd end) {
    Entry& entry = entry_of(visit_id);
    base::require(!entry.records.end, "a visit is closed once");
    end.actions = static_cast<int>(entry.records.actions.size());
    end.ratings = static_cast<int>(ratings.size());
    std::string lines;
    for (const catalog::Rating& rating : ratings) lines += rating_line(rating);
    lines += end_line(end);
    entry.records.ratings = std::move(ratings);
    entry.records.end = std::move(end);
    count();
    news_.notify();
    return put(std::move(visit_id), std::move(lines));
}

void Outbox::abandon(const std::string& visit_id, VisitEnd end) {
    const auto found = entries_.find(visit_id);
    if (found == entries_.end() || found->second->records.end) return;
    VisitRecords& records = found->second->records;
    std::string lines;
    for (std::size_t i = 0; i < records.actions.size(); ++i) {
        if (records.settled[i]) continue;
        records.actions[i].outcome = Action::Outcome::unknown;
        records.actions[i].error_message = no_answer_text;
        records.settled[i] = true;
        lines += outcome_line(records.actions[i]);
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
        lines += rating_line(row);
        records.ratings.push_back(std::move(row));
    }
    end.actions = static_cast<int>(records.actions.size());
    end.ratings = static_cast<int>(records.ratings.size());
    lines += end_line(end);
    records.end = std::move(end);
    append(*found->second, std::move(lines));
    count();
    news_.notify();
}

std::size_t Outbox::waiting_visits() const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(),
                      [](const auto& item) { return item.second->records.end.has_value(); }));
}

std::size_t Outbox::waiting_records() const {
    std::size_t records = 0;
    for (const auto& [id, entry] : entries_) {
        records += entry->records.actions.size() - entry->records.actions_delivered;
        if (entry->records.end) records += entry->records.ratings.size() + 1;
    }
    return records;
}

std::chrono::milliseconds Outbox::oldest_wait() const {
    base::Duration oldest{0};
    for (const auto& [id, entry] : entries_) {
        if (entry->records.end) oldest = std::max(oldest, loop_.now() - entry->changed_at);
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(oldest);
}

void Outbox::count() {
    metrics_
        .gauge("persona_outbox_visits", "Visits on disk that the auth service has not confirmed")
        .set(static_cast<double>(waiting_visits()));
}

void Outbox::remove(const std::string& visit_id) {
    const auto found = entries_.find(visit_id);
    if (found == entries_.end()) return;
    const std::shared_ptr<VisitFile> file = found->second->file;
    entries_.erase(found);
    pending_.push_back({file, visit_id, std::string(), 0});  // An empty write: delete the file.
    work_.notify();
    count();
}

}  // namespace runner
