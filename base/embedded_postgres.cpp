#include "base/embedded_postgres.hpp"

#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/embedded_postgres_folder.hpp"
#include "base/embedded_postgres_process.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "base/postgres_session.hpp"
#include "base/text.hpp"

namespace base {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds embedded_initdb_max{120};
constexpr seconds embedded_ready_max{30};
constexpr seconds embedded_stop_max{30};

std::string embedded_escape(std::string_view text) {
    std::string escaped;
    for (const unsigned char byte : text) {
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' ||
                           byte == '.';
        escaped += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02X}", byte);
    }
    return escaped;
}

Secret embedded_role_url(const fs::path& root, std::string_view role, const Secret& password,
                         std::string_view database) {
    return Secret(fmt::format("postgresql://{}:{}@/{}?host={}", embedded_escape(role),
                              embedded_escape(password.reveal()), embedded_escape(database),
                              embedded_escape((root / "socket").string())));
}

// Whether this process works in the cluster's data folder, as postmasters do: its number alone may
// have been given to another program since. A zombie works nowhere.
bool embedded_serves(pid_t pid, const EmbeddedFolder& folder) {
    std::error_code error;
    const fs::path place = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
    return !error && fs::equivalent(place, folder.data(), error);
}

// The postmaster of this very data directory, according to its pid file; 0 when none runs.
pid_t embedded_leftover(const EmbeddedFolder& folder) {
    const fs::path file = folder.data() / "postmaster.pid";
    if (!fs::exists(file)) return 0;
    const std::string text = read_small_file(file, 4096);
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid > 1 && embedded_serves(pid, folder) ? pid : 0;
}

bool embedded_await_end(pid_t pid, const EmbeddedFolder& folder, seconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (embedded_serves(pid, folder)) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(milliseconds(10));
    }
    return true;
}

void embedded_stop_leftover(const EmbeddedFolder& folder) {
    const pid_t pid = embedded_leftover(folder);
    if (pid == 0) return;
    ::kill(pid, SIGINT);
    if (embedded_await_end(pid, folder, embedded_stop_max)) return;
    ::kill(pid, SIGQUIT);
    if (embedded_await_end(pid, folder, seconds{5})) return;
    throw Failure(
        Failure::Kind::conflict,
        fmt::format("a PostgreSQL server (pid {}) still runs on {} and does not stop; end it "
                    "and start again",
                    pid, folder.data().string()),
        "cluster_conflict");
}

}  // namespace

struct EmbeddedPostgres::State {
    explicit State(EmbeddedPostgresOptions given)
        : options(std::move(given)), folder(open_embedded_folder(options.folder)) {}
    ~State() { stop(); }

    void initialise();
    void start();
    void await_ready();
    void launch();
    void stop();
    Secret url(std::string_view role, std::string_view database) const {
        return embedded_role_url(folder.root, role, embedded_secret(folder, role), database);
    }

    EmbeddedPostgresOptions options;
    EmbeddedFolder folder;
    fs::path binaries;
    std::unique_ptr<EmbeddedProcess> server;
};

void EmbeddedPostgres::State::initialise() {
    write_embedded_file(folder, folder.unfinished(), "");
    embedded_secret(folder, "postgres");
    EmbeddedCommand command{
        .words = {(binaries / "initdb").string(), "--pgdata=" + folder.data().string(),
                  "--username=postgres", "--auth=scram-sha-256",
                  "--pwfile=" + (folder.root / "postgres.secret").string(), "--encoding=UTF8",
                  "--locale=C.UTF-8", "--data-checksums", "--no-instructions"},
        .user = folder.user,
        .log = folder.log(),
        .death_signal = SIGTERM};
    if (!options.durable) command.words.push_back("--no-sync");
    EmbeddedProcess initdb(command);
    const auto code = initdb.wait(embedded_initdb_max);
    if (code != 0) {
        throw Failure(Failure::Kind::unavailable,
                      fmt::format("initdb {} for {}; its last words: {}",
                                  code ? fmt::format("failed (exit code {})", *code)
                                       : std::string("did not end in time"),
                                  folder.data().string(), embedded_log_tail(folder)));
    }
    write_embedded_settings(folder, options.durable);
    include_embedded_settings(folder);
    // Only a finished cluster loses the mark; a crash before this line starts over.
    fs::remove(folder.unfinished());
}

void EmbeddedPostgres::State::launch() {
    server = std::make_unique<EmbeddedProcess>(
        EmbeddedCommand{.words = {(binaries / "postgres").string(), "-D", folder.data().string()},
                        .user = folder.user,
                        .log = folder.log(),
                        .death_signal = SIGINT});
}

void EmbeddedPostgres::State::await_ready() {
    const auto deadline = std::chrono::steady_clock::now() + embedded_ready_max;
    const Secret superuser = url("postgres", "postgres");
    std::string last = "no answer yet";
    while (std::chrono::steady_clock::now() < deadline) {
        if (const auto code = server->exit_code()) {
            const std::string tail = embedded_log_tail(folder);
            // The backends of a killed postmaster end by themselves within seconds.
            const bool passing = tail.find("pre-existing shared memory") != std::string::npos;
            if (!passing) {
                throw Failure(
                    Failure::Kind::unavailable,
                    fmt::format("the embedded PostgreSQL ended at once (exit code {}); its "
                                "last words: {}",
                                *code, tail));
            }
            last = "its predecessor's processes still run";
            std::this_thread::sleep_for(milliseconds(500));
            launch();
            continue;
        }
        try {
            SqlSession session(superuser);
            session.run("select 1");
            return;
        } catch (const Failure& failure) {
            // Not up yet; the deadline decides, and the last reason is told then.
            last = failure.what();
        }
        if (last.find("password authentication failed") != std::string::npos) break;
        std::this_thread::sleep_for(milliseconds(20));
    }
    throw Failure(Failure::Kind::unavailable,
                  fmt::format("the embedded PostgreSQL in {} is not ready ({}); its last words: {}",
                              folder.root.string(), last, embedded_log_tail(folder)));
}

void EmbeddedPostgres::State::start() {
    bound_embedded_log(folder);
    write_embedded_settings(folder, options.durable);
    launch();
    await_ready();
}

void EmbeddedPostgres::State::stop() {
    if (!server) return;
    server->send(SIGINT);
    if (!server->wait(embedded_stop_max)) {
        server->send(SIGQUIT);
        server->wait(seconds{5});
    }
    server.reset();
}

EmbeddedPostgres::EmbeddedPostgres(EmbeddedPostgresOptions options)
    : state_(std::make_unique<State>(std::move(options))) {
    State& state = *state_;
    const bool present = has_embedded_cluster(state.folder);
    state.binaries = find_embedded_binaries(state.folder, state.options.binaries);
    if (present) {
        embedded_stop_leftover(state.folder);
    } else {
        state.initialise();
    }
    state.start();
    const Secret superuser = superuser_url();
    ensure_roles(superuser, {.owner_password = embedded_secret(state.folder, "mana_owner"),
                             .app_password = embedded_secret(state.folder, "mana_app"),
                             .ops_password = embedded_secret(state.folder, "mana_ops")});
    ensure_database(superuser, state.options.database);
}

EmbeddedPostgres::~EmbeddedPostgres() = default;

Secret EmbeddedPostgres::superuser_url() const {
    return state_->url("postgres", "postgres");
}

Secret EmbeddedPostgres::owner_url() const {
    return state_->url("mana_owner", state_->options.database);
}

Secret EmbeddedPostgres::app_url() const {
    return state_->url("mana_app", state_->options.database);
}

Secret EmbeddedPostgres::ops_url() const {
    return state_->url("mana_ops", state_->options.database);
}

bool EmbeddedPostgres::is_running() const {
    bound_embedded_log(state_->folder);
    return state_->server && !state_->server->exit_code();
}

void EmbeddedPostgres::restart() {
    state_->stop();
    state_->start();
}

Secret embedded_url(const fs::path& folder, std::string_view role, std::string_view database) {
    const bool known =
        role == "mana_owner" || role == "mana_app" || role == "mana_ops" || role == "postgres";
    if (!known) {
        throw Failure(
            Failure::Kind::invalid,
            fmt::format("role \"{}\" is unknown; valid are mana_owner, mana_app, mana_ops "
                        "and postgres",
                        role));
    }
    const fs::path root = fs::absolute(folder).lexically_normal();
    try {
        const Secret password(
            std::string(trim(read_small_file(root / fmt::format("{}.secret", role), 256))));
        return embedded_role_url(root, role, password, database);
    } catch (const Failure& failure) {
        throw Failure(failure.kind(),
                      fmt::format("no embedded database can be opened in {}: {}; start the daemon "
                                  "once, as a user who may read it, or set DATABASE_URL",
                                  root.string(), failure.what()));
    }
}

}  // namespace base
