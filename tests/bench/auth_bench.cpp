// What people's logins and guarded requests cost, in three programs of one name:
//
//   bench_auth serve [USERS]            the auth service on a throw-away PostgreSQL with people
//   whose
//                                       addresses are confirmed; prints one line of JSON and serves
//                                       until its input ends
//   bench_auth scrypt THREADS SECONDS   nothing but the password hash: the bound of logins
//   bench_auth people TARGET SECONDS    guarded requests alone, then beside logins. TARGET is a
//   file
//                                       with the line of `serve` or of a peer
//
// Each prints one line of JSON. TARGET: {"guarded": URL, "token": JWT, "login": URL,
// "emails": […], "password"}.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/migrations.hpp"
#include "auth/service.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "tests/support/temp_database.hpp"

namespace bench {

namespace {

using base::Json;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr const char* people_password = "correct horse battery staple";
constexpr int people_at_once = 16;  // Logins under way: enough that no hash waits for a request.
constexpr auto guarded_every = std::chrono::milliseconds{20};

Json ask(const std::string& url, const Json& body, int expected = 200) {
    base::HttpRequest request{.method = "POST", .url = url, .body = body.dump()};
    request.headers = {{"content-type", "application/json"}};
    const base::HttpResponse response = base::fetch(request);
    if (response.status != expected) {
        throw base::Failure(base::Failure::Kind::internal,
                            fmt::format("{} answered {}: {}", url, response.status, response.body));
    }
    return Json::parse(response.body);
}

int serve(int users) {
    test_support::TempDatabase database({{"auth", auth::migrations()}});
    // The peer's own, on the same server.
    test_support::TempDatabase peer;
    base::Postgres postgres({.url = database.app_url(), .connections_max = 24});
    base::SystemClock clock;
    base::Metrics metrics;
    auth::Options options;
    options.port = 0;
    auth::Service service(postgres, options, clock, metrics);
    service.start();
    const std::string login = service.url() + "/api/v1/auth/login";
    Json target = {{"guarded", service.url() + "/api/auth/list-accounts"},
                   {"login", login},
                   {"emails", Json::array()},
                   {"password", people_password},
                   {"peerDatabase", std::string(peer.owner_url().reveal())}};
    for (int i = 0; i < users; ++i) {
        const std::string email = fmt::format("person{}@example.com", i);
        ask(service.url() + "/api/v1/auth/register",
            {{"name", "Person"}, {"email", email}, {"password", people_password}});
        target["emails"].push_back(email);
    }
    base::Postgres owner({.url = database.owner_url(), .connections_max = 1});
    owner.transact([](base::Transaction& transaction) {
        transaction.run("update auth.users set email_verified = true");
        transaction.run("delete from auth.outbound");  // The letters about it.
    });
    target["token"] =
        ask(login, {{"email", target["emails"][0]}, {"password", people_password}})["accessToken"];
    std::cout << target.dump() << std::endl;
    while (std::cin.get() != EOF) {
    }
    return 0;
}

int scrypt_bound(int threads, int seconds) {
    std::atomic<long> hashes = 0;
    const auto begun = std::chrono::steady_clock::now();
    const auto until = begun + std::chrono::seconds{seconds};
    std::vector<std::thread> workers;
    for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&] {
            const std::string salt(32, '0');
            while (std::chrono::steady_clock::now() < until) {
                base::require(base::scrypt(people_password, salt).size() == 64, "a hash");
                ++hashes;
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::puts(
        fmt::format(R"({{"hashes_per_s":{:.2f}}})", static_cast<double>(hashes) / took.count())
            .c_str());
    return 0;
}

class People {
  public:
    explicit People(const Json& target)
        : guarded_{.method = "GET", .url = target.at("guarded")},
          login_url_(target.at("login")),
          emails_(target.at("emails").get<std::vector<std::string>>()),
          password_(target.at("password")) {
        guarded_.headers = {{"authorization", "Bearer " + target.at("token").get<std::string>()}};
    }

    // Guarded requests at a steady pace, whatever the answers take: a late one counts from when it
    // was due.
    base::Task<void> ask_steadily(base::Steady until, std::vector<double>& ms) {
        base::Group group(loop);
        for (base::Steady due = loop.now(); due < until; due += guarded_every) {
            co_await loop.sleep_until(due);
            group.add(ask_once(due, ms));
        }
        co_await group.all();
    }
    base::Task<void> alone(std::chrono::seconds span, std::vector<double>& ms) {
        co_await ask_steadily(loop.now() + span, ms);
    }
    base::Task<void> beside_logins(std::chrono::seconds span, std::vector<double>& ms) {
        base::Group group(loop);
        begun_ = loop.now();
        until_ = begun_ + span;
        for (int i = 0; i < people_at_once; ++i) group.add(log_in_on());
        co_await ask_steadily(until_, ms);
        co_await group.all();
    }
    double logins_per_second() const {
        return static_cast<double>(logins_) / std::chrono::duration<double>(last_ - begun_).count();
    }
    void refuse_failures() const {
        if (trouble_.empty()) return;
        throw base::Failure(base::Failure::Kind::internal, trouble_);
    }

    base::SystemClock clock;
    base::Loop loop{clock};
    base::Http http{loop, {.shards = 1, .idle_connections_max = 128}};

  private:
    base::Task<void> ask_once(base::Steady due, std::vector<double>& ms) {
        const base::HttpResponse response = co_await http.send(guarded_);
        ms.push_back(Milliseconds(loop.now() - due).count());
        if (response.status != 200 || response.body.find("credential") == std::string::npos) {
            trouble_ = fmt::format("the guarded request: {} {}", response.status, response.body);
        }
    }
    base::Task<void> log_in_on() {
        while (loop.now() < until_) {
            base::HttpRequest request{.method = "POST", .url = login_url_};
            request.headers = {{"content-type", "application/json"}};
            const std::string& email = emails_[next_++ % emails_.size()];
            request.body = Json{{"email", email}, {"password", password_}}.dump();
            const base::HttpResponse response = co_await http.send(std::move(request));
            if (response.status != 200) {
                trouble_ = fmt::format("a login: {} {}", response.status, response.body);
                co_return;
            }
            ++logins_;
            last_ = loop.now();
        }
    }

    base::HttpRequest guarded_;
    const std::string login_url_;
    const std::vector<std::string> emails_;
    const std::string password_;
    base::Steady begun_, until_, last_;
    std::size_t next_ = 0;
    long logins_ = 0;
    std::string trouble_;
};

double share_of(std::vector<double>& ms, double share) {
    std::sort(ms.begin(), ms.end());
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
}

int measure(const std::string& file, int seconds) {
    const auto target =
        base::try_parse_json((std::stringstream() << std::ifstream(file).rdbuf()).str());
    if (!target) throw base::Failure(base::Failure::Kind::invalid, file + ": no JSON");
    People people(*target);
    std::vector<double> warm, idle, busy;
    people.loop.run(people.alone(std::chrono::seconds{1}, warm));
    people.loop.run(people.alone(std::chrono::seconds{seconds}, idle));
    people.loop.run(people.beside_logins(std::chrono::seconds{seconds}, busy));
    people.refuse_failures();
    std::puts(fmt::format(R"({{"logins_per_s":{:.2f},"idle_p50_ms":{:.2f},"idle_p99_ms":{:.2f},)"
                          R"("busy_p50_ms":{:.2f},"busy_p99_ms":{:.2f}}})",
                          people.logins_per_second(), share_of(idle, 0.5), share_of(idle, 0.99),
                          share_of(busy, 0.5), share_of(busy, 0.99))
                  .c_str());
    return 0;
}

int run(const std::vector<std::string>& words) {
    const std::string verb = words.empty() ? "" : words[0];
    const auto number = [&](std::size_t place, int otherwise) {
        return words.size() > place ? std::max(1, std::atoi(words[place].c_str())) : otherwise;
    };
    if (verb == "serve") return serve(number(1, 16));
    if (verb == "scrypt" && words.size() == 3) return scrypt_bound(number(1, 2), number(2, 5));
    if (verb == "people" && words.size() == 3) return measure(words[1], number(2, 10));
    std::fputs("usage: bench_auth serve [USERS] | scrypt THREADS SECONDS | people TARGET SECONDS\n",
               stderr);
    return 2;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    base::set_log_level(base::LogLevel::error);
    try {
        return bench::run({argv + 1, argv + argc});
    } catch (const base::Failure& failure) {
        std::fprintf(stderr, "bench_auth: %s\n", failure.what());
        return 1;
    }
}
