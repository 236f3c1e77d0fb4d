#include "runner/outbox/aside.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/crypto.hpp"

namespace runner {

namespace {

constexpr std::size_t aside_name_bytes_max = 64;
constexpr std::string_view aside_plain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

// Visits in the folder, none when it is missing; adds the bytes of all files.
std::size_t count_folder(const std::filesystem::path& folder, std::uint64_t& bytes) {
    std::size_t visits = 0;
    std::error_code missing;
    for (const auto& item : std::filesystem::directory_iterator(folder, missing)) {
        const std::string ending = item.path().extension();
        visits += ending == ".visit" || ending == unreadable_ending ? 1 : 0;
        // What it takes from the disk: a damaged file may claim any size. It may go while we look.
        struct stat status{};
        if (::lstat(item.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        constexpr std::int64_t block_bytes = 512;
        bytes += static_cast<std::uint64_t>(
            std::min<std::int64_t>(status.st_size, status.st_blocks * block_bytes));
    }
    return visits;
}

}  // namespace

std::string aside_name(std::string_view visit_id) {
    const bool plain = visit_id.size() <= aside_name_bytes_max &&
                       visit_id.find_first_not_of(aside_plain) == std::string_view::npos;
    if (plain) return std::string(visit_id);
    return base::to_hex(base::sha256(visit_id)).substr(0, 40);
}

std::string put_aside(const Disk& disk, const std::filesystem::path& folder,
                      const std::string& name, std::string_view text, std::string_view reason) {
    std::string error = disk.write_whole(folder / (name + ".visit"), text);
    if (!error.empty()) return error;
    return disk.write_whole(folder / (name + ".reason"), std::string(reason) + '\n');
}

AsideCount count_aside(const std::filesystem::path& outbox_folder) {
    AsideCount count;
    count.rejected = count_folder(outbox_folder / "rejected", count.bytes);
    count.broken = count_folder(outbox_folder / "broken", count.bytes);
    return count;
}

}  // namespace runner
