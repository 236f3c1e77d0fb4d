// The daemon's state directory: who may use it, one daemon at a time, and files in it that survive
// a power cut.
//
//   <state>/        0700  owned by the unprivileged user that the daemon runs as
//   <state>/lock    0600  held by flock while a daemon lives; its text is that daemon's pid
//   <state>/node    0600  a random id, made once: with the machine's id it names this node
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace base {

struct StateDirectoryOptions {
    std::filesystem::path path;
    bool may_be_in_memory = false;  // A tmpfs forgets what the outbox promised; the demo may.
};

// Resource; held from start to end of the daemon. Failure::conflict when another daemon holds it
// (naming its pid), Failure::invalid when it cannot be used (naming what to change).
class StateDirectory {
  public:
    explicit StateDirectory(const StateDirectoryOptions& options);
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;
    ~StateDirectory();

    const std::filesystem::path& path() const { return path_; }
    // 32 hex digits; the same for this directory on this machine, another one for a copy elsewhere.
    const std::string& node() const { return node_; }

  private:
    void lock();

    std::filesystem::path path_;
    std::string node_;
    int lock_ = -1;
};

// Who owns the work below `path` when the process is root: its owner; for one that is missing or an
// empty directory of root's, `persona-runner` when that user exists, else `postgres`; the directory
// is made (0700) or handed over. Never root, never nobody: Failure::invalid tells what to do.
struct UnixUser {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string name;
};
UnixUser settle_owner_of(const std::filesystem::path& path);

// Started as root, the whole process becomes that user, for good; otherwise nothing happens. Before
// any thread or file is made.
void drop_root_to_owner_of(const std::filesystem::path& path);

// Failure::invalid when the path lies in memory (tmpfs), or would once it is made: nothing is made.
void refuse_in_memory(const std::filesystem::path& path);

// Failure::invalid naming the first folder above `path` (or itself) that the user may not enter.
void refuse_unreachable(const std::filesystem::path& path, const UnixUser& user);

// All or nothing, also across a power cut: temporary file, fsync, rename, fsync of the folder.
void write_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode);
// The whole file. Failure::missing when there is none, invalid when longer than `bytes_max`.
std::string read_small_file(const std::filesystem::path& path, std::size_t bytes_max = 65'536);

}  // namespace base
