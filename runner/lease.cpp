#include "runner/lease.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "clients/auth.hpp"
#include "runner/budget.hpp"
#include "runner/outbox.hpp"

namespace runner {

Lease::Lease(base::Loop& loop, clients::Auth& auth, LeaseOptions options, base::Metrics& metrics,
             base::Random& random)
    : loop_(loop),
      auth_(auth),
      options_(std::move(options)),
      random_(random),
      losses_(
          metrics.counter("persona_leases_lost_total", "Leases that ended while visits could run")),
      changed_(loop),
      asked_gate_(loop) {
    renew_id();
}

void Lease::renew_id() {
    runner_id_ = random_.uuid();
}

void Lease::share(Budget& budget, const Outbox& outbox) {
    budget_ = &budget;
    outbox_ = &outbox;
    budget.on_short([this] {
        if (!std::exchange(asked_, true)) asked_gate_.notify();
    });
}

std::optional<clients::DaySpend> Lease::spending() {
    if (!budget_) return std::nullopt;
    return budget_->report(
        runner_id_, [this](const std::string& visit) { return outbox_->find(visit) != nullptr; });
}

bool Lease::is_held() const {
    return held_ && loop_.now() < ends_at_;
}

bool Lease::covers(base::Duration limit) const {
    return held_ && loop_.now() + limit < ends_at_;
}

void Lease::end(const std::string& reason) {
    if (!std::exchange(held_, false)) return;
    losses_.add();
    base::log_warning("lease lost", {{"reason", reason}});
    if (lost_) lost_(reason);
}

void Lease::revoke(const std::string& reason) {
    end(reason);
    renew_id();
    changed_.notify();
}

base::Task<void> Lease::until_covers(base::Duration limit) {
    while (!covers(limit)) co_await changed_.wait();
}

base::Task<void> Lease::until_held() {
    while (!is_held()) co_await changed_.wait();
}

base::Task<void> Lease::until_asked() {
    while (!asked_) co_await asked_gate_.wait();
}

// One heartbeat; true when the service acknowledged it.
base::Task<bool> Lease::beat() {
    const base::Steady sent_at = loop_.now();
    const std::string runner_id = runner_id_;
    asked_ = false;
    const std::optional<clients::DaySpend> spending = this->spending();
    try {
        const clients::HeartbeatAnswer answer =
            co_await auth_.heartbeat(runner_id, options_.node, options_.length, spending);
        if (runner_id != runner_id_) co_return false;  // Revoked meanwhile.
        if (answer.heartbeat == clients::Heartbeat::gone) {
            // Only a registration of the same node buries a runner whose lease still holds.
            const bool was_alive = is_held();
            revoke(was_alive ? "the auth service declared this runner dead before its lease ran "
                               "out: another daemon registered as this node; if its state "
                               "directory is a copy of ours, delete the file \"node\" in one"
                             : "the auth service declared this runner dead");
            co_return false;
        }
        if (!held_) base::log_info("lease held", {{"runner", runner_id}});
        if (spending) {
            budget_->hear(*spending, answer.spent_elsewhere_usd, answer.granted_usd);
        }
        held_ = was_ever_held_ = true;
        ends_at_ = sent_at + options_.length;
        last_error_.clear();
        changed_.notify();
        co_return true;
    } catch (const base::Failure& failure) {
        // Settled here: the right simply runs out unless a later heartbeat gets through.
        if (last_error_ != failure.what()) {
            base::log_warning("heartbeat failed", {{"reason", failure.what()}});
        }
        last_error_ = failure.what();
        unsupported_ = failure.kind() == base::Failure::Kind::missing && !was_ever_held_;
    }
    co_return false;
}

base::Task<void> Lease::keep(std::function<void(std::string)> lost,
                             std::function<void(std::string)> unsupported) {
    lost_ = std::move(lost);
    for (;;) {
        // The right ends when it ends, also while a heartbeat still waits for its answer.
        const base::Duration limit = held_ ? ends_at_ - loop_.now() : options_.length;
        const std::optional<bool> beaten = co_await loop_.within(limit, beat());
        if (!beaten) last_error_ = "the auth service did not answer a heartbeat in time";
        if (unsupported_ && unsupported) {
            unsupported("the auth service at " + auth_.url() +
                        " has no heartbeat and claim calls; a runner needs one that has");
            co_return;
        }
        const bool well = is_held() && last_error_.empty();
        base::Duration pause = well ? options_.heartbeat_every : options_.retry_every;
        if (held_) pause = std::min<base::Duration>(pause, ends_at_ - loop_.now());
        if (pause > base::Duration::zero() && well) {
            co_await loop_.within(pause, until_asked());
        } else if (pause > base::Duration::zero()) {
            co_await loop_.sleep(pause);
        }
        if (held_ && loop_.now() >= ends_at_) end("no heartbeat was acknowledged in time");
    }
}

}  // namespace runner
