#include "runner/outbox/segments.hpp"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace runner {

namespace {

constexpr std::string_view segment_ending = ".log";
constexpr std::size_t segment_digits = 12;

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
    return folder / fmt::format("{:0{}}{}", number, segment_digits, segment_ending);
}

std::map<std::uint64_t, std::uint64_t> segments_in(const std::filesystem::path& folder) {
    std::map<std::uint64_t, std::uint64_t> found;
    for (const auto& item : std::filesystem::directory_iterator(folder)) {
        const std::string name = item.path().filename();
        if (name.size() != segment_digits + segment_ending.size() ||
            !name.ends_with(segment_ending)) {
            continue;
        }
        const char* const end = name.data() + segment_digits;
        std::uint64_t number = 0;
        const auto read = std::from_chars(name.data(), end, number);
        if (read.ec != std::errc{} || read.ptr != end) continue;
        // What the disk does not tell is no reason to leave a segment out: reading it will say why.
        std::error_code untold;
        const auto kind = item.symlink_status(untold).type();
        if (kind == std::filesystem::file_type::directory) continue;
        const std::uintmax_t bytes = item.file_size(untold);
        found.emplace(number, untold ? 0 : bytes);
    }
    return found;
}

Segments::Segments(std::filesystem::path folder, std::uint64_t bytes_max, std::uint64_t newest,
                   Disk disk)
    : folder_(std::move(folder)), bytes_max_(bytes_max), disk_(std::move(disk)), number_(newest) {}

std::string Segments::begin_segment() {
    written_ = 0;
    synced_ = 0;
    is_new_ = true;
    return disk_.create(segment_path(folder_, ++number_), file_);
}

std::string Segments::put(std::string_view text, bool sync) {
    if (!text.empty()) {
        if (std::string error = disk_.write(file_, written_, text); !error.empty()) return error;
        written_ += text.size();
    }
    if (!sync) return {};
    if (std::string error = disk_.sync(file_); !error.empty()) return error;
    if (is_new_) {
        if (std::string error = disk_.sync_folder(folder_); !error.empty()) return error;
    }
    is_new_ = false;
    return {};
}

// Leaves the segment for good with nothing in it but what was synced; answers what could not be
// done about it. What remains behind is harmless: the same records stand further on.
std::string Segments::give_up() {
    if (!file_.is_open()) return {};
    std::string trouble =
        synced_ == 0 ? disk_.remove(segment_path(folder_, number_)) : disk_.cut(file_, synced_);
    file_ = Disk::File();
    return trouble;
}

Segments::Appended Segments::append(std::string_view text, bool sync) {
    Appended result;
    if (text.empty() && unsynced_.empty()) return result;
    // A full segment is left only when all of it is durable.
    if (written_ >= bytes_max_ && unsynced_.empty()) file_ = Disk::File();
    for (int attempt = 0; attempt < 2; ++attempt) {
        const bool fresh = !file_.is_open();
        std::string error = fresh ? begin_segment() : std::string();
        if (error.empty() && fresh) error = put(unsynced_, false);
        if (error.empty()) error = put(text, sync);
        if (error.empty()) {
            result.error.clear();
            result.segment = number_;
            result.bytes = written_;
            if (sync) {
                synced_ = written_;
                unsynced_.clear();
            } else {
                unsynced_ += text;
            }
            return result;
        }
        result.error = error;
        if (const std::string behind = give_up(); !behind.empty()) error += "; " + behind;
        result.trouble = error;
    }
    return result;
}

std::string Segments::remove(std::uint64_t number) {
    if (number == number_) file_ = Disk::File();
    if (std::string error = disk_.remove(segment_path(folder_, number)); !error.empty())
        return error;
    return disk_.sync_folder(folder_);
}

}  // namespace runner
