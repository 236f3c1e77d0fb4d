// How long a search takes among very many notes: half of them in the searcher's own space, the
// others in spaces of strangers. Asked as tools are called, over HTTP, under the application's role
// and row-level security, on a throw-away PostgreSQL. Prints one line of JSON.
//
//   bench_search NOTES SEARCHES     SEARCHES of each kind; NOTES at least 10000
//
// Words follow Zipf's law over twenty thousand made-up ones, so that some are in most notes and
// most are in few. Fails when a search reads a whole table instead of an index.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "clients/mcp_message.hpp"
#include "clients/mcp_stateless.hpp"
#include "tests/support/temp_database.hpp"
#include "tests/workspace/fake_auth.hpp"
#include "workspace/migrations.hpp"
#include "workspace/service.hpp"

namespace bench {

namespace {

using base::Json;

constexpr int fillers = 2;
constexpr int strangers_spaces = 500;
constexpr std::string_view search_word = R"(
create function public.bench_word(rank integer) returns text language sql immutable as $$
    select left(translate(md5(rank::text), '0123456789abcdef', 'aeioubdfgklmnprs'), 7)
$$)";

// $1 of every $2 notes; $3 in all; $4 spaces of strangers.
constexpr std::string_view fill_notes = R"(
insert into workspace.records (space_id, app_id, table_name, record_id, created_by, updated_by,
    data, field_times, created_seq, changed_seq, created_at, updated_at)
select case when i % 2 = 0 then 'home' else 'stranger-' || i % $4::bigint end, 'notes', 'notes',
       md5('note' || i)::uuid::text, 'somebody', 'somebody',
       jsonb_build_object('title', split_part(text, ' ', 1) || ' ' || split_part(text, ' ', 2),
           'content', text, 'color', null, 'tags', '[]'::jsonb, 'isPinned', false, 'isArchived',
           false),
       '{}', i, i, now(), now()
from generate_series($1::bigint, $3::bigint, $2::bigint) i
cross join lateral (
    select string_agg(public.bench_word(exp(random() * ln(20000))::integer), ' ') as text
    from generate_series(1, 16) where i > 0) words)";

constexpr std::string_view fill_words = R"(
insert into workspace.record_words
select space_id, app_id, table_name, record_id, created_seq,
       workspace.words_of((data ->> 'title') || ' ' || (data ->> 'content') || ' []',
                          workspace.place_lexeme(space_id, app_id, table_name))
from workspace.records where created_seq % $2::bigint = $1::bigint - 1)";

// As the trigger would, but at once: the index is built when the words are there.
void fill(base::Postgres& postgres, std::int64_t notes) {
    const auto run = [&](std::string_view statement, const base::SqlParams& params = {}) {
        return postgres.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement, params); });
    };
    const auto side_by_side = [&](std::string_view statement, const base::SqlParams& more) {
        std::vector<std::thread> threads;
        for (int i = 1; i <= fillers; ++i) {
            threads.emplace_back([&run, statement, params = more, i]() mutable {
                params.insert(params.begin(), {i, fillers});
                run(statement, params);
            });
        }
        for (std::thread& thread : threads) thread.join();
    };
    run(search_word);
    run("alter table workspace.records disable trigger records_words");
    const std::string index =
        run("select pg_get_indexdef('workspace.record_words_found'::regclass) as made")[0].text(
            "made");
    run("drop index workspace.record_words_found");
    side_by_side(fill_notes, {notes, strangers_spaces});
    side_by_side(fill_words, {});
    run(index);
    run("alter table workspace.records enable trigger records_words");
    run("analyze workspace.records");
    run("analyze workspace.record_words");
}

struct Kind {
    const char* name;
    std::vector<int> ranks;  // Words of a query; each search takes the next rank of each.
};
const Kind search_kinds[] = {{"frequent", {2}},  {"usual", {100}},     {"rare", {8000}},
                             {"pair", {5, 700}}, {"beginning", {300}}, {"none", {30000}}};

class Searcher {
  public:
    Searcher(base::Postgres& application, base::Postgres& owner) : owner_(owner) {
        auth_.join("anna", "home");
        workspace::Options options;
        options.port = 0;
        options.auth_url = auth_.url();
        options.service_key = base::Secret(tests::service_key);
        options.issuers = {tests::issuer};
        options.calls_per_minute_max = 1'000'000;
        options.gate.calls_per_minute_max = 1'000'000;
        service_ = std::make_unique<workspace::Service>(application, options, clock_, metrics_);
        service_->start();
    }

    std::string query(const Kind& kind, int number) {
        std::string words;
        for (const int rank : kind.ranks) {
            const auto rows = owner_.transact([&](base::Transaction& transaction) {
                return transaction.run("select public.bench_word($1::integer) as word",
                                       {rank + number % 50});
            });
            words += (words.empty() ? "" : " ") + rows[0].text("word");
        }
        return std::string(kind.name) == "beginning" ? words.substr(0, 4) : words;
    }

    // How many were found.
    std::size_t search(const std::string& text) {
        Json params = {{"name", "notes.search"}, {"arguments", {{"query", text}, {"limit", 20}}}};
        clients::add_stateless_meta(params);
        base::HttpRequest post{.method = "POST", .url = service_->url() + "/mcp"};
        post.headers = {{"accept", "application/json, text/event-stream"},
                        {"content-type", "application/json"},
                        {"mcp-protocol-version", "2026-07-28"},
                        {"x-mana-space", "home"},
                        {"authorization", "Bearer " + auth_.token("anna", clock_.now())}};
        for (auto& header : clients::stateless_headers("tools/call", params)) {
            post.headers.push_back(std::move(header));
        }
        post.body = clients::rpc_request(++last_id_, "tools/call", params);
        const base::HttpResponse response = base::fetch(post);
        const auto answer = base::try_parse_json(response.body);
        if (response.status != 200 || !answer || !answer->contains("result") ||
            !(*answer)["result"].contains("structuredContent") ||
            (*answer)["result"].value("isError", false)) {
            throw base::Failure(base::Failure::Kind::internal,
                                fmt::format("{}: {}", response.status, response.body));
        }
        return (*answer)["result"]["structuredContent"]["notes"].size();
    }

  private:
    base::Postgres& owner_;
    base::SystemClock clock_;
    base::Metrics metrics_;
    tests::FakeAuth auth_;
    std::unique_ptr<workspace::Service> service_;
    std::int64_t last_id_ = 0;
};

double share_of(std::vector<double>& ms, double share) {
    std::sort(ms.begin(), ms.end());
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
}

// Each kind's figures; `all` gets every search's time.
std::string measure(Searcher& searcher, int searches, std::vector<double>& all) {
    std::string kinds;
    for (const Kind& kind : search_kinds) {
        std::vector<double> ms;
        std::size_t found = 0;
        for (int i = -5; i < searches; ++i) {  // The first five warm up.
            const std::string query = searcher.query(kind, i + 5);
            const auto begun = std::chrono::steady_clock::now();
            found += searcher.search(query);
            const auto took = std::chrono::steady_clock::now() - begun;
            if (i >= 0) ms.push_back(std::chrono::duration<double, std::milli>(took).count());
        }
        const bool wants_none = std::string(kind.name) == "none";
        if (wants_none != (found == 0)) {
            throw base::Failure(base::Failure::Kind::internal,
                                fmt::format("{} notes found of kind {}", found, kind.name));
        }
        all.insert(all.end(), ms.begin(), ms.end());
        kinds +=
            fmt::format(R"({}{{"kind":"{}","kind_p50":{:.2f},"kind_p99":{:.2f}}})",
                        kinds.empty() ? "" : ",", kind.name, share_of(ms, 0.5), share_of(ms, 0.99));
    }
    return kinds;
}

std::int64_t whole_reads(base::Postgres& owner) {
    return owner.transact([](base::Transaction& transaction) {
        return transaction
            .run(
                "select sum(seq_scan)::bigint as n from pg_stat_user_tables "
                "where relname in ('records', 'record_words')")[0]
            .integer("n");
    });
}

int run(std::int64_t notes, int searches) {
    test_support::TempDatabase database({{"workspace", workspace::migrations()}});
    const auto begun = std::chrono::steady_clock::now();
    {
        base::Postgres filler({.url = database.superuser_url(),
                               .connections_max = fillers,
                               .statement_max = std::chrono::minutes{30}});
        fill(filler, notes);
    }  // A connection that ends has told its statistics.
    const std::chrono::duration<double> filling = std::chrono::steady_clock::now() - begun;
    base::Postgres owner({.url = database.superuser_url(), .connections_max = 1});
    std::vector<double> all;
    std::string kinds;
    const std::int64_t before = whole_reads(owner);
    {
        base::Postgres application({.url = database.app_url(), .connections_max = 8});
        Searcher searcher(application, owner);
        kinds = measure(searcher, searches, all);
    }
    const std::int64_t read_whole = whole_reads(owner) - before;
    std::printf("%s\n",
                fmt::format(R"({{"notes":{},"fill_s":{:.1f},"whole_reads":{},"p50_ms":{:.2f},)"
                            R"("p99_ms":{:.2f},"kinds":[{}]}})",
                            notes, filling.count(), read_whole, share_of(all, 0.5),
                            share_of(all, 0.99), kinds)
                    .c_str());
    if (read_whole == 0) return 0;
    std::fputs("a search read a whole table instead of an index\n", stderr);
    return 1;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    base::set_log_level(base::LogLevel::error);
    const long notes = argc == 3 ? std::atol(argv[1]) : 0;
    if (notes < 10'000) {
        std::fputs("usage: bench_search NOTES SEARCHES, at least 10000 notes\n", stderr);
        return 2;
    }
    try {
        return bench::run(notes, std::max(10, std::atoi(argv[2])));
    } catch (const base::Failure& failure) {
        std::fprintf(stderr, "bench_search: %s\n", failure.what());
        return 1;
    }
}
