// `persona-runner serve` as a child process in a state directory of its own, and what tests ask it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "tests/e2e/program.hpp"

namespace e2e {

inline constexpr std::string_view admin_email = "admin@example.com";

// One state directory and the daemons that live in it, one after the other. The log of all of them
// is printed when the test failed.
class Daemon {
  public:
    // Changes over: any free ports, throw-away database, no timer ticks.
    explicit Daemon(Variables changes = {});
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();

    // Starts it and waits until its listeners answer; a test failure with its log when it does not.
    void start();
    void start_limited(std::size_t file_bytes_max);  // No file of it may grow past that.
    // The two halves of start(), for tests that kill it in between.
    void launch();
    bool await_ready();  // false: it ended, or does not become ready.
    Variables& environment() { return environment_; }
    const std::filesystem::path& state() const { return state_; }
    Program& program() { return *program_; }
    std::string log() const;

    // Exit code of a daemon that was told to stop.
    int stop();
    void kill();  // SIGKILL, and gone when it returns.

    std::string ops_url() const { return url_of("PERSONA_URL"); }
    std::string auth_url() const { return url_of("MANA_AUTH_URL"); }
    std::string mcp_url() const { return url_of("MANA_MCP_URL"); }

    base::HttpResponse ask(const std::string& method, const std::string& path,
                           const std::string& body = {}) const;
    base::Json status() const;  // GET /status
    base::Json outbox() const { return status().at("outbox"); }
    bool is_well() const;  // GET /health answers 200.
    // Everybody's visit; answers `result` when all have ended.
    base::Json tick_all() const;
    void start_tick_all() const;  // Answers at once.
    // The running visit once it satisfies `condition`; null and a test failure when none did.
    base::Json await_visit(const std::function<bool(const base::Json&)>& condition) const;
    std::size_t outbox_files() const;
    bool await_delivery() const;  // Until the outbox is empty.

    // A verb of the program in this daemon's state directory.
    Outcome verb(std::vector<std::string> arguments, Variables changes = {}) const;
    // Makes the administrator when there is none, and answers a token of hers.
    std::string admin_token() const;
    // Lets everybody go whom the auth service holds because her visits crashed too often, as an
    // operator would; answers how many.
    std::size_t release_quarantined() const;
    // Seeds the first `count` personas of the shipped catalog.
    void seed(std::size_t count) const;

    // The database, of an embedded cluster.
    base::Postgres& superuser();
    base::Postgres& ops();
    base::SqlRows query(std::string_view statement, const base::SqlParams& params = {});
    std::int64_t count(std::string_view statement, const base::SqlParams& params = {});

  private:
    void launch_with(std::optional<std::size_t> file_bytes_max);
    void start_with(std::optional<std::size_t> file_bytes_max);
    std::string url_of(const std::string& name) const;

    TempFolder folder_;
    std::filesystem::path state_;
    Variables environment_;
    std::unique_ptr<Program> program_;
    std::string earlier_log_;
    std::unique_ptr<base::Postgres> superuser_, ops_;
};

// The first `count` personas of the shipped catalog as a catalog file.
void write_catalog(const std::filesystem::path& file, std::size_t count);

}  // namespace e2e
