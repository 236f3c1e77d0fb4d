#include "tests/simulation/process.hpp"

#include <fmt/format.h>

#include "runner/drain.hpp"

namespace simulation {

using namespace std::chrono_literals;

namespace {

std::uint64_t process_seed(const Profile& profile, Caller caller) {
    return profile.seed * 1'000'003 + static_cast<std::uint64_t>(caller.node) * 10'007 +
           static_cast<std::uint64_t>(caller.life);
}

clients::ClaudeOptions process_claude(const Profile& profile) {
    clients::ClaudeOptions options;
    options.base_url = "http://model.test";
    options.api_key = base::Secret{"sk-simulated"};
    options.traffic.places = {.ceiling = profile.concurrency};
    return options;
}

runner::VisitOptions process_visits(const Profile& profile) {
    runner::VisitOptions options;
    options.servers = {{.url = "http://product.test/mcp"}};
    options.turns_max = profile.turns_max;
    options.tool_limit = profile.tool_limit;
    options.keep_inputs = true;
    return options;
}

}  // namespace

Process::Process(base::Loop& loop, const Profile& profile, Network& network, Disks& disks,
                 Caller caller)
    : loop_(loop),
      profile_(profile),
      network_(network),
      disks_(disks),
      caller_(caller),
      random_(process_seed(profile, caller)),
      http_(loop, network.transport(caller)),
      disk_(loop, [&disks] { return disks.pace(); }),
      auth_(http_, {.url = "http://auth.test", .service_key = base::Secret{"key"}}),
      claude_(http_, process_claude(profile), metrics_, random_),
      mcp_(http_, {}, metrics_),
      prices_(catalog::shipped_prices()),
      outbox_(loop, disk_, auth_,
              {.folder = disks.folder(caller.node), .disk_faults = disks.hook(caller)}, metrics_,
              random_),
      lease_(loop, auth_,
             {.node = fmt::format("node-{}", caller.node),
              .length = profile.lease,
              .heartbeat_every = profile.heartbeat_every},
             metrics_, random_),
      logins_(loop, auth_, {.seed_secret = base::Secret{"seed"}}, metrics_),
      scheduler_({loop, auth_, claude_, mcp_, outbox_, lease_, prices_, metrics_, random_, logins_},
                 {.tick_interval = profile.tick_interval, .concurrency_max = profile.concurrency},
                 process_visits(profile)),
      changed_(loop),
      background_(loop) {
    background_.add(live());
}

Process::~Process() = default;

base::Task<void> Process::deliver_once_registered() {
    co_await lease_.until_held();
    co_await outbox_.deliver();
}

// As the daemon lives: see live() in runner/daemon.cpp.
base::Task<void> Process::live() {
    background_.add(deliver_once_registered());
    background_.add(
        lease_.keep([this](const std::string& reason) { scheduler_.drop_visits(reason); }));
    background_.add(scheduler_.run());
    while (signals_ == 0) co_await changed_.wait();

    co_await runner::drain(loop_, scheduler_, outbox_, notify_, {.grace = profile_.shutdown_grace},
                           [this] { return signals_ > 1; });
    over_ = true;
    changed_.notify();
}

base::Task<void> Process::until_over() {
    while (!is_over()) co_await changed_.wait();
}

void Process::terminate() {
    ++signals_;
    network_.hurry(caller_);
    changed_.notify();
}

void Process::die() {
    if (dead_) return;
    dead_ = true;
    network_.silence(caller_);
    disks_.silence(caller_);
    changed_.notify();
}

}  // namespace simulation
