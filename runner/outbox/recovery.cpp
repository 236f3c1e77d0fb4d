#include "runner/outbox/recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "runner/outbox/aside.hpp"
#include "runner/outbox/frame.hpp"
#include "runner/outbox/log_form.hpp"
#include "runner/outbox/segments.hpp"
#include "runner/outbox/visit_file.hpp"

namespace runner {

namespace {

namespace fs = std::filesystem;
using base::Failure;

constexpr std::string_view recovery_file_ending = ".visit";

struct Recovery {
    const Disk& disk;
    const fs::path& folder;
    base::Metrics& metrics;
    Recovered found;

    fs::path broken() const { return folder / "broken"; }
    void count_broken(std::string_view what) {
        metrics
            .counter("persona_outbox_broken_total", "What of the outbox was set aside as damaged",
                     {{"what", std::string(what)}})
            .add();
    }
};

void make_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (!failed) fs::permissions(folder, fs::perms::owner_all, failed);
    if (failed) {
        throw Failure{Failure::Kind::unavailable,
                      fmt::format("cannot make the outbox's folder {}: {}", folder.string(),
                                  failed.message())};
    }
}

void tell_of(const Recovery& recovery, std::string_view event, const std::string& name,
             const std::string& reason, const std::string& error) {
    if (error.empty()) {
        base::log_error(event, {{"kept", (recovery.broken() / name).string()}, {"reason", reason}});
    } else {
        base::log_error(event,
                        {{"kept", "nowhere, it stays where it is: " + error}, {"reason", reason}});
    }
}

// A damaged segment's bytes outlive the segment: a second name, and the places in a file beside it.
void keep_damaged_segments(Recovery& recovery, const LogContent& content) {
    std::map<std::uint64_t, std::string> places;
    for (const LogContent::Damage& damage : content.damages) {
        places[damage.segment] += fmt::format("bytes {} to {} are damaged\n", damage.offset,
                                              damage.offset + damage.bytes);
    }
    for (const auto& [number, text] : places) {
        const fs::path segment = segment_path(recovery.folder, number);
        const fs::path kept = recovery.broken() / segment.filename();
        if (fs::exists(kept)) continue;  // Told by an earlier start.
        std::string error = recovery.disk.link(segment, kept);
        if (error.empty()) {
            error = recovery.disk.write_whole(
                recovery.broken() / (segment.stem().string() + ".reason"), text);
        }
        tell_of(recovery, "outbox log damaged", segment.filename(), text.substr(0, text.find('\n')),
                error);
        recovery.count_broken("segment");
    }
}

// The disk's fault or the file's, which nobody mends by trying again. Missing rights and missing
// descriptors are not: there the records are whole.
bool is_beyond_reading(int error) {
    switch (error) {
        case EIO:
        case EUCLEAN:
        case EBADMSG:
        case ELOOP:
        case ENXIO:
        case EFBIG:
        case EOVERFLOW: return true;
        default: return false;
    }
}

// The log goes on without it. Where it cannot be moved it stays, untouched, and the next start
// tells of it again.
void set_segment_aside(Recovery& recovery, std::uint64_t number, const std::string& reason) {
    const fs::path segment = segment_path(recovery.folder, number);
    const fs::path kept = recovery.broken() / segment.filename();
    // There already: its second name from when it could still be read. Numbers are used once.
    const bool named = fs::exists(fs::symlink_status(kept));
    std::string error = named ? recovery.disk.remove(segment) : recovery.disk.rename(segment, kept);
    if (error.empty()) {
        error = recovery.disk.write_whole(
            recovery.broken() / (segment.stem().string() + std::string(unreadable_ending)),
            reason + '\n');
    }
    if (error.empty()) error = recovery.disk.sync_folder(recovery.folder);
    tell_of(recovery, "outbox segment set aside", segment.filename(),
            reason + "; visits with records in it are broken or, if all stood there, unknown",
            error);
    recovery.count_broken("segment");
}

// All segments, oldest first; what cannot be read is set aside and out of the log.
LogContent read_segments(Recovery& recovery) {
    LogReader reader;
    auto& segments = recovery.found.segments;
    for (auto at = segments.begin(); at != segments.end();) {
        const Disk::Content content = recovery.disk.read(segment_path(recovery.folder, at->first));
        if (content.error == 0) {
            reader.read(at->first, content.text);
            ++at;
            continue;
        }
        if (!is_beyond_reading(content.error)) {
            throw Failure{
                Failure::Kind::unavailable,
                fmt::format("{}: records of visits wait in it, so the daemon does not start "
                            "without it; let the daemon's user read it, or move it away, and its "
                            "records are not delivered",
                            content.reason)};
        }
        reader.miss();
        set_segment_aside(recovery, at->first, content.reason);
        at = segments.erase(at);
    }
    return reader.finish();
}

// In the form of a visit's file, so that a person reads both the same way.
std::string text_of_loose(const std::map<std::uint64_t, std::string>& records) {
    std::string text;
    for (const auto& [number, record] : records) append_guarded(text, record);
    return text;
}

void set_broken_aside(Recovery& recovery, const LogContent& content) {
    if (content.broken.empty()) return;
    LooseRecords records;
    for (const LogContent::Broken& broken : content.broken) records[broken.visit_id];
    for (const auto& [number, bytes] : recovery.found.segments) {
        // Read a moment ago; a disk that fails now leaves its records out.
        collect_records(recovery.disk.read(segment_path(recovery.folder, number)).text, records);
    }
    for (const LogContent::Broken& broken : content.broken) {
        const std::string name = aside_name(broken.visit_id);
        const std::string error = put_aside(recovery.disk, recovery.broken(), name,
                                            text_of_loose(records[broken.visit_id]), broken.reason);
        tell_of(recovery, "outbox visit set aside", name + std::string(recovery_file_ending),
                fmt::format("visit {}: {}", broken.visit_id, broken.reason), error);
        recovery.count_broken("visit");
        recovery.found.broken.push_back(
            {broken.visit_id, broken.number, error.empty(), broken.segment});
    }
}

void read_log(Recovery& recovery, std::set<std::string>& known) {
    LogContent content = read_segments(recovery);
    keep_damaged_segments(recovery, content);
    set_broken_aside(recovery, content);
    known = std::move(content.done);
    for (const LogContent::Broken& broken : content.broken) known.insert(broken.visit_id);
    for (LogContent::Visit& visit : content.visits) {
        const std::string& id = visit.records.visit_id;
        known.insert(id);
        const bool doubtful = content.doubtful.contains(id);
        recovery.found.visits.push_back({.records = std::move(visit.records),
                                         .number = visit.number,
                                         .segment = visit.segment,
                                         .bytes = visit.bytes,
                                         .may_lack_records = doubtful});
    }
}

void move_broken_file(Recovery& recovery, const fs::path& file, const std::string& reason) {
    std::string error = recovery.disk.write_whole(
        recovery.broken() / (file.stem().string() + ".reason"), reason + '\n');
    if (error.empty()) error = recovery.disk.rename(file, recovery.broken() / file.filename());
    if (error.empty()) error = recovery.disk.sync_folder(recovery.broken());
    if (error.empty()) error = recovery.disk.sync_folder(recovery.folder);
    tell_of(recovery, "outbox file set aside", file.filename(), reason, error);
    recovery.count_broken("file");
}

// A file of an earlier version, which kept one per visit. Its visit goes into the log as a whole.
void read_old_file(Recovery& recovery, const fs::path& file, std::set<std::string>& known,
                   std::set<std::string>& of_files) {
    try {
        VisitFile read = read_visit_file(read_all_there_is(file));
        const std::string visit_id = read.visit.visit_id;
        if (of_files.contains(visit_id)) {
            throw Failure{Failure::Kind::conflict, "another file holds the same visit"};
        }
        if (visit_id.empty() || known.contains(visit_id)) {
            // Cut before any step of the visit had left, or in the log already.
            const std::string error = recovery.disk.remove(file);
            if (!error.empty()) base::log_error("outbox file left behind", {{"reason", error}});
            return;
        }
        of_files.insert(visit_id);
        recovery.found.visits.push_back({.records = std::move(read.visit), .file = file});
    } catch (const Failure& failure) {
        // One damaged file must not keep the others from being delivered: it is set aside for a
        // person.
        move_broken_file(recovery, file, failure.what());
    }
}

}  // namespace

Recovered recover_outbox(const Disk& disk, const fs::path& folder, base::Metrics& metrics) {
    Recovery recovery{disk, folder, metrics, {}};
    for (const fs::path& one : {folder, folder / "broken", folder / "rejected"}) make_folder(one);
    recovery.found.segments = segments_in(folder);
    for (const fs::path& one : {folder, recovery.broken()}) {
        const auto there = segments_in(one);
        if (!there.empty())
            recovery.found.newest = std::max(recovery.found.newest, there.rbegin()->first);
    }
    std::set<std::string> known, of_files;
    read_log(recovery, known);
    std::vector<fs::path> files;
    for (const auto& item : fs::directory_iterator(folder)) {
        if (item.is_regular_file() && item.path().extension() == recovery_file_ending)
            files.push_back(item.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) read_old_file(recovery, file, known, of_files);
    recovery.found.aside = count_aside(folder);
    return std::move(recovery.found);
}

}  // namespace runner
