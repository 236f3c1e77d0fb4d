// Visits that a person must look at: rejected/ (the auth service refuses their records for good)
// and broken/ (the log or a file was damaged). Each is a file of readable lines (visit_file.hpp)
// with the reason beside it in NAME.reason. A segment of the log that nobody can read stands in
// broken/ with NAME.unreadable beside it. Blocking; worker thread, or before the loop runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "runner/outbox/disk.hpp"

namespace runner {

// A visit id comes from the service and is not trusted as a file name.
std::string aside_name(std::string_view visit_id);

// Writes <folder>/<name>.visit and <name>.reason; durable when the answer is empty, else the error.
std::string put_aside(const Disk& disk, const std::filesystem::path& folder,
                      const std::string& name, std::string_view text, std::string_view reason);

inline constexpr std::string_view unreadable_ending = ".unreadable";

// What stands in the outbox's rejected/ and broken/. A person deletes there, at any time. An
// unreadable segment counts as one visit, nobody knows how many it is.
struct AsideCount {
    std::uint64_t bytes = 0;
    std::size_t rejected = 0, broken = 0;  // Visits.
};
AsideCount count_aside(const std::filesystem::path& outbox_folder);

}  // namespace runner
