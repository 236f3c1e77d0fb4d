// The sync API on a throw-away PostgreSQL: one device pushes rows in batches, another pulls them.
// Prints one line of JSON.
//
//   bench_sync ROWS
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "tests/support/temp_database.hpp"
#include "tests/workspace/fake_auth.hpp"
#include "workspace/migrations.hpp"
#include "workspace/service.hpp"

namespace {

using base::Json;

constexpr int batch_rows = 200;  // As the web client sends them.
constexpr int warm_rows = 2'000;

Json batch_of(int first, int count) {
    Json changes = Json::array();
    for (int i = first; i < first + count; ++i) {
        changes.push_back({{"table", "tasks"},
                           {"id", "row-" + std::to_string(i)},
                           {"op", "insert"},
                           {"spaceId", "home"},
                           {"data",
                            {{"title", "Milch und Brot kaufen, " + std::to_string(i)},
                             {"priority", "medium"},
                             {"isCompleted", false},
                             {"dueDate", "2026-11-25"},
                             {"updatedAt", "2026-11-20T10:00:00.000Z"}}}});
    }
    return changes;
}

int run(int rows) {
    test_support::TempDatabase database({{"workspace", workspace::migrations()}});
    base::Postgres postgres({.url = database.app_url(), .connections_max = 8});
    base::SystemClock clock;
    base::Metrics metrics;
    tests::FakeAuth auth;
    auth.join("anna", "home");
    workspace::Options options;
    options.port = 0;
    options.auth_url = auth.url();
    options.service_key = base::Secret(tests::service_key);
    options.issuers = {tests::issuer};
    options.calls_per_minute_max = 1'000'000;
    workspace::Service service(postgres, options, clock, metrics);
    service.start();
    const auto ask = [&](const std::string& device, const std::string& path, const Json& body) {
        base::HttpRequest request{.method = body.is_null() ? "GET" : "POST",
                                  .url = service.url() + path};
        request.headers = {{"Authorization", "Bearer " + auth.token("anna", clock.now())},
                           {"X-Client-Id", device},
                           {"Content-Type", "application/json"}};
        if (!body.is_null()) request.body = body.dump();
        const base::HttpResponse response = base::fetch(request);
        if (response.status != 200) {
            throw base::Failure(base::Failure::Kind::internal, response.body);
        }
        return Json::parse(response.body);
    };

    std::string since;
    const auto push_rows = [&](int first, int last) {
        for (; first < last; first += batch_rows) {
            const Json answer = ask("writer", "/sync/todo",
                                    {{"since", since}, {"changes", batch_of(first, batch_rows)}});
            since = answer["syncedUntil"];
        }
    };
    // Connections and caches; a fresh database has no statistics, and none are made for it.
    push_rows(-warm_rows, 0);
    const auto begun = std::chrono::steady_clock::now();
    push_rows(0, rows);
    const std::chrono::duration<double> push = std::chrono::steady_clock::now() - begun;
    const auto pull_begun = std::chrono::steady_clock::now();
    std::size_t seen = 0;
    since.clear();
    for (bool more = true; more;) {
        const Json answer = ask(
            "reader", "/sync/todo/pull?collection=tasks&since=" + base::url_encode(since), nullptr);
        seen += answer["serverChanges"].size();
        since = answer["syncedUntil"];
        more = answer.value("hasMore", false);
    }
    const std::chrono::duration<double> pull = std::chrono::steady_clock::now() - pull_begun;
    if (seen != static_cast<std::size_t>(warm_rows + rows)) {
        std::fprintf(stderr, "%zu of %d rows came\n", seen, warm_rows + rows);
        return 1;
    }
    std::printf("{\"push_rows_per_s\":%.0f,\"pull_rows_per_s\":%.0f}\n", rows / push.count(),
                (warm_rows + rows) / pull.count());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    base::set_log_level(base::LogLevel::error);
    const int rows = argc > 1 ? std::atoi(argv[1]) / batch_rows * batch_rows : 0;
    if (rows <= 0) {
        std::fputs("usage: bench_sync ROWS (at least 200)\n", stderr);
        return 2;
    }
    try {
        return run(rows);
    } catch (const base::Failure& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
}
