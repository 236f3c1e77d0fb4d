#include "base/state_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace base {

namespace {

namespace fs = std::filesystem;

Failure state_failure(const fs::path& path, std::string_view what, int error = errno) {
    const auto kind =
        error == ENOSPC || error == EDQUOT ? Failure::Kind::unavailable : Failure::Kind::invalid;
    return {kind, fmt::format("{}: {}: {}", path.string(), what, std::strerror(error))};
}

void state_make(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) throw state_failure(path, "its parent folder cannot be made", error.value());
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        throw state_failure(path, "the state directory cannot be made");
    }
}

void state_check(const fs::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) throw state_failure(path, "cannot be looked at");
    if (!S_ISDIR(info.st_mode)) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} is not a directory; name one for the state", path.string()));
    }
    if (info.st_uid != ::geteuid()) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} belongs to another user (uid {}); run as that user or choose "
                                  "another state directory",
                                  path.string(), info.st_uid));
    }
    if ((info.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0) {
        throw state_failure(path, "cannot be closed to other users (mode 0700)");
    }
}

std::string state_node(const fs::path& path) {
    const fs::path file = path / "node";
    std::string id;
    try {
        id = std::string(trim(read_small_file(file, 256)));
    } catch (const Failure& failure) {
        if (failure.kind() != Failure::Kind::missing) throw;
        id = random_id();
        write_file_durably(file, id + "\n", 0600);
    }
    if (id.size() != 32) {
        throw Failure(
            Failure::Kind::invalid,
            fmt::format("{} is damaged: expected 32 characters; remove it when no visit of "
                        "this node is running",
                        file.string()));
    }
    std::string machine;
    try {
        machine = std::string(trim(read_small_file("/etc/machine-id", 256)));
    } catch (const Failure& failure) {
        // Containers may have none; the random id alone is unique then.
        if (failure.kind() != Failure::Kind::missing) throw;
    }
    return to_hex(sha256(id + "\n" + machine)).substr(0, 32);
}

}  // namespace

void refuse_in_memory(const fs::path& path) {
    // What is there already decides for what will be made below it.
    fs::path there = fs::absolute(path).lexically_normal();
    struct statfs system{};
    while (::statfs(there.c_str(), &system) != 0) {
        const bool missing = errno == ENOENT && there.has_relative_path();
        if (!missing) throw state_failure(there, "has no known file system");
        there = there.parent_path();
    }
    if (system.f_type != TMPFS_MAGIC && system.f_type != RAMFS_MAGIC) return;
    throw Failure(Failure::Kind::invalid,
                  fmt::format("{} lies in memory (tmpfs) and would not survive a reboot; choose a "
                              "state directory on a disk",
                              path.string()));
}

StateDirectory::StateDirectory(const StateDirectoryOptions& options) {
    if (options.path.empty()) {
        throw Failure(Failure::Kind::invalid, "the state directory's path is empty; name a folder");
    }
    path_ = fs::absolute(options.path).lexically_normal();
    if (!path_.has_filename()) path_ = path_.parent_path();
    if (!options.may_be_in_memory) refuse_in_memory(path_);
    state_make(path_);
    state_check(path_);
    lock();
    try {
        node_ = state_node(path_);
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

StateDirectory::~StateDirectory() {
    ::close(lock_);
}

void StateDirectory::lock() {
    const fs::path file = path_ / "lock";
    lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_ < 0) throw state_failure(file, "the lock cannot be opened");
    if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
        const std::string pid = fmt::format("{}\n", ::getpid());
        if (::ftruncate(lock_, 0) == 0 &&
            ::pwrite(lock_, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size())) {
            return;
        }
        const int error = errno;
        ::close(lock_);
        throw state_failure(file, "the lock cannot be written", error);
    }
    const int error = errno;
    char text[32] = {};
    const ssize_t length = ::pread(lock_, text, sizeof text - 1, 0);
    ::close(lock_);
    if (error != EWOULDBLOCK) throw state_failure(file, "the lock cannot be taken", error);
    const std::string pid(trim(std::string_view(text, length > 0 ? length : 0)));
    throw Failure(
        Failure::Kind::conflict,
        fmt::format("another daemon (pid {}) uses the state directory {}; stop it or choose "
                    "another directory",
                    pid.empty() ? "unknown" : pid, path_.string()),
        "state_in_use");
}

}  // namespace base
