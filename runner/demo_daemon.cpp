#include "runner/demo_daemon.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/http.hpp"

extern char** environ;

namespace runner {

namespace {

using base::Failure;

constexpr std::chrono::seconds ready_limit{60};
constexpr std::chrono::milliseconds poll_every{20};
constexpr std::chrono::seconds health_limit{2};

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

}  // namespace

DemoDaemon::DemoDaemon(const std::map<std::string, std::string>& environment) {
    std::map<std::string, std::string> changes = environment;
    changes["STATE_DIRECTORY"] = state().string();
    pid_ = spawn_serve(child_environment(changes), folder_.log());
    try {
        await_ready();
    } catch (...) {
        // The destructor of a half-built object does not run.
        end_now();
        throw;
    }
}

void DemoDaemon::await_ready() {
    const auto until = std::chrono::steady_clock::now() + ready_limit;
    while (std::chrono::steady_clock::now() < until && is_running() && !interrupted_) {
        if (answers()) return;
        std::this_thread::sleep_for(poll_every);
    }
    refuse_interrupted();
    throw Failure{Failure::Kind::unavailable,
                  fmt::format("the daemon did not become ready:\n{}", log_end())};
}

// Whether the daemon has said where it listens, and is well there.
bool DemoDaemon::answers() {
    std::ifstream in(state() / "urls");
    std::map<std::string, std::string> urls;
    for (std::string line; std::getline(in, line);) {
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos) urls[line.substr(0, equals)] = line.substr(equals + 1);
    }
    if (urls.size() != 3) return false;
    ops_url_ = urls["PERSONA_URL"];
    auth_url_ = urls["MANA_AUTH_URL"];
    mcp_url_ = urls["MANA_MCP_URL"];
    base::HttpRequest request;
    request.url = ops_url_ + "/health";
    request.deadline = health_limit;
    try {
        return base::fetch(request).status == 200;
    } catch (const Failure&) {
        // It may be ending: whoever waits for it looks.
        return false;
    }
}

bool DemoDaemon::is_running() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    const timespec at_once{};
    if (::sigtimedwait(&set, nullptr, &at_once) > 0) {
        interrupted_ = true;
        if (pid_ > 0) ::kill(pid_, SIGTERM);
    }
    int status = 0;
    if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) != 0) pid_ = -1;
    return pid_ > 0;
}

void DemoDaemon::refuse_interrupted() {
    is_running();
    if (!interrupted_) return;
    throw Failure{Failure::Kind::internal, "stopped by a signal; everything was removed"};
}

void DemoDaemon::require_running() {
    const bool running = is_running();
    refuse_interrupted();
    if (!running) throw Failure{Failure::Kind::unavailable, "the daemon ended:\n" + log_end()};
}

void DemoDaemon::wait() {
    while (is_running()) std::this_thread::sleep_for(poll_every);
}

void DemoDaemon::stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    wait();
}

// A daemon that starts hears no signal before it is ready. Its PostgreSQL ends with it.
void DemoDaemon::end_now() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

DemoDaemon::~DemoDaemon() {
    stop();
}

std::string DemoDaemon::log_end() const {
    std::ifstream in(folder_.log());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::string text;
    for (std::size_t i = lines.size() > 20 ? lines.size() - 20 : 0; i < lines.size(); ++i)
        text += lines[i] + "\n";
    return text;
}

}  // namespace runner
