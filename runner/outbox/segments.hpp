// The log's files: numbered segments in <state>/outbox, appended to one after the other. Worker
// thread, or before the loop runs.
//
// A disk that fails keeps no promise: after a failed fdatasync the kernel may have dropped what it
// could not write, and a second try would answer success. So a segment that failed is cut back to
// what was synced and never written again; what was not synced is still in memory and goes whole
// into a new segment. Only when that fails too the caller is told.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "runner/outbox/disk.hpp"

namespace runner {

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);
// Segments in the folder with their sizes in bytes.
std::map<std::uint64_t, std::uint64_t> segments_in(const std::filesystem::path& folder);

// Resource.
class Segments {
  public:
    // A segment takes no further text once it holds `bytes_max`. `newest`: numbers go on above it.
    Segments(std::filesystem::path folder, std::uint64_t bytes_max, std::uint64_t newest,
             Disk disk);
    Segments(const Segments&) = delete;
    Segments& operator=(const Segments&) = delete;

    struct Appended {
        std::string error;          // Empty: the text is written, and synced when that was asked.
        std::string trouble;        // Why a segment was given up on the way; also without error.
        std::uint64_t segment = 0;  // Where the text stands, all of it.
        std::uint64_t bytes = 0;    // Size of that segment.
    };
    // `sync`: the text, and everything before it, is durable on return.
    Appended append(std::string_view text, bool sync);

    // Deletes a segment and makes that durable.
    std::string remove(std::uint64_t number);

  private:
    std::string begin_segment();
    std::string put(std::string_view text, bool sync);
    std::string give_up();

    const std::filesystem::path folder_;
    const std::uint64_t bytes_max_;
    const Disk disk_;
    std::uint64_t number_;  // Of the newest segment ever made.
    Disk::File file_;       // Closed: the next text begins a segment.
    bool is_new_ = false;   // Its name is not durable.
    std::uint64_t written_ = 0;
    std::uint64_t synced_ = 0;
    std::string unsynced_;  // The bytes between the two.
};

}  // namespace runner
