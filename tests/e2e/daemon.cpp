#include "tests/e2e/daemon.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "auth/options.hpp"
#include "base/embedded_postgres.hpp"
#include "base/failure.hpp"
#include "base/state_directory.hpp"

namespace e2e {

namespace {

using base::Json;

constexpr std::chrono::seconds day_limit{150};

}  // namespace

void write_catalog(const std::filesystem::path& file, std::size_t count) {
    const Json shipped =
        base::parse_json(base::read_small_file(SOURCE_DIR "/catalog/personas.json", 1'000'000),
                         "the shipped catalog");
    Json personas = Json::array();
    for (std::size_t i = 0; i < count; ++i) personas.push_back(shipped.at("personas").at(i));
    // And the spaces that they share among themselves.
    Json spaces = Json::array();
    for (const Json& space : shipped.at("spaces")) {
        const bool whole = std::all_of(
            space.at("members").begin(), space.at("members").end(), [&](const Json& email) {
                return std::any_of(personas.begin(), personas.end(),
                                   [&](const Json& one) { return one.at("email") == email; });
            });
        if (whole) spaces.push_back(space);
    }
    Json catalog{{"personas", std::move(personas)}};
    catalog["spaces"] = std::move(spaces);
    std::ofstream(file) << catalog.dump();
}

Daemon::Daemon(Variables changes) : state_(folder_.path() / "state") {
    environment_ = {{"STATE_DIRECTORY", state_.string()},
                    {"PERSONA_THROWAWAY", "true"},
                    {"RUNNER_PAUSED", "true"},
                    {"PORT", "0"},
                    {"MANA_AUTH_PORT", "0"},
                    {"MANA_MCP_PORT", "0"},
                    {"PERSONA_SEED", "1"},
                    {"PERSONA_ADAPTIVE", "false"}};  // All places from the start.
    for (auto& [name, value] : changes) environment_[name] = value;
}

Daemon::~Daemon() {
    superuser_.reset();
    ops_.reset();
    if (program_ && program_->is_running()) {
        program_->signal(SIGCONT);
        program_->signal(SIGTERM);
        EXPECT_EQ(program_->wait(), 0) << "the daemon ends well";
    }
    EXPECT_EQ(log().find("Sanitizer"), std::string::npos);
    EXPECT_EQ(log().find("runtime error:"), std::string::npos);
    if (testing::Test::HasFailure()) std::cerr << "--- log of " << state_ << "\n" << log();
}

void Daemon::start() {
    start_with({});
}

void Daemon::start_limited(std::size_t file_bytes_max) {
    start_with(file_bytes_max);
}

void Daemon::launch() {
    launch_with({});
}

void Daemon::launch_with(std::optional<std::size_t> file_bytes_max) {
    superuser_.reset();
    ops_.reset();
    earlier_log_ = log();
    program_.reset();
    // A later start must not be taken for the earlier one.
    std::filesystem::remove(state_ / "urls");
    program_ = std::make_unique<Program>(
        ProgramOptions{{"serve"}, environment_, folder_.path(), file_bytes_max});
}

bool Daemon::await_ready() {
    const bool settled = eventually([this] {
        if (!program_->is_running()) return true;
        return std::filesystem::exists(state_ / "urls") && is_well();
    });
    return settled && program_->is_running();
}

void Daemon::start_with(std::optional<std::size_t> file_bytes_max) {
    launch_with(file_bytes_max);
    ASSERT_TRUE(await_ready()) << "the daemon did not become ready:\n" << log();
}

std::string Daemon::log() const {
    return earlier_log_ + (program_ ? program_->err() : "");
}

int Daemon::stop() {
    program_->signal(SIGTERM);
    const auto code = program_->wait();
    EXPECT_TRUE(code) << "the daemon does not stop";
    return code.value_or(-1);
}

void Daemon::kill() {
    program_->signal(SIGKILL);
    EXPECT_TRUE(program_->wait());
}

std::string Daemon::url_of(const std::string& name) const {
    std::ifstream in(state_ / "urls");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    }
    return {};
}

base::HttpResponse Daemon::ask(const std::string& method, const std::string& path,
                               const std::string& body) const {
    base::HttpRequest request;
    request.method = method;
    request.url = ops_url() + path;
    request.body = body;
    request.deadline = request.header_limit = day_limit;
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    const auto key = environment_.find("MANA_SERVICE_KEY");
    if (key != environment_.end()) request.headers.emplace_back("X-Service-Key", key->second);
    return base::fetch(request);
}

Json Daemon::status() const {
    const base::HttpResponse answer = ask("GET", "/status");
    return base::parse_json(answer.body, "/status");
}

bool Daemon::is_well() const {
    if (ops_url().empty()) return false;
    try {
        return ask("GET", "/health").status == 200;
    } catch (const base::Failure&) {
        // Not up yet; the caller asks again.
        return false;
    }
}

Json Daemon::tick_all() const {
    const base::HttpResponse answer = ask("POST", "/diag/tick", R"({"due":"all"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    return base::parse_json(answer.body, "/diag/tick").value("result", Json::object());
}

void Daemon::start_tick_all() const {
    const base::HttpResponse answer = ask("POST", "/diag/tick?wait=0", R"({"due":"all"})");
    ASSERT_EQ(answer.status, 202) << answer.body;
}

Json Daemon::await_visit(const std::function<bool(const Json&)>& condition) const {
    Json found;
    const bool seen = eventually([&] {
        const Json now = status();
        for (const Json& visit : now.at("running")) {
            if (!condition(visit)) continue;
            found = visit;
            return true;
        }
        return false;
    });
    EXPECT_TRUE(seen) << "no running visit came so far: " << status().dump(2);
    return found;
}

std::size_t Daemon::outbox_files() const {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(state_ / "outbox")) {
        files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
}

bool Daemon::await_delivery() const {
    return eventually([this] { return outbox().at("visits") == 0; });
}

Outcome Daemon::verb(std::vector<std::string> arguments, Variables changes) const {
    Variables environment = environment_;
    for (auto& [name, value] : changes) environment[name] = value;
    return run_program({std::move(arguments), std::move(environment), folder_.path()});
}

std::string Daemon::admin_token() const {
    const std::string email(admin_email);
    const Outcome created = verb({"admin", "create", email});
    EXPECT_EQ(created.exit_code, 0) << created.err;
    const Outcome token = verb({"admin", "token", email});
    EXPECT_EQ(token.exit_code, 0) << token.err;
    return token.out.substr(0, token.out.find('\n'));
}

std::size_t Daemon::release_quarantined() const {
    const auto key = environment_.find("MANA_SERVICE_KEY");
    base::HttpRequest request;
    request.url = auth_url() + "/api/v1/internal/standing";
    request.headers = {{"X-Service-Key", key == environment_.end()
                                             ? std::string(auth::development_service_key)
                                             : key->second}};
    const base::HttpResponse standing = base::fetch(request);
    EXPECT_EQ(standing.status, 200) << standing.body;
    request.method = "POST";
    request.headers.emplace_back("Content-Type", "application/json");
    request.url = auth_url() + "/api/v1/internal/personas/release";
    std::size_t released = 0;
    const Json told = base::parse_json(standing.body, "standing");
    for (const Json& held : told.at("quarantined")) {
        Json body;
        body["email"] = held.at("email");
        request.body = body.dump();
        const base::HttpResponse answer = base::fetch(request);
        EXPECT_EQ(answer.status, 200) << answer.body;
        ++released;
    }
    return released;
}

void Daemon::seed(std::size_t count) const {
    const std::filesystem::path file = folder_.path() / "catalog.json";
    write_catalog(file, count);
    const Outcome seeded =
        verb({"seed", "--catalog", file.string()}, {{"MANA_ADMIN_JWT", admin_token()}});
    ASSERT_EQ(seeded.exit_code, 0) << seeded.out << seeded.err;
}

base::Postgres& Daemon::superuser() {
    if (!superuser_) {
        superuser_ = std::make_unique<base::Postgres>(base::PostgresOptions{
            .url = base::embedded_url(state_ / "postgres", "postgres"), .connections_max = 4});
    }
    return *superuser_;
}

base::Postgres& Daemon::ops() {
    if (!ops_) {
        ops_ = std::make_unique<base::Postgres>(base::PostgresOptions{
            .url = base::embedded_url(state_ / "postgres", "mana_ops"), .connections_max = 2});
    }
    return *ops_;
}

base::SqlRows Daemon::query(std::string_view statement, const base::SqlParams& params) {
    return superuser().transact(
        [&](base::Transaction& transaction) { return transaction.run(statement, params); });
}

std::int64_t Daemon::count(std::string_view statement, const base::SqlParams& params) {
    return query(statement, params)[0].integer("count");
}

}  // namespace e2e
