#include "tests/e2e/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace e2e {

namespace {

constexpr std::chrono::milliseconds look_every{10};

// What every process needs; settings of whoever runs the tests must not leak in.
std::vector<std::string> program_environment(const Variables& variables) {
    std::vector<std::string> entries;
    for (const char* name : {"PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                             "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && !variables.contains(name)) {
            entries.push_back(std::string(name) + "=" + value);
        }
    }
    for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
    return entries;
}

std::vector<char*> program_pointers(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

struct Pipe {
    int read = -1, write = -1;
};

Pipe open_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for the program's output");
    return {ends[0], ends[1]};
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return condition();
        ::poll(nullptr, 0, static_cast<int>(look_every.count()));
    }
    return true;
}

TempFolder::TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "persona-e2e-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder at " + pattern);
    path_ = pattern;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

TempFolder::~TempFolder() {
    std::error_code ignored;  // What stays lies among temporary files and harms nobody.
    std::filesystem::remove_all(path_, ignored);
}

Program::Program(const ProgramOptions& options) {
    std::vector<std::string> words = options.arguments;
    words.insert(words.begin(), options.program.string());
    std::vector<std::string> entries = program_environment(options.environment);
    const std::vector<char*> arguments = program_pointers(words);
    const std::vector<char*> environment = program_pointers(entries);
    const Pipe out = open_pipe(), err = open_pipe();
    pid_ = ::fork();
    if (pid_ == 0) {
        // Only async-signal-safe calls from here: the test process has threads.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::signal(SIGHUP, SIG_DFL);  // Whoever runs the tests may have it ignored (nohup).
        if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
        if (options.file_bytes_max) {
            const rlimit limit{*options.file_bytes_max, *options.file_bytes_max};
            ::setrlimit(RLIMIT_FSIZE, &limit);
        }
        const int nothing = ::open("/dev/null", O_RDONLY);
        ::dup2(nothing, STDIN_FILENO);
        ::dup2(out.write, STDOUT_FILENO);
        ::dup2(err.write, STDERR_FILENO);
        ::execve(arguments[0], arguments.data(), environment.data());
        ::_exit(127);
    }
    ::close(out.write);
    ::close(err.write);
    if (pid_ < 0) throw std::runtime_error("fork failed");
    reader_ = std::thread([this, out, err] { read_pipes(out.read, err.read); });
}

Program::~Program() {
    if (is_running()) {
        ::kill(pid_, SIGKILL);
        ::kill(pid_, SIGCONT);
        wait();
    }
    closing_ = true;
    reader_.join();
}

void Program::read_pipes(int out, int err) {
    int open_ends = 2;
    pollfd ends[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    while (open_ends > 0) {
        if (::poll(ends, 2, 50) <= 0) {
            if (closing_) break;
            continue;
        }
        for (int i = 0; i < 2; ++i) {
            if (ends[i].fd < 0 || ends[i].revents == 0) continue;
            char bytes[16 * 1024];
            const ssize_t count = ::read(ends[i].fd, bytes, sizeof bytes);
            if (count <= 0) {
                ::close(ends[i].fd);
                ends[i].fd = -1;
                --open_ends;
                continue;
            }
            const std::lock_guard lock(mutex_);
            (i == 0 ? out_ : err_).append(bytes, static_cast<std::size_t>(count));
        }
    }
    for (const pollfd& end : ends) {
        if (end.fd >= 0) ::close(end.fd);
    }
    drained_ = true;
}

void Program::signal(int number) const {
    if (!exit_code_) ::kill(pid_, number);
}

bool Program::is_running() {
    if (exit_code_) return false;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return false;
}

std::optional<int> Program::wait(std::chrono::milliseconds limit) {
    if (eventually([this] { return !is_running(); }, limit)) {
        eventually([this] { return drained_.load(); }, std::chrono::seconds{2});
    }
    return exit_code_;
}

std::string Program::out() const {
    const std::lock_guard lock(mutex_);
    return out_;
}

std::string Program::err() const {
    const std::lock_guard lock(mutex_);
    return err_;
}

base::Json Outcome::json() const {
    const auto parsed = base::try_parse_json(out);
    EXPECT_TRUE(parsed) << "no JSON: " << out << err;
    return parsed ? *parsed : base::Json();
}

Outcome run_program(const ProgramOptions& options, std::chrono::milliseconds limit) {
    auto program = std::make_unique<Program>(options);
    Outcome outcome;
    const std::optional<int> code = program->wait(limit);
    EXPECT_TRUE(code) << "the program did not end: " << program->out() << program->err();
    outcome.exit_code = code.value_or(-1);
    outcome.out = program->out();
    outcome.err = program->err();
    return outcome;
}

}  // namespace e2e
