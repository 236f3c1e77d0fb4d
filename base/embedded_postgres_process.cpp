#include "base/embedded_postgres_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace base {

namespace {

// Everything that the child needs, made before the fork: after it only async-signal-safe calls are
// allowed, because other threads may have held locks.
struct EmbeddedLaunch {
    std::vector<char*> words;
    std::vector<char*> environment;
    UnixUser user;
    bool changes_user = false;
    int output = -1;
    int death_signal = 0;
    pid_t parent = 0;
};

[[noreturn]] void embedded_become(const EmbeddedLaunch& launch) {
    for (int number = 1; number < 32; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    const int input = ::open("/dev/null", O_RDONLY);
    if (input < 0 || ::dup2(input, 0) < 0 || ::dup2(launch.output, 1) < 0 ||
        ::dup2(launch.output, 2) < 0) {
        ::_exit(126);
    }
    ::close_range(3, ~0U, 0);
    if (launch.changes_user && (::setgroups(1, &launch.user.gid) != 0 ||
                                ::setgid(launch.user.gid) != 0 || ::setuid(launch.user.uid) != 0)) {
        ::_exit(126);
    }
    ::umask(077);
    // Changing the user clears the death signal, so it comes after; the parent may have ended
    // before.
    if (launch.death_signal != 0) ::prctl(PR_SET_PDEATHSIG, launch.death_signal);
    if (::getppid() != launch.parent || ::chdir("/") != 0) ::_exit(126);
    ::execve(launch.words[0], launch.words.data(), launch.environment.data());
    ::_exit(127);
}

pid_t embedded_fork(std::vector<std::string> words, const UnixUser& user, int output,
                    int death_signal) {
    std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
    EmbeddedLaunch launch{.user = user,
                          .changes_user = ::geteuid() == 0,
                          .output = output,
                          .death_signal = death_signal,
                          .parent = ::getpid()};
    for (std::string& word : words) launch.words.push_back(word.data());
    for (std::string& variable : environment) launch.environment.push_back(variable.data());
    launch.words.push_back(nullptr);
    launch.environment.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) embedded_become(launch);
    if (pid < 0) {
        throw Failure(
            Failure::Kind::unavailable,
            fmt::format("no process could be started for {}: {}", words[0], std::strerror(errno)));
    }
    return pid;
}

}  // namespace

EmbeddedProcess::EmbeddedProcess(const EmbeddedCommand& command) {
    const int log =
        ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool given =
        log >= 0 && (::geteuid() != 0 || ::fchown(log, command.user.uid, command.user.gid) == 0);
    if (!given) {
        const int error = errno;
        if (log >= 0) ::close(log);
        throw Failure(
            Failure::Kind::unavailable,
            fmt::format("{} cannot be written: {}", command.log.string(), std::strerror(error)));
    }
    try {
        pid_ = embedded_fork(command.words, command.user, log, command.death_signal);
    } catch (...) {
        ::close(log);
        throw;
    }
    ::close(log);
}

EmbeddedProcess::~EmbeddedProcess() {
    if (exit_code()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

std::optional<int> EmbeddedProcess::exit_code() {
    if (exit_code_) return exit_code_;
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    // ECHILD: somebody else has collected it; it is gone all the same.
    if (ended < 0) {
        exit_code_ = 255;
    } else {
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return exit_code_;
}

std::optional<int> EmbeddedProcess::wait(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!exit_code() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return exit_code();
}

void EmbeddedProcess::send(int signal) {
    if (!exit_code()) ::kill(pid_, signal);
}

std::string embedded_output(const std::vector<std::string>& words, const UnixUser& user) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    pid_t pid = -1;
    try {
        pid = embedded_fork(words, user, ends[1], SIGKILL);
    } catch (const Failure&) {
        ::close(ends[0]);
        ::close(ends[1]);
        throw;
    }
    ::close(ends[1]);
    std::string text(4096, '\0');
    std::size_t length = 0;
    while (length < text.size()) {
        const ssize_t count = ::read(ends[0], text.data() + length, text.size() - length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        length += static_cast<std::size_t>(count);
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {};
    text.resize(length);
    return text;
}

}  // namespace base
