// The runner's outbound half, put together as the daemon does it, lives N visits against the far
// end. Prints one line of JSON: what this process used.
//
//   bench_runner AUTH_PORT MCP_PORT CLAUDE_PORT STATE_DIRECTORY VISITS CONCURRENCY PACING_US [MODE]
//
// Modes: record (the far end keeps the visit's requests for the reader), tick (visits of mixed
// lengths in one tick; PACING_US is how long the shortest lets each reply wait), chunks (the same,
// but the next visits are claimed only when all of the last ones are done).
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/worker.hpp"
#include "runner/scheduler.hpp"
#include "tests/bench/far_end_answers.hpp"
#include "tests/bench/usage.hpp"

namespace bench {

namespace {

struct Options {
    std::string auth_port, mcp_port, claude_port;
    std::filesystem::path state;
    int visits = 1;
    int concurrency = 1;
    std::string pacing_us;
    std::string mode;

    bool is_mixed() const { return mode == "tick" || mode == "chunks"; }
};

std::string local_url(const std::string& port) {
    return "http://127.0.0.1:" + port;
}

clients::ClaudeOptions claude_options(const Options& options) {
    clients::ClaudeOptions claude;
    claude.base_url = local_url(options.claude_port);
    claude.api_key = base::Secret{"bench"};
    claude.traffic.places = {.ceiling = options.concurrency, .adaptive = false};
    return claude;
}

base::HttpOptions http_options(const Options& options) {
    base::HttpOptions http;
    for (const std::string& port : {options.auth_port, options.mcp_port}) {
        // The daemon's default; as an operator of thousands of visits would set it.
        http.connections_max[local_url(port)] = std::clamp(options.concurrency / 16, 32, 256);
    }
    return http;
}

runner::VisitOptions visit_options(const Options& options) {
    runner::VisitOptions visits;
    visits.servers = {{.url = local_url(options.mcp_port) + "/mcp"}};
    visits.keep_inputs = true;  // As with our own workspace.
    return visits;
}

struct Outbound {
    explicit Outbound(const Options& options)
        : loop(clock),
          http(loop, http_options(options)),
          disk(loop),
          auth(http, {.url = local_url(options.auth_port), .service_key = base::Secret{"bench"}}),
          claude(http, claude_options(options), metrics, random),
          mcp(http, {}, metrics),
          prices(catalog::shipped_prices()),
          outbox(loop, disk, auth, {.folder = options.state / "outbox"}, metrics, random),
          lease(loop, auth, {.node = "bench"}, metrics, random),
          logins(loop, auth, {.seed_secret = base::Secret{"bench-seed-secret"}}, metrics),
          scheduler({loop, auth, claude, mcp, outbox, lease, prices, metrics, random, logins},
                    {.concurrency_max = options.concurrency, .paused = true},
                    visit_options(options)),
          ended(loop),
          lag(base::Loop::lag_bounds()) {}

    base::SystemClock clock;
    base::Metrics metrics;
    base::Random random;
    base::Loop loop;
    base::Http http;
    base::Worker disk;
    clients::Auth auth;
    clients::Claude claude;
    clients::Mcp mcp;
    const catalog::Prices prices;
    runner::Outbox outbox;
    runner::Lease lease;
    runner::Logins logins;
    runner::Scheduler scheduler;
    base::Gate ended;
    base::Histogram lag;
    long most_files = 0;
    runner::TickReport report;  // Of all ticks together.
    bool done = false;
    std::string measured;
};

std::string ask_far_end(const Options& options, const std::string& method,
                        const std::string& path) {
    base::HttpRequest request;
    request.method = method;
    request.url = local_url(options.auth_port) + path;
    return base::fetch(request).body;
}

base::Task<void> watch_files(Outbound& outbound) {
    for (;;) {
        outbound.most_files = std::max(outbound.most_files, open_files());
        co_await outbound.loop.sleep(std::chrono::milliseconds{200});
    }
}

base::Task<void> tick(Outbound& outbound) {
    outbound.done = false;
    outbound.scheduler.tick(
        {.everybody = true, .done = [&outbound](const runner::TickReport& report) {
             outbound.report.ran += report.ran;
             outbound.report.trouble += report.trouble;
             for (const auto& failed : report.failed) outbound.report.failed.push_back(failed);
             outbound.done = true;
             outbound.ended.notify();
         }});
    while (!outbound.done) co_await outbound.ended.wait();
}

base::Histogram& visit_seconds(Outbound& outbound) {
    return outbound.metrics.histogram("persona_visit_seconds", "", {});
}

// What only the runner has to tell.
std::string more_of(Outbound& outbound, const Options& options, double makespan) {
    const base::Histogram& visits = visit_seconds(outbound);
    const std::string connections = ask_far_end(options, "GET", "/bench/connections");
    return fmt::format(R"(,"files":{},"connections":[{}],"lag_p50_ms":{:.0f},"lag_p99_ms":{:.0f},)"
                       R"("lag_max_ms":{:.0f},"makespan":{:.3f},"bound":{:.3f})",
                       outbound.most_files, fmt::join(base::split(connections, ' '), ","),
                       outbound.lag.quantile(0.5) * 1000, outbound.lag.quantile(0.99) * 1000,
                       outbound.lag.max() * 1000, makespan,
                       std::max(visits.sum() / options.concurrency, visits.max()));
}

base::Task<void> live(Outbound& outbound, const Options& options) {
    base::Group background(outbound.loop);
    background.add(outbound.outbox.deliver());
    background.add(outbound.lease.keep([](const std::string&) {}));
    co_await outbound.lease.until_held();
    ::malloc_trim(0);
    outbound.loop.observe_lag(outbound.lag);
    background.add(watch_files(outbound));
    const Measure measure;
    const base::Steady began = outbound.loop.now();
    if (options.mode == "chunks") {
        for (int left = options.visits; left > 0; left -= options.concurrency) {
            ask_far_end(options, "POST",
                        fmt::format("/bench/offer?visits={}", std::min(left, options.concurrency)));
            co_await tick(outbound);
        }
    } else {
        co_await tick(outbound);
    }
    const std::chrono::duration<double> makespan = outbound.loop.now() - began;
    co_await outbound.outbox.flush(std::chrono::minutes{3});
    const long exchanges = std::stol(ask_far_end(options, "GET", "/bench/exchanges"));
    outbound.measured = measure.report(options.visits, options.concurrency, exchanges,
                                       more_of(outbound, options, makespan.count()));
}

// A run that did not do the whole work measures nothing.
bool is_whole(const Outbound& outbound, const Options& options) {
    const runner::TickReport& report = outbound.report;
    const std::string calls =
        fmt::format("mcp_calls_total{{outcome=\"ok\"}} {}\n", options.visits * calls_of_a_day);
    const bool whole = report.ran == options.visits && report.failed.empty() &&
                       report.trouble.empty() && outbound.outbox.waiting_visits() == 0 &&
                       outbound.metrics.text().find(calls) != std::string::npos;
    if (whole) return true;
    std::fprintf(stderr, "bench_runner: %d of %d visits ran, %zu failed%s%s; %zu not delivered\n",
                 report.ran, options.visits, report.failed.size(),
                 report.failed.empty() ? "" : ", first: ",
                 report.failed.empty() ? report.trouble.c_str() : report.failed[0].second.c_str(),
                 outbound.outbox.waiting_visits());
    return false;
}

int run(const Options& options) {
    raise_file_limit();
    base::set_log_level(base::LogLevel::error);
    std::filesystem::create_directories(options.state);
    ask_far_end(options, "POST",
                fmt::format("/bench/start?visits={}&{}={}&lengths={}&record={}", options.visits,
                            options.is_mixed() ? "think_us" : "pacing_us", options.pacing_us,
                            options.is_mixed() ? 7 : 0, options.mode == "record" ? 1 : 0));
    Outbound outbound(options);
    outbound.loop.run(live(outbound, options));
    if (!is_whole(outbound, options)) {
        std::fprintf(stderr, "bench_runner: not whole: %s\n", outbound.measured.c_str());
        return 1;
    }
    std::puts(outbound.measured.c_str());
    return 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc < 8) {
        std::fputs(
            "usage: bench_runner AUTH_PORT MCP_PORT CLAUDE_PORT STATE VISITS CONCURRENCY PACING_US "
            "[record|tick|chunks]\n",
            stderr);
        return 2;
    }
    bench::Options options;
    options.auth_port = argv[1];
    options.mcp_port = argv[2];
    options.claude_port = argv[3];
    options.state = argv[4];
    options.visits = static_cast<int>(std::strtol(argv[5], nullptr, 10));
    options.concurrency = static_cast<int>(std::strtol(argv[6], nullptr, 10));
    options.pacing_us = argv[7];
    if (argc > 8) options.mode = argv[8];
    if (options.visits < 1 || options.concurrency < 1) {
        std::fputs("bench_runner: VISITS and CONCURRENCY must be at least 1\n", stderr);
        return 2;
    }
    try {
        return bench::run(options);
    } catch (const base::Failure& failure) {
        // The far end did not answer or the disk refused: say it, there is nothing to measure.
        std::fprintf(stderr, "bench_runner: %s\n", failure.what());
        return 1;
    }
}
