#include "runner/demo_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/state_directory.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::string_view demo_prefix = "persona-demo-";
constexpr std::chrono::seconds removal_limit{10};
constexpr std::chrono::minutes unheld_young{1};
constexpr std::chrono::milliseconds removal_every{20};

// A lock that ends with the process that holds it, however that ends; -1: somebody holds it.
int try_hold(const std::filesystem::path& file, int flags) {
    const int held = ::open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0600);
    if (held < 0 || ::flock(held, LOCK_EX | LOCK_NB) == 0) return held;
    ::close(held);
    return -1;
}

bool is_held(const std::filesystem::path& file) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return false;
    const int held = try_hold(file, 0);
    if (held >= 0) ::close(held);
    return held < 0;
}

// A PostgreSQL that was just told to end still writes; what cannot be removed is named.
void remove_demo_folder(const std::filesystem::path& folder) {
    const auto until = std::chrono::steady_clock::now() + removal_limit;
    std::error_code error;
    for (;;) {
        std::filesystem::remove_all(folder, error);
        if (!error && !std::filesystem::exists(folder)) return;
        if (std::chrono::steady_clock::now() > until) break;
        std::this_thread::sleep_for(removal_every);
    }
    const std::string text =
        fmt::format("warning: {} could not be removed and holds secrets of the demo: {}\n",
                    folder.string(), error.message());
    std::fputs(text.c_str(), stderr);
}

// Folders of demos that were killed: they hold secrets, and nobody else will remove them. Ours
// alone, and only those that neither a demo nor its daemon still uses.
void remove_left_demos(const std::filesystem::path& temporary) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(temporary, ignored)) {
        const std::filesystem::path folder = entry.path();
        struct stat found{};
        if (!folder.filename().string().starts_with(demo_prefix) ||
            ::lstat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
            found.st_uid != ::geteuid()) {
            continue;
        }
        const bool marked = std::filesystem::exists(folder / "demo", ignored);
        const auto age = std::chrono::system_clock::now() -
                         std::chrono::system_clock::from_time_t(found.st_mtime);
        if (!marked && age < unheld_young) continue;  // Just being made.
        if (is_held(folder / "demo") || is_held(folder / "state" / "lock")) continue;
        remove_demo_folder(folder);
    }
}

Failure temporary_failure(const std::filesystem::path& place, const std::string& why) {
    return {Failure::Kind::invalid,
            fmt::format("TMPDIR: no directory can be made in {} ({}); name a folder that may be "
                        "written, or unset it",
                        place.string(), why)};
}

// TMPDIR, or what the system takes without it.
std::filesystem::path temporary_folder() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (!error) return folder;
    const char* given = std::getenv("TMPDIR");
    throw temporary_failure(given == nullptr ? "/tmp" : given, error.message());
}

}  // namespace

DemoFolder::DemoFolder() {
    const std::filesystem::path temporary = temporary_folder();
    remove_left_demos(temporary);
    std::string pattern = (temporary / (std::string(demo_prefix) + "XXXXXX")).string();
    if (!::mkdtemp(pattern.data())) throw temporary_failure(temporary, std::strerror(errno));
    path_ = pattern;
    try {
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
        held_ = try_hold(path_ / "demo", O_CREAT);
        // The daemon gives up root for the owner of its state directory; without root it is ours.
        if (::geteuid() == 0) base::settle_owner_of(state());
    } catch (...) {
        // The destructor of a half-built object does not run.
        remove_demo_folder(path_);
        if (held_ >= 0) ::close(held_);
        throw;
    }
}

DemoFolder::~DemoFolder() {
    remove_demo_folder(path_);
    if (held_ >= 0) ::close(held_);
}

}  // namespace runner
