// How long a claim of 100 visits takes with few and with very many personas, on a throw-away
// PostgreSQL of its own. Hourly personas, evenly spread over the hour, each with a visit behind
// her; before each claim the clock moves on until 100 of them are due. The sizes take turns claim
// by claim, so that what else the machine does falls on all of them. Prints one line of JSON;
// `ratio` is the p99 of the last size over that of the first.
//
//   bench_claim PERSONAS[,PERSONAS…] CLAIMS       e.g. bench_claim 1000,100000,1000000 500
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include <fmt/format.h>

#include "auth/migrations.hpp"
#include "auth/personas/runners.hpp"
#include "auth/personas/visits.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "tests/support/temp_database.hpp"

namespace bench {

namespace {

constexpr int claim_limit = 100;
constexpr int claims_to_warm_up = 20;
constexpr base::Moment claim_start =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + std::chrono::hours{9};

constexpr std::string_view fill_users = R"(
insert into auth.users (id, name, email, email_verified, kind, access_tier)
select md5(i::text), 'Persona ' || i, 'persona.p' || i || '@mana.test', true, 'persona', 'founder'
from generate_series(1, $1::bigint) i)";

constexpr std::string_view fill_personas = R"(
insert into auth.personas (user_id, archetype, system_prompt, module_mix, tick_cadence,
    created_at, last_active_at, next_due_at)
select md5(i::text), 'archetype ' || i % 10, repeat('You are a persona with a character. ', 12),
    '{"todo": 0.4, "notes": 0.3, "journal": 0.2, "mood": 0.1}', 'hourly',
    $2::timestamptz - interval '1 day', s.due - interval '1 hour', s.due
from generate_series(1, $1::bigint) i
cross join lateral (select $2::timestamptz + i * (interval '1 hour' / $1::bigint) as due) s)";

constexpr std::string_view fill_visits = R"(
insert into auth.persona_visits (tick_id, user_id, runner_id, request_id, attempt, slot, status,
    started_at, deadline, ended_at, turns, tool_calls)
select gen_random_uuid()::text, user_id, 'earlier', 'r' || row_number() over () / 100, 1,
    last_active_at, 'finished', last_active_at, last_active_at + interval '10 minutes',
    last_active_at + interval '2 minutes', 5, 7
from auth.personas order by last_active_at)";

constexpr std::string_view end_visits = R"(
update auth.persona_visits set status = 'finished', ended_at = started_at + interval '2 minutes'
where status = 'running')";

class Side {
  public:
    explicit Side(std::int64_t personas)
        : personas_(personas),
          owner_({.url = database_.owner_url(),
                  .connections_max = 1,
                  .statement_max = std::chrono::minutes{30}}),
          app_({.url = database_.app_url(), .connections_max = 1}),
          visits_(app_, {}) {
        const auto run = [&](std::string_view statement, const base::SqlParams& params) {
            owner_.transact(
                [&](base::Transaction& transaction) { transaction.run(statement, params); });
        };
        run(fill_users, {personas});
        run(fill_personas, {personas, claim_start});
        run(fill_visits, {});
        for (const char* table : {"auth.users", "auth.personas", "auth.persona_visits"}) {
            run(std::string("analyze ") + table, {});
        }
        auth::Runners runners(app_, {});
        runners.heartbeat(
            {.runner_id = "bench", .node = "bench", .lease = std::chrono::hours{24 * 365}},
            claim_start);
    }

    void claim(bool counts) {
        now_ += std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::hours{1}) *
                claim_limit / personas_;
        const auth::Claim claim{
            .runner_id = "bench", .request_id = base::random_uuid(), .limit = claim_limit};
        const auto began = std::chrono::steady_clock::now();
        const auto claimed = visits_.claim(claim, now_);
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - began;
        const bool whole = claimed && claimed->size() == static_cast<std::size_t>(claim_limit);
        base::require(whole, "each claim finds its hundred");
        if (counts) took_ms_.push_back(took.count());
        owner_.transact([](base::Transaction& transaction) { transaction.run(end_visits); });
    }

    double percentile(double share) {
        std::sort(took_ms_.begin(), took_ms_.end());
        const auto last = static_cast<double>(took_ms_.size() - 1);
        return took_ms_[static_cast<std::size_t>(last * share + 0.5)];
    }
    std::string report() {
        return fmt::format(R"({{"personas":{},"claims":{},"p50_ms":{:.2f},"p99_ms":{:.2f}}})",
                           personas_, took_ms_.size(), percentile(0.50), percentile(0.99));
    }

  private:
    const std::int64_t personas_;
    test_support::TempDatabase database_{{{"auth", auth::migrations()}}};
    base::Postgres owner_, app_;
    auth::Visits visits_;
    base::Moment now_ = claim_start;
    std::vector<double> took_ms_;
};

int run(const std::string& sizes, int claims) {
    base::set_log_level(base::LogLevel::error);
    std::deque<Side> sides;  // They never move.
    for (const std::string_view size : base::split(sizes, ',')) {
        sides.emplace_back(std::max<std::int64_t>(1000, std::stoll(std::string(size))));
    }
    for (int i = 0; i < claims_to_warm_up + claims; ++i) {
        for (Side& side : sides) side.claim(i >= claims_to_warm_up);
    }
    const double ratio = sides.back().percentile(0.99) / sides.front().percentile(0.99);
    std::string reports;
    for (Side& side : sides) reports += (reports.empty() ? "" : ",") + side.report();
    std::printf("%s\n", fmt::format(R"({{"limit":{},"sizes":[{}],"ratio":{:.2f}}})", claim_limit,
                                    reports, ratio)
                            .c_str());
    return 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: bench_claim PERSONAS[,PERSONAS...] CLAIMS\n", stderr);
        return 2;
    }
    return bench::run(argv[1], std::max(1, std::atoi(argv[2])));
}
