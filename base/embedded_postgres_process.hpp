// A child process of the embedded cluster: initdb, or the postmaster. For
// base/embedded_postgres*.cpp.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/state_directory.hpp"

namespace base {

struct EmbeddedCommand {
    std::vector<std::string> words;  // The first is the program's path.
    UnixUser user;                   // Becomes this one when the process is root.
    std::filesystem::path log;       // Takes standard output and error; appended, 0600.
    int death_signal = 0;            // Sent to the child when our starting thread ends.
};

// Resource. The child has its own session (a terminal's Ctrl-C does not reach it), no open files
// but its log, default signals and a bare environment. Dropping it kills the child.
class EmbeddedProcess {
  public:
    explicit EmbeddedProcess(const EmbeddedCommand& command);
    EmbeddedProcess(const EmbeddedProcess&) = delete;
    EmbeddedProcess& operator=(const EmbeddedProcess&) = delete;
    ~EmbeddedProcess();

    // Its exit code (128 + signal when killed); nothing while it runs.
    std::optional<int> exit_code();
    std::optional<int> wait(std::chrono::milliseconds limit);
    void send(int signal);

  private:
    pid_t pid_ = -1;
    std::optional<int> exit_code_;
};

// The start of what a short command prints to standard output; empty when it cannot be run.
std::string embedded_output(const std::vector<std::string>& words, const UnixUser& user);

}  // namespace base
