// The program under test as a child process: started with exactly the environment that a test
// names, its output kept, its end awaited with a deadline.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"

namespace e2e {

using Variables = std::map<std::string, std::string>;

// Patience for what takes a moment; far above what any step needs, also with sanitizers.
inline constexpr std::chrono::seconds patience{60};

// True as soon as `condition` holds; false when it did not within `limit`.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = patience);

// A directory of its own, gone with the object. Other users may pass through it, because a daemon
// started by root gives root up.
class TempFolder {
  public:
    TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder();
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct ProgramOptions {
    std::vector<std::string> arguments;
    Variables environment = {};
    std::filesystem::path folder = {};               // Working directory; empty: ours.
    std::optional<std::size_t> file_bytes_max = {};  // RLIMIT_FSIZE: stands for a full disk.
    std::filesystem::path program = PERSONA_RUNNER_BINARY;
};

// Resource: one run of the program. Killed in the destructor when it still runs.
class Program {
  public:
    explicit Program(const ProgramOptions& options);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    bool is_running();
    // Exit code, or -signal when a signal ended it; nothing when it still runs after `limit`.
    std::optional<int> wait(std::chrono::milliseconds limit = patience);

    std::string out() const;  // So far; all of it once the program has ended.
    std::string err() const;

  private:
    void read_pipes(int out, int err);
    void await_pipes() const;

    pid_t pid_ = -1;
    std::optional<int> exit_code_;
    mutable std::mutex mutex_;
    std::string out_, err_;
    std::atomic<bool> closing_{false};  // A grandchild may hold the pipes open for longer.
    std::atomic<bool> drained_{false};
    std::thread reader_;
};

struct Outcome {
    int exit_code = 0;
    std::string out, err;

    base::Json json() const;  // Of `out`; a test failure and null when it is none.
};

// Runs it to its end; one that does not end within `limit` is a test failure and exit code -1.
Outcome run_program(const ProgramOptions& options, std::chrono::milliseconds limit = patience);

}  // namespace e2e
