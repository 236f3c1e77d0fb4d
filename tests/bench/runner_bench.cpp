// The runner's outbound half, put together as the daemon does it, lives N visits against the far
// end. Prints one line of JSON: what this process used.
//
//   bench_runner AUTH_PORT MCP_PORT CLAUDE_PORT STATE_DIRECTORY VISITS CONCURRENCY PACING_US
//   [record]
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
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
    bool record = false;
};

std::string local_url(const std::string& port) {
    return "http://127.0.0.1:" + port;
}

clients::ClaudeOptions claude_options(const Options& options) {
    clients::ClaudeOptions claude;
    claude.base_url = local_url(options.claude_port);
    claude.api_key = base::Secret{"bench"};
    return claude;
}

runner::VisitOptions visit_options(const Options& options) {
    runner::VisitOptions visits;
    visits.mcp_url = local_url(options.mcp_port) + "/mcp";
    visits.keep_inputs = true;  // As with our own workspace.
    return visits;
}

struct Outbound {
    explicit Outbound(const Options& options)
        : loop(clock),
          http(loop),
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
          ended(loop) {}

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
    std::optional<runner::TickReport> report;
    std::string measured;
};

std::string ask_far_end(const Options& options, const std::string& method,
                        const std::string& path) {
    base::HttpRequest request;
    request.method = method;
    request.url = local_url(options.auth_port) + path;
    return base::fetch(request).body;
}

base::Task<void> live(Outbound& outbound, const Options& options) {
    base::Group background(outbound.loop);
    background.add(outbound.outbox.deliver());
    background.add(outbound.lease.keep([](const std::string&) {}));
    co_await outbound.lease.until_held();
    ::malloc_trim(0);
    const Measure measure;
    outbound.scheduler.tick(
        {.everybody = true, .done = [&outbound](const runner::TickReport& report) {
             outbound.report = report;
             outbound.ended.notify();
         }});
    while (!outbound.report) co_await outbound.ended.wait();
    co_await outbound.outbox.flush(std::chrono::seconds{30});
    const long exchanges = std::stol(ask_far_end(options, "GET", "/bench/exchanges"));
    outbound.measured = measure.report(options.visits, options.concurrency, exchanges);
}

// A run that did not do the whole work measures nothing.
bool is_whole(const Outbound& outbound, const Options& options) {
    const runner::TickReport& report = *outbound.report;
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
                fmt::format("/bench/start?visits={}&pacing_us={}&record={}", options.visits,
                            options.pacing_us, options.record ? 1 : 0));
    Outbound outbound(options);
    outbound.loop.run(live(outbound, options));
    if (!is_whole(outbound, options)) return 1;
    std::puts(outbound.measured.c_str());
    return 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc < 8) {
        std::fputs(
            "usage: bench_runner AUTH_PORT MCP_PORT CLAUDE_PORT STATE VISITS CONCURRENCY PACING_US "
            "[record]\n",
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
    options.record = argc > 8;
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
