// The outbox's hands on the disk; runs on the worker's thread. A write that fails half-way is cut
// off again, so that a file never holds damage before its last line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runner/outbox/disk_step.hpp"

namespace runner {

// One visit's file. Touched by the worker's thread only, once the outbox has handed it over; the
// fields for moving are set before the last write.
class VisitFile {
  public:
    // `bytes_good`: what of an existing file is whole; the rest is cut off at the first write.
    // `faults` may be empty; it is shared by all files of an outbox.
    VisitFile(std::filesystem::path path, std::size_t bytes_good,
              std::shared_ptr<const DiskFaults> faults);
    VisitFile(const VisitFile&) = delete;
    VisitFile& operator=(const VisitFile&) = delete;
    ~VisitFile();

    // Appends without syncing; answers the error or nothing.
    std::string append(const std::string& bytes);
    // Starts the writing, so that a sync() soon after finds most of it done.
    void start_sync();
    std::string sync();
    std::string sync_folder();
    // Deletes the file, or moves it to move_to with the reason beside it.
    std::string finish();

    const std::filesystem::path& path() const { return path_; }

    std::filesystem::path move_to;
    std::string move_reason;

  private:
    std::string open();
    int fault(DiskStep::Kind kind, std::size_t bytes = 0) const;

    const std::filesystem::path path_;
    const std::shared_ptr<const DiskFaults> faults_;
    std::size_t bytes_good_;
    int fd_ = -1;
};

struct OutboxWrite {
    std::shared_ptr<VisitFile> file;
    std::string visit_id;
    std::string bytes;  // Empty: the visit is delivered, finish the file.
    std::uint64_t ticket = 0;
};

// One error text per write, empty when it is on disk. A file's directory entry is synced when new.
std::vector<std::string> write_to_disk(const std::vector<OutboxWrite>& batch);

}  // namespace runner
