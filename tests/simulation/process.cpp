#include "tests/simulation/process.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "runner/drain.hpp"

namespace simulation {

using namespace std::chrono_literals;

namespace {

std::uint64_t process_seed(const Profile& profile, Caller caller) {
    return profile.seed * 1'000'003 + static_cast<std::uint64_t>(caller.node) * 10'007 +
           static_cast<std::uint64_t>(caller.life);
}

int process_concurrency(const Profile& profile) {
    return profile.sabotage == Sabotage::too_many_at_once ? 8 : profile.concurrency;
}

clients::ClaudeOptions process_claude(const Profile& profile) {
    clients::ClaudeOptions options;
    options.base_url = "http://model.test";
    options.api_key = base::Secret{"sk-simulated"};
    options.traffic.places = {.ceiling = process_concurrency(profile)};
    return options;
}

runner::VisitOptions process_visits(const Profile& profile) {
    runner::VisitOptions options;
    options.servers = {{.url = "http://product.test/mcp"}};
    options.turns_max = profile.turns_max;
    if (profile.sabotage == Sabotage::turns_without_end) options.turns_max = 15;
    options.tool_limit = profile.tool_limit;
    options.keep_inputs = true;
    return options;
}

runner::BudgetLimits process_limits(const Profile& profile) {
    if (profile.sabotage == Sabotage::spends_freely) return {};
    return {.visit = profile.budget_visit,
            .persona_day = profile.budget_persona_day,
            .day = profile.budget_day};
}

std::unique_ptr<runner::Budget> process_budget(base::Loop& loop, const Profile& profile,
                                               base::Metrics& metrics) {
    const runner::BudgetLimits limits = process_limits(profile);
    if (!limits.any()) return nullptr;
    return std::make_unique<runner::Budget>(loop, limits, "UTC", metrics);
}

std::uint64_t process_outbox_bytes(const Profile& profile) {
    const bool is_set = profile.sabotage != Sabotage::outbox_without_end;
    return is_set ? profile.outbox_bytes : std::uint64_t{1} << 30;
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
              {.folder = disks.folder(caller.node),
               .bytes_max = process_outbox_bytes(profile),
               .segment_bytes = std::min<std::uint64_t>(8U << 20, profile.outbox_bytes / 4),
               .disk_faults = disks.hook(caller)},
              metrics_, random_),
      lease_(loop, auth_,
             {.node = fmt::format("node-{}", caller.node),
              .length = profile.lease,
              .heartbeat_every = profile.heartbeat_every},
             metrics_, random_),
      logins_(loop, auth_, {.seed_secret = base::Secret{"seed"}}, metrics_),
      budget_(process_budget(loop, profile, metrics_)),
      scheduler_(
          {loop, auth_, claude_, mcp_, outbox_, lease_, prices_, metrics_, random_, logins_,
           budget_.get()},
          {.tick_interval = profile.tick_interval, .concurrency_max = process_concurrency(profile)},
          process_visits(profile)),
      changed_(loop),
      background_(loop) {
    if (budget_) {
        lease_.share(*budget_, outbox_);
        // What an earlier process spent and the service does not know yet.
        for (const runner::VisitRecords* left : outbox_.visits()) {
            const double spent = left->end ? left->end->cost_usd.value_or(0) : 0;
            budget_->adopt(left->visit_id, left->started_at, spent);
        }
    }
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
