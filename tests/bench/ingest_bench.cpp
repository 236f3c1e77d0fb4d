// How fast audit rows come in through the endpoint (HTTP, batches of 500, as the outbox sends them)
// beside COPY of equal rows into the same table with its indexes, on a throw-away PostgreSQL. The
// two take turns, so that the table and the machine are the same for both. Prints one line of JSON;
// `share` is the endpoint's rate over COPY's.
//
//   bench_ingest ROWS [SENDERS]      rows of each way; SENDERS connections at once, else 1
//                                    e.g. bench_ingest 200000
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/identity/users.hpp"
#include "auth/migrations.hpp"
#include "auth/service.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "catalog/record.hpp"
#include "tests/support/temp_database.hpp"

namespace bench {

namespace {

constexpr int batch_rows = 500;
constexpr int visit_rows = 20;  // Actions of one visit.
constexpr int batches_per_turn = 20;
constexpr base::Moment ingest_start =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{9};

constexpr std::string_view insert_persona = R"(
insert into auth.personas (user_id, archetype, system_prompt, module_mix, tick_cadence)
values ($1, 'bench', 'You are a bench.', '{"todo":1}', 'daily'))";

constexpr std::string_view insert_visit = R"(
insert into auth.persona_visits (tick_id, user_id, runner_id, request_id, attempt, slot, status,
    started_at, deadline, ended_at)
select v.id, $1, 'bench', 'bench', 1, now(), 'finished', now(), now(), now()
from unnest($2::text[]) as v (id))";

catalog::Action bench_action(const std::string& visit_id, int seq) {
    catalog::Action action{.visit_id = visit_id,
                           .seq = seq,
                           .started_at = ingest_start + std::chrono::milliseconds{seq * 700},
                           .module = "todo",
                           .tool = "todo.create",
                           .input_hash = base::to_hex(base::sha256(visit_id)),
                           .outcome = catalog::Action::Outcome::ok,
                           .latency_ms = 12 + seq};
    action.input = base::Json{{"title", "Buy milk for the weekend"},
                              {"listId", "0b9f2c1e-8d7a-4f5e-9c3b-1a2d3e4f5a6b"},
                              {"due", "2026-11-21"}};
    if (seq % 10 == 0) {
        action.outcome = catalog::Action::Outcome::error;
        action.error_message = "no such list";
    }
    return action;
}

// A text column of COPY: tab-separated, \N for null; our texts hold nothing to escape.
std::string copy_line(const std::string& user_id, const catalog::Action& action) {
    const bool ok = action.outcome == catalog::Action::Outcome::ok;
    const std::string key = user_id + action.visit_id + std::to_string(action.seq);
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
                       base::to_hex(base::sha256(key)), user_id, action.visit_id, action.seq,
                       base::to_iso(action.started_at), action.module, action.tool,
                       action.input_hash, base::to_text(*action.input), ok ? "ok" : "error",
                       ok ? "ok" : "error", ok ? "\\N" : action.error_message, *action.latency_ms,
                       base::to_iso(ingest_start));
}

struct Batch {
    std::string path, body;
};

class Ingest {
  public:
    explicit Ingest(int senders) : senders_(senders), service_(app_, options(), clock_, metrics_) {
        service_.start();
        owner_.transact([&](base::Transaction& transaction) {
            user_id_ = *auth::create_user(transaction,
                                          {.email = "persona.bench@mana.test",
                                           .name = "Bench",
                                           .kind = "persona",
                                           .tier = "founder",
                                           .verified = true},
                                          ingest_start);
            transaction.run(insert_persona, {user_id_});
        });
    }
    ~Ingest() { std::filesystem::remove(file()); }

    // Seconds that so many batches took through the endpoint; making them is not counted.
    double by_endpoint(int batches) {
        std::vector<Batch> ready;
        for (int i = 0; i < batches; ++i) ready.push_back(make_batch());
        const auto began = std::chrono::steady_clock::now();
        std::vector<std::thread> threads;
        for (int sender = 0; sender < senders_; ++sender) {
            threads.emplace_back([&, sender] {
                for (std::size_t i = static_cast<std::size_t>(sender); i < ready.size();
                     i += static_cast<std::size_t>(senders_)) {
                    post(ready[i]);
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        return since(began);
    }

    double by_copy(int batches) {
        std::ofstream out(file(), std::ios::trunc);
        for (int i = 0; i < batches; ++i) {
            for (const catalog::Action& action : make_actions()) {
                out << copy_line(user_id_, action);
            }
        }
        out.close();
        std::filesystem::permissions(file(), std::filesystem::perms::others_read,
                                     std::filesystem::perm_options::add);
        const std::string statement =
            "copy auth.persona_actions (id, persona_id, tick_id, seq, started_at, module, "
            "tool_name, input_hash, input, outcome, result, error_message, latency_ms, "
            "created_at) from '" +
            file().string() + "'";
        const auto began = std::chrono::steady_clock::now();
        superuser_.transact([&](base::Transaction& transaction) { transaction.run(statement); });
        return since(began);
    }

    std::int64_t rows() {
        return owner_.transact([](base::Transaction& transaction) {
            return transaction.run("select count(*) as n from auth.persona_actions")[0].integer(
                "n");
        });
    }

  private:
    static auth::Options options() {
        auth::Options options;
        options.port = 0;
        return options;
    }
    static double since(std::chrono::steady_clock::time_point began) {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }
    // The server, another user, reads it.
    static std::filesystem::path file() {
        return std::filesystem::temp_directory_path() / fmt::format("bench-ingest-{}", ::getpid());
    }

    std::vector<catalog::Action> make_actions() {
        std::vector<std::string> visits;
        std::vector<catalog::Action> actions;
        for (int i = 0; i < batch_rows / visit_rows; ++i) visits.push_back(base::random_uuid());
        owner_.transact([&](base::Transaction& transaction) {
            transaction.run(insert_visit, {user_id_, base::SqlParam::array(visits)});
        });
        for (const std::string& visit : visits) {
            for (int seq = 1; seq <= visit_rows; ++seq) {
                actions.push_back(bench_action(visit, seq));
            }
        }
        return actions;
    }
    Batch make_batch() {
        base::Json rows = base::Json::array();
        for (const catalog::Action& action : make_actions()) {
            rows.push_back(catalog::to_json(action));
        }
        return {"/api/v1/internal/personas/" + user_id_ + "/actions",
                base::to_text(base::Json{{"actions", std::move(rows)}})};
    }
    void post(const Batch& batch) {
        base::HttpRequest request;
        request.method = "POST";
        request.url = service_.url() + batch.path;
        request.headers = {{"X-Service-Key", auth::development_service_key},
                           {"Content-Type", "application/json"}};
        request.body = batch.body;
        const base::HttpResponse answer = base::fetch(request);
        const auto json = base::try_parse_json(answer.body);
        const bool stored = answer.status == 200 && json && (*json)["inserted"] == batch_rows;
        if (!stored) {
            std::fprintf(stderr, "the endpoint answered %d: %s\n", answer.status,
                         answer.body.c_str());
            std::exit(1);
        }
    }

    const int senders_;
    test_support::TempDatabase database_{{{"auth", auth::migrations()}}};
    base::Postgres owner_{{.url = database_.owner_url(), .connections_max = 1}};
    base::Postgres superuser_{{.url = database_.superuser_url(),
                               .connections_max = 1,
                               .statement_max = std::chrono::minutes{10}}};
    base::Postgres app_{{.url = database_.app_url(), .connections_max = 8}};
    base::SystemClock clock_;
    base::Metrics metrics_;
    auth::Service service_;
    std::string user_id_;
};

int run(int rows, int senders) {
    base::set_log_level(base::LogLevel::error);
    Ingest ingest(senders);
    const int turns = std::max(1, rows / (batch_rows * batches_per_turn));
    ingest.by_endpoint(batches_per_turn);  // To warm up.
    ingest.by_copy(batches_per_turn);
    double endpoint_s = 0;
    double copy_s = 0;
    for (int turn = 0; turn < turns; ++turn) {
        endpoint_s += ingest.by_endpoint(batches_per_turn);
        copy_s += ingest.by_copy(batches_per_turn);
    }
    const int each = turns * batches_per_turn * batch_rows;
    base::require(ingest.rows() == 2 * (each + batches_per_turn * batch_rows),
                  "every row is there");
    std::printf("%s\n",
                fmt::format(R"({{"rows":{},"batch":{},"senders":{},"endpoint_rows_per_s":{:.0f},)"
                            R"("copy_rows_per_s":{:.0f},"share":{:.2f}}})",
                            each, batch_rows, senders, each / endpoint_s, each / copy_s,
                            copy_s / endpoint_s)
                    .c_str());
    return 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fputs("usage: bench_ingest ROWS [SENDERS]\n", stderr);
        return 2;
    }
    return bench::run(std::max(1, std::atoi(argv[1])),
                      argc == 3 ? std::max(1, std::atoi(argv[2])) : 1);
}
