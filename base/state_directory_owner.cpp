#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/state_directory.hpp"

namespace base {

namespace {

namespace fs = std::filesystem;

constexpr uid_t owner_nobody = 65'534;

Failure owner_failure(std::string reason) {
    return {Failure::Kind::invalid, reason};
}

UnixUser owner_user(const struct passwd* entry) {
    return {.uid = entry->pw_uid, .gid = entry->pw_gid, .name = entry->pw_name};
}

UnixUser owner_default(const fs::path& path) {
    for (const char* name : {"persona-runner", "postgres"}) {
        const struct passwd* entry = ::getpwnam(name);
        if (entry != nullptr && entry->pw_uid != 0) return owner_user(entry);
    }
    throw owner_failure(fmt::format(
        "started as root, but there is no unprivileged user to become for {}; make one (useradd "
        "--system persona-runner) or start as the user who shall own the state",
        path.string()));
}

UnixUser owner_of(const fs::path& path, const struct stat& info) {
    if (info.st_uid == owner_nobody) {
        throw owner_failure(
            fmt::format("{} belongs to nobody, an account that many programs share; "
                        "chown it to a user of its own, e.g. persona-runner",
                        path.string()));
    }
    const struct passwd* entry = ::getpwuid(info.st_uid);
    if (entry != nullptr) return owner_user(entry);
    return {.uid = info.st_uid, .gid = info.st_gid, .name = fmt::format("uid {}", info.st_uid)};
}

}  // namespace

UnixUser settle_owner_of(const fs::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) {
        if (!S_ISDIR(info.st_mode)) {
            throw owner_failure(fmt::format("{} is not a directory; name one", path.string()));
        }
        if (info.st_uid != 0) return owner_of(path, info);
        if (!fs::is_empty(path)) {
            throw owner_failure(fmt::format(
                "{} belongs to root, and the daemon does not run as root; hand it over (chown -R "
                "persona-runner: {}) or choose another state directory",
                path.string(), path.string()));
        }
    } else if (errno != ENOENT) {
        throw owner_failure(fmt::format("{}: {}", path.string(), std::strerror(errno)));
    }
    const UnixUser user = owner_default(path);
    std::error_code error;
    fs::create_directories(path, error);
    if (error || ::chown(path.c_str(), user.uid, user.gid) != 0 ||
        ::chmod(path.c_str(), 0700) != 0) {
        throw owner_failure(fmt::format("{} cannot be made for user {}: {}", path.string(),
                                        user.name, error ? error.message() : std::strerror(errno)));
    }
    return user;
}

void refuse_unreachable(const fs::path& path, const UnixUser& user) {
    fs::path step;
    for (const fs::path& part : fs::absolute(path).lexically_normal()) {
        step /= part;
        struct stat info{};
        if (::stat(step.c_str(), &info) != 0) return;  // Not made yet: its maker will own it.
        mode_t needed = S_IXOTH;
        if (info.st_uid == user.uid) {
            needed = S_IXUSR;
        } else if (info.st_gid == user.gid) {
            needed = S_IXGRP;
        }
        if ((info.st_mode & needed) == 0) {
            throw owner_failure(fmt::format(
                "user {} cannot enter {}, which lies on the way to {}; allow it (chmod o+x {}) or "
                "choose another directory",
                user.name, step.string(), path.string(), step.string()));
        }
    }
}

void drop_root_to_owner_of(const fs::path& path) {
    if (::geteuid() != 0) return;
    const UnixUser user = settle_owner_of(path);
    refuse_unreachable(path, user);
    // The kernel forgets this wish of whoever started us when the user changes.
    int parent_death_signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &parent_death_signal);
    const struct passwd* entry = ::getpwuid(user.uid);
    const bool grouped = entry != nullptr ? ::initgroups(entry->pw_name, user.gid) == 0
                                          : ::setgroups(1, &user.gid) == 0;
    if (!grouped || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
        ::setresuid(user.uid, user.uid, user.uid) != 0) {
        throw Failure(Failure::Kind::forbidden,
                      fmt::format("cannot become user {}: {}; start as that user instead",
                                  user.name, std::strerror(errno)));
    }
    require(::setuid(0) != 0 && ::geteuid() == user.uid, "root was not given up");
    ::prctl(PR_SET_PDEATHSIG, parent_death_signal);
}

}  // namespace base
