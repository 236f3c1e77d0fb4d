#include "auth/guard/sweeper.hpp"

#include <array>

#include "base/failure.hpp"
#include "base/log.hpp"

namespace auth {

namespace {

constexpr auto sweep_every = std::chrono::hours(1);
constexpr int sweep_rounds_max = 20;

// $1 is the time; each deletes at most 500 rows that are over.
constexpr auto sweeps = std::to_array<std::string_view>({
    R"(delete from auth.sessions where id in (
        select id from auth.sessions where expires_at <= $1::timestamptz
         limit 500 for update skip locked))",
    R"(delete from auth.verification where id in (
        select id from auth.verification where expires_at <= $1::timestamptz
         limit 500 for update skip locked))",
    R"(delete from auth.request_limits where (rule, who) in (
        select rule, who from auth.request_limits where until <= $1::timestamptz
         limit 500 for update skip locked))",
    R"(delete from auth.login_locks where (email, place) in (
        select email, place from auth.login_locks
         where touched_at < $1::timestamptz - interval '1 day'
         limit 500 for update skip locked))",
    R"(delete from auth.login_attempts where id in (
        select id from auth.login_attempts
         where attempted_at < $1::timestamptz - interval '90 days'
         limit 500 for update skip locked))",
    R"(delete from auth.outbound where id in (
        select id from auth.outbound where ended_at < $1::timestamptz - interval '7 days'
         limit 500 for update skip locked))",
});

}  // namespace

Sweeper::Sweeper(base::Postgres& database, base::Clock& clock)
    : database_(database), clock_(clock) {}

Sweeper::~Sweeper() {
    stop();
}

void Sweeper::start() {
    thread_ = std::thread([this] { work(); });
}

void Sweeper::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

std::size_t Sweeper::sweep() {
    std::size_t swept = 0;
    for (const std::string_view statement : sweeps) {
        for (int round = 0; round < sweep_rounds_max; ++round) {
            const std::size_t gone = database_.transact([&](base::Transaction& transaction) {
                return transaction.run(statement, {clock_.now()}).affected();
            });
            swept += gone;
            const std::lock_guard lock(mutex_);
            if (gone == 0 || stopping_) break;
        }
    }
    return swept;
}

void Sweeper::work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        try {
            sweep();
        } catch (const base::Failure& failure) {
            // The database is away: the next hour sweeps more.
            base::log_warning("sweep failed", {{"reason", failure.what()}});
        }
        lock.lock();
        wake_.wait_for(lock, sweep_every, [this] { return stopping_; });
    }
}

}  // namespace auth
