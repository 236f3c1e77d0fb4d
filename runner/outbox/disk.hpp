// Small, blocking steps on files, each passing the hook of disk_step.hpp first. An error is
// answered as text that names the act and the file; empty when all is well. Worker thread, or
// before the loop runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "runner/outbox/disk_step.hpp"

namespace runner {

// Value; copies share the hook.
class Disk {
  public:
    explicit Disk(DiskFaults faults = {});

    // An open file that only this object writes.
    class File {
      public:
        File() = default;
        File(File&& other) noexcept;
        File& operator=(File&& other) noexcept;
        ~File();
        bool is_open() const { return fd_ >= 0; }

      private:
        friend class Disk;
        int fd_ = -1;
        std::filesystem::path path_;
    };

    // A new file, mode 0600; `replace` allows one to be there. Never follows a link.
    std::string create(const std::filesystem::path& path, File& file, bool replace = false) const;
    std::string write(const File& file, std::uint64_t offset, std::string_view bytes) const;
    std::string sync(const File& file) const;  // fdatasync.
    std::string cut(const File& file, std::uint64_t bytes) const;
    // Gone already counts as removed.
    std::string remove(const std::filesystem::path& path) const;
    std::string rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
    // A second name for the same file; there already counts as done.
    std::string link(const std::filesystem::path& from, const std::filesystem::path& to) const;
    // New names and deletions survive a power cut only when their folder is synced.
    std::string sync_folder(const std::filesystem::path& folder) const;
    // Created or replaced, and durable when it returns.
    std::string write_whole(const std::filesystem::path& path, std::string_view text) const;

    struct Content {
        std::string text;
        int error = 0;       // The errno that kept the file closed; then there is no text.
        std::string reason;  // The same in words, naming the file with its folder.
    };
    // As far as the disk gives it: a block that cannot be read comes as zeros, which no checksum
    // fits. Never follows a link; more than read_bytes_max is EFBIG.
    Content read(const std::filesystem::path& path) const;

  private:
    bool refuses(DiskStep::Kind kind, const std::filesystem::path& path,
                 std::size_t bytes = 0) const;

    std::shared_ptr<const DiskFaults> faults_;
};

// Far above what the outbox writes into one file.
inline constexpr std::uint64_t read_bytes_max = 1ULL << 30;

// Disk::read() without a hook. Throws Failure::unavailable when the file cannot be opened.
std::string read_all_there_is(const std::filesystem::path& path);

}  // namespace runner
