// The file that holds what a cleanup deletes, written before anything is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace runner {

// Resource. Mode 0600 from its first byte on, never an older file's place: `given` as it is
// (Failure::invalid when something is there), or, when empty, a free name of ours in the working
// directory. It is removed by the destructor and by SIGINT, SIGTERM and SIGHUP, unless keep() was
// called: one object at a time.
class CleanupExport {
  public:
    explicit CleanupExport(const std::filesystem::path& given);
    CleanupExport(const CleanupExport&) = delete;
    CleanupExport& operator=(const CleanupExport&) = delete;
    ~CleanupExport();

    const std::filesystem::path& file() const { return file_; }
    void write(std::string_view line);  // Without its line end.
    // On the disk, also across a power cut; Failure::unavailable when it cannot be written.
    void finish();
    void keep();

  private:
    bool open(const std::filesystem::path& file);
    void flush();

    std::filesystem::path file_;
    int fd_ = -1;
    std::string waiting_;
    bool kept_ = false;
};

}  // namespace runner
