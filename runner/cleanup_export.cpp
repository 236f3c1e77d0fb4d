#include "runner/cleanup_export.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::size_t export_buffer_bytes = 256 * 1024;
constexpr int export_names_max = 1'000;

// What a signal removes; null: nothing. Whoever waits at the prompt ends the program by Ctrl-C.
std::atomic<const char*> export_unfinished{nullptr};
static_assert(std::atomic<const char*>::is_always_lock_free, "a signal handler reads it");

// Only async-signal-safe calls. SA_RESETHAND: what is raised here ends us as the signal is meant
// to.
void export_remove(int signal) {
    if (const char* file = export_unfinished.exchange(nullptr)) {
        ::unlink(file);
        constexpr std::string_view text = "\nnothing was deleted; the export was removed\n";
        // A terminal that is gone needs no message.
        if (::write(STDERR_FILENO, text.data(), text.size()) < 0) errno = 0;
    }
    ::raise(signal);
}

void export_watch_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before{};
        if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
        struct sigaction action{};
        action.sa_handler = export_remove;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(signal, &action, nullptr);
    }
}

}  // namespace

CleanupExport::CleanupExport(const std::filesystem::path& given) {
    if (!given.empty()) {
        if (open(given)) return;
        throw Failure{Failure::Kind::invalid, fmt::format("--export: {} exists already; name "
                                                          "another file",
                                                          given.string())};
    }
    const std::time_t now = std::time(nullptr);
    for (int i = 1; i <= export_names_max; ++i) {
        const std::string number = i == 1 ? "" : fmt::format("-{}", i);
        if (open(fmt::format("persona-export-{}{}.jsonl", now, number))) return;
    }
    throw Failure{Failure::Kind::invalid,
                  "--export: no free name like persona-export-<time>.jsonl here; name a file"};
}

CleanupExport::~CleanupExport() {
    export_unfinished = nullptr;
    if (!kept_) ::unlink(file_.c_str());
    ::close(fd_);
}

bool CleanupExport::open(const std::filesystem::path& file) {
    file_ = std::filesystem::absolute(file);
    fd_ = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd_ < 0 && errno == EEXIST) return false;
    if (fd_ < 0) {
        throw Failure{Failure::Kind::invalid, fmt::format("--export: cannot write {}: {}",
                                                          file.string(), std::strerror(errno))};
    }
    export_unfinished = file_.c_str();
    export_watch_signals();
    return true;
}

void CleanupExport::write(std::string_view line) {
    waiting_.append(line).push_back('\n');
    if (waiting_.size() >= export_buffer_bytes) flush();
}

void CleanupExport::flush() {
    for (std::string_view rest = waiting_; !rest.empty();) {
        const ssize_t count = ::write(fd_, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            throw Failure{Failure::Kind::unavailable,
                          fmt::format("the export {} could not be written ({}); nothing was "
                                      "deleted",
                                      file_.string(), std::strerror(errno))};
        }
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    waiting_.clear();
}

void CleanupExport::finish() {
    flush();
    const int folder = ::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool stored = folder >= 0 && ::fsync(fd_) == 0 && ::fsync(folder) == 0;
    const int error = errno;
    if (folder >= 0) ::close(folder);
    if (stored) return;
    throw Failure{Failure::Kind::unavailable,
                  fmt::format("the export {} could not be stored ({}); nothing was deleted",
                              file_.string(), std::strerror(error))};
}

void CleanupExport::keep() {
    kept_ = true;
    export_unfinished = nullptr;
}

}  // namespace runner
