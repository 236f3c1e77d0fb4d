#include "runner/demo_daemon.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/state_directory.hpp"

extern char** environ;

namespace runner {

namespace {

using base::Failure;

constexpr std::chrono::seconds ready_limit{60};
constexpr std::chrono::milliseconds poll_every{20};

std::vector<std::string> child_environment(const std::map<std::string, std::string>& changes) {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry; ++entry) {
        const std::string text(*entry);
        if (!changes.contains(text.substr(0, text.find('=')))) entries.push_back(text);
    }
    for (const auto& [name, value] : changes) entries.push_back(name + "=" + value);
    return entries;
}

// Fork and exec of ourselves. The child dies with us: nobody wants an orphaned database.
pid_t spawn_serve(const std::vector<std::string>& environment, const std::filesystem::path& log) {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    std::vector<char*> entries;
    for (const std::string& entry : environment)
        entries.push_back(const_cast<char*>(entry.c_str()));
    entries.push_back(nullptr);
    const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        throw Failure{Failure::Kind::unavailable, fmt::format("cannot write {}", log.string())};
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(log_fd, STDERR_FILENO);
        ::dup2(log_fd, STDOUT_FILENO);
        const char* arguments[] = {program.c_str(), "serve", nullptr};
        ::execve(program.c_str(), const_cast<char* const*>(arguments), entries.data());
        ::_exit(127);
    }
    ::close(log_fd);
    if (pid < 0) throw Failure{Failure::Kind::unavailable, "cannot start the daemon: fork failed"};
    return pid;
}

constexpr std::string_view demo_prefix = "persona-demo-";
constexpr std::chrono::seconds removal_limit{10};
constexpr std::chrono::minutes unheld_young{1};

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
        std::this_thread::sleep_for(poll_every);
    }
    fmt::print(stderr, "warning: {} could not be removed and holds secrets of the demo: {}\n",
               folder.string(), error.message());
}

// Folders of demos that were killed: they hold secrets, and nobody else will remove them. Ours
// alone, and only those that neither a demo nor its daemon still uses.
void remove_left_demos() {
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::temp_directory_path(), ignored)) {
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

}  // namespace

DemoDaemon::DemoDaemon(const std::map<std::string, std::string>& environment) {
    remove_left_demos();
    std::string pattern =
        (std::filesystem::temp_directory_path() / (std::string(demo_prefix) + "XXXXXX")).string();
    if (!::mkdtemp(pattern.data())) {
        throw Failure{Failure::Kind::unavailable, fmt::format("cannot make a directory like {}: {}",
                                                              pattern, std::strerror(errno))};
    }
    // The daemon gives up root for the owner of its state directory, so that lies one level below.
    const std::filesystem::path folder = pattern;
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    held_ = try_hold(folder / "demo", O_CREAT);
    state_ = folder / "state";
    log_ = folder / "daemon.log";
    base::settle_owner_of(state_);
    std::map<std::string, std::string> changes = environment;
    changes["STATE_DIRECTORY"] = state_.string();
    pid_ = spawn_serve(child_environment(changes), log_);
    try {
        await_ready();
    } catch (const Failure&) {
        // The destructor of a half-built object does not run.
        stop();
        remove_demo_folder(folder);
        if (held_ >= 0) ::close(held_);
        throw;
    }
}

void DemoDaemon::await_ready() {
    const auto until = std::chrono::steady_clock::now() + ready_limit;
    while (std::chrono::steady_clock::now() < until && is_running()) {
        std::ifstream in(state_ / "urls");
        std::map<std::string, std::string> urls;
        for (std::string line; std::getline(in, line);) {
            const std::size_t equals = line.find('=');
            if (equals != std::string::npos) urls[line.substr(0, equals)] = line.substr(equals + 1);
        }
        if (urls.size() == 3) {
            ops_url_ = urls["PERSONA_URL"];
            auth_url_ = urls["MANA_AUTH_URL"];
            mcp_url_ = urls["MANA_MCP_URL"];
            base::HttpRequest request;
            request.url = ops_url_ + "/health";
            request.deadline = std::chrono::seconds{5};
            if (base::fetch(request).status == 200) return;
        }
        std::this_thread::sleep_for(poll_every);
    }
    throw Failure{Failure::Kind::unavailable,
                  fmt::format("the daemon did not become ready:\n{}", log_end())};
}

bool DemoDaemon::is_running() {
    if (pid_ <= 0) return false;
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
    const timespec at_once{};
    if (::sigtimedwait(&set, nullptr, &at_once) > 0) {
        interrupted_ = true;
        ::kill(pid_, SIGTERM);
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != 0) pid_ = -1;
    return pid_ > 0;
}

void DemoDaemon::wait() {
    while (is_running()) std::this_thread::sleep_for(poll_every);
}

void DemoDaemon::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    wait();
}

DemoDaemon::~DemoDaemon() {
    stop();
    remove_demo_folder(state_.parent_path());
    if (held_ >= 0) ::close(held_);
}

std::string DemoDaemon::log_end() const {
    std::ifstream in(log_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::string text;
    for (std::size_t i = lines.size() > 20 ? lines.size() - 20 : 0; i < lines.size(); ++i)
        text += lines[i] + "\n";
    return text;
}

}  // namespace runner
