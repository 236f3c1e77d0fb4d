// First logins of N personas: the real auth service on a PostgreSQL of its own, in a process of
// their own, and a client that logs everybody in over HTTP, a number of them at once. Prints one
// line of JSON.
//
//   bench_logins [PERSONAS [CONCURRENCY]]      default 10000 64
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/identity/credential.hpp"
#include "auth/migrations.hpp"
#include "auth/personas/personas.hpp"
#include "auth/service.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "base/state_directory.hpp"
#include "catalog/password.hpp"
#include "clients/auth.hpp"
#include "runner/database.hpp"
#include "tests/bench/usage.hpp"

namespace bench {

namespace {

const base::Secret seed_secret{"bench-seed-secret"};
const base::Secret service_key{"bench-service-key"};

std::string address_of(int number) {
    return fmt::format("persona.p{}@mana.test", number);
}

void seed(base::Postgres& postgres, int personas) {
    constexpr int seeders = 4;
    std::vector<std::thread> threads;
    for (int first = 0; first < seeders; ++first) {
        threads.emplace_back([&postgres, first, personas] {
            base::SystemClock clock;
            auth::Personas store(postgres, {});
            auth::Passwords passwords({.seed_secret = seed_secret});
            for (int i = first; i < personas; i += seeders) {
                auth::PersonaSpec spec;
                spec.persona.email = address_of(i);
                spec.persona.name = fmt::format("P{}", i);
                spec.persona.archetype = "tester";
                spec.persona.system_prompt = "You are a tester of the bench.";
                spec.persona.module_mix = {{"todo", 1.0}};
                spec.password = catalog::password_of(spec.persona.email, seed_secret);
                store.upsert(spec, passwords, clock.now());
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

// The far end: says its URL and the CPU it has used so far when asked by a byte; ends with its
// input. Of PostgreSQL only processes that ended are counted, so that figure comes at the end.
int serve(const std::filesystem::path& state, int personas, int in, int out) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    base::set_log_level(base::LogLevel::warning);
    base::drop_root_to_owner_of(state);
    runner::Config config;
    config.state_directory = state;
    config.durable = false;
    base::StateDirectory held({.path = state, .may_be_in_memory = true});
    double service_cpu = 0;
    {
        runner::Database database(config, runner::Database::Use::own);
        base::migrate(database.owner_url(), "auth", auth::migrations());
        base::Postgres postgres({.url = database.app_url(), .connections_max = 24});
        seed(postgres, personas);
        base::SystemClock clock;
        base::Metrics metrics;
        auth::Options options;
        options.port = 0;
        options.service_key = service_key;
        options.seed_secret = seed_secret;
        auth::Service service(postgres, options, clock, metrics);
        service.start();
        const double before = cpu_seconds(RUSAGE_SELF);
        const std::string line = service.url() + "\n";
        if (::write(out, line.data(), line.size()) < 0) return 1;
        char byte = 0;
        while (::read(in, &byte, 1) < 0) {
        }
        service_cpu = cpu_seconds(RUSAGE_SELF) - before;
    }
    const std::string line = fmt::format("{} {}\n", service_cpu, cpu_seconds(RUSAGE_CHILDREN));
    return ::write(out, line.data(), line.size()) < 0 ? 1 : 0;
}

std::string read_line(int in) {
    std::string line;
    for (char byte = 0; ::read(in, &byte, 1) == 1 && byte != '\n';) line += byte;
    return line;
}

struct Client {
    explicit Client(const std::string& url)
        : loop(clock), http(loop), auth(http, {.url = url, .service_key = service_key}) {}

    base::SystemClock clock;
    base::Loop loop;
    base::Http http;
    clients::Auth auth;
    std::vector<double> ms;
    int failed = 0;
    std::string trouble;
};

base::Task<void> log_in(Client& client, int number) {
    const std::string email = address_of(number);
    const base::Steady began = client.loop.now();
    try {
        co_await client.auth.log_in(email, catalog::password_of(email, seed_secret));
        const std::chrono::duration<double, std::milli> taken = client.loop.now() - began;
        client.ms.push_back(taken.count());
    } catch (const base::Failure& failure) {
        // Counted: a run with failures measures nothing and says so.
        ++client.failed;
        client.trouble = failure.what();
    }
}

base::Task<void> log_everybody_in(Client& client, int personas, std::size_t concurrency) {
    base::Group group(client.loop);
    for (int i = 0; i < personas; ++i) {
        co_await group.below(concurrency);
        group.add(log_in(client, i));
    }
    co_await group.all();
}

double share_of(std::vector<double>& sorted, double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

int measure(const std::string& url, int personas, int concurrency, int ask, int answer) {
    raise_file_limit();
    base::set_log_level(base::LogLevel::error);
    Client client(url);
    const double before = cpu_seconds(RUSAGE_SELF);
    const auto began = std::chrono::steady_clock::now();
    client.loop.run(log_everybody_in(client, personas, static_cast<std::size_t>(concurrency)));
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    const double client_cpu = cpu_seconds(RUSAGE_SELF) - before;
    ::close(ask);
    const std::string used = read_line(answer);
    if (client.failed > 0 || used.empty()) {
        std::fprintf(stderr, "bench_logins: %d of %d logins failed: %s\n", client.failed, personas,
                     client.trouble.c_str());
        return 1;
    }
    std::sort(client.ms.begin(), client.ms.end());
    std::puts(fmt::format(R"({{"logins":{},"concurrency":{},"seconds":{:.3f},)"
                          R"("logins_per_second":{:.1f},"p50_ms":{:.1f},"p99_ms":{:.1f},)"
                          R"("auth_cpu_ms_per_login":{:.3f},"client_cpu_ms_per_login":{:.3f}}})",
                          personas, concurrency, wall.count(), personas / wall.count(),
                          share_of(client.ms, 0.5), share_of(client.ms, 0.99),
                          std::strtod(used.c_str(), nullptr) * 1000 / personas,
                          client_cpu * 1000 / personas)
                  .c_str());
    return 0;
}

int run(int personas, int concurrency) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bench-logins-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return 1;
    const std::filesystem::path folder = pattern;
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    int to_service[2], from_service[2];
    if (::pipe(to_service) != 0 || ::pipe(from_service) != 0) return 1;
    // Forked before this process has a thread.
    const pid_t service = ::fork();
    if (service == 0) {
        ::close(to_service[1]);
        int code = 1;
        try {
            code = serve(folder / "state", personas, to_service[0], from_service[1]);
        } catch (const base::Failure& failure) {
            // The parent finds the pipe closed and ends as well.
            std::fprintf(stderr, "bench_logins: %s\n", failure.what());
        }
        std::fflush(nullptr);
        ::_exit(code);
    }
    ::close(to_service[0]);
    ::close(from_service[1]);
    const std::string url = read_line(from_service[0]);
    const int code =
        url.empty() ? 1 : measure(url, personas, concurrency, to_service[1], from_service[0]);
    int status = 0;
    ::waitpid(service, &status, 0);
    std::error_code ignored;  // What stays lies among temporary files.
    std::filesystem::remove_all(folder, ignored);
    return code != 0 || status != 0 ? 1 : 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    const auto number = [&](int place, long fallback) {
        return argc > place ? std::strtol(argv[place], nullptr, 10) : fallback;
    };
    const long personas = number(1, 10'000), concurrency = number(2, 64);
    if (personas < 1 || concurrency < 1) {
        std::fputs("usage: bench_logins [PERSONAS [CONCURRENCY]], both at least 1\n", stderr);
        return 2;
    }
    return bench::run(static_cast<int>(personas), static_cast<int>(concurrency));
}
