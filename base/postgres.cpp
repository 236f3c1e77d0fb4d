#include "base/postgres.hpp"

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/postgres_session.hpp"

namespace base {

void Transaction::set_local(std::string_view name, std::string_view value) {
    run("select set_config($1, $2, true)", {name, value});
}

// The pool: idle connections are reused last-in first-out, so that a burst's surplus stays unused.
struct Postgres::State {
    explicit State(PostgresOptions given) : options(std::move(given)) {
        if (!options.metrics) return;
        waits = &options.metrics->histogram("postgres_pool_wait_seconds",
                                            "Wait for a free database connection",
                                            {0.0001, 0.001, 0.01, 0.1, 1, 10});
    }

    std::unique_ptr<SqlSession> take(bool& fresh);
    void give_back(std::unique_ptr<SqlSession> session);
    void drop_idle();
    bool attempt(const std::function<void(Transaction&)>& work, bool last);

    const PostgresOptions options;
    SqlDeadlines deadlines;  // Before the sessions, which it outlives.
    mutable std::mutex mutex;
    std::condition_variable freed;
    std::vector<std::unique_ptr<SqlSession>> idle;
    int open = 0;
    int waiting = 0;
    Histogram* waits = nullptr;
};

std::unique_ptr<SqlSession> Postgres::State::take(bool& fresh) {
    {
        std::unique_lock lock(mutex);
        const auto available = [&] { return !idle.empty() || open < options.connections_max; };
        const auto began = std::chrono::steady_clock::now();
        ++waiting;
        const bool served = freed.wait_for(lock, options.wait_max, available);
        --waiting;
        if (waits) {
            const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - began;
            waits->observe(waited.count());
        }
        if (!served) {
            throw Failure(Failure::Kind::unavailable,
                          fmt::format("all {} database connections stayed busy for {} s; try again "
                                      "or raise the pool's size",
                                      options.connections_max, options.wait_max.count()),
                          "pool_exhausted");
        }
        fresh = idle.empty();
        if (!fresh) {
            auto session = std::move(idle.back());
            idle.pop_back();
            return session;
        }
        ++open;
    }
    try {
        return std::make_unique<SqlSession>(options.url, &deadlines);
    } catch (...) {
        give_back(nullptr);
        throw;
    }
}

// Nothing, or a broken session, only frees its place.
void Postgres::State::give_back(std::unique_ptr<SqlSession> session) {
    if (session && session->is_broken()) session.reset();
    {
        const std::lock_guard lock(mutex);
        if (session) {
            idle.push_back(std::move(session));
        } else {
            --open;
        }
    }
    freed.notify_one();
}

// One connection found dead means that the server went away: the idle ones are dead as well, and
// each would cost a caller an attempt.
void Postgres::State::drop_idle() {
    std::vector<std::unique_ptr<SqlSession>> dead;
    {
        const std::lock_guard lock(mutex);
        dead.swap(idle);
        open -= static_cast<int>(dead.size());
    }
    freed.notify_all();
}

namespace {

// Remembers how the last statement ended: work may swallow a failure, the commit must not.
class PooledTransaction final : public Transaction {
  public:
    explicit PooledTransaction(SqlSession& session) : session_(session) {}

    SqlRows run(std::string_view statement, const SqlParams& params) override {
        const bool first = std::exchange(untouched_, false);
        try {
            SqlRows rows = session_.run(statement, params);
            failure_.reset();
            return rows;
        } catch (const Failure& failure) {
            failure_ = failure;
            repeatable_ = failure.code() == "serialization" || (first && session_.is_broken());
            throw;
        }
    }

    // After a failed statement PostgreSQL would answer COMMIT with a silent rollback. A statement
    // that succeeded later (rollback to a savepoint) has healed the transaction.
    void refuse_failed() const {
        if (failure_) throw *failure_;
    }
    bool is_repeatable() const { return failure_ && repeatable_; }

  private:
    SqlSession& session_;
    bool untouched_ = true;
    bool repeatable_ = false;
    std::optional<Failure> failure_;
};

// Asked while an exception is handled.
bool postgres_met_strange_answer() {
    try {
        throw;
    } catch (const Failure& failure) {
        return failure.code() == "strange_answer";
    } catch (...) {
        return false;  // Only asked about; the caller throws it on.
    }
}

// Two colliding transactions that start again at the same moment collide again.
void postgres_pause(int attempt) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> milliseconds(1, 20 * attempt);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
}

}  // namespace

Postgres::Postgres(PostgresOptions options) : state_(std::make_unique<State>(std::move(options))) {
    require(state_->options.connections_max > 0, "a pool needs at least one connection");
}

Postgres::~Postgres() = default;

// Whether the work is done; false: it left no trace and may run again.
bool Postgres::State::attempt(const std::function<void(Transaction&)>& work, bool last) {
    // Gives the connection back however the attempt ends.
    struct Lease {
        State& pool;
        bool fresh = false;
        std::unique_ptr<SqlSession> session = pool.take(fresh);
        ~Lease() { pool.give_back(std::move(session)); }
    };
    Lease lease{*this};
    SqlSession& session = *lease.session;
    try {
        session.begin(options.statement_max);
    } catch (const Failure&) {
        if (session.is_broken()) drop_idle();
        if (last || lease.fresh || !session.is_broken()) throw;
        return false;
    }
    PooledTransaction transaction(session);
    try {
        work(transaction);
        transaction.refuse_failed();
    } catch (...) {
        // Whatever ended the work: its transaction goes, and the failure goes on.
        if (postgres_met_strange_answer()) session.distrust();
        session.rollback();
        if (session.is_broken()) drop_idle();
        if (last || !transaction.is_repeatable()) throw;
        return false;
    }
    try {
        session.commit();
    } catch (const Failure& failure) {
        session.rollback();
        if (last || failure.code() != "serialization") throw;
        return false;
    }
    return true;
}

void Postgres::perform(const std::function<void(Transaction&)>& work) {
    constexpr int attempts_max = 3;
    for (int number = 1; !state_->attempt(work, number == attempts_max); ++number) {
        postgres_pause(number);
    }
}

bool Postgres::is_reachable() {
    try {
        perform([](Transaction& transaction) { transaction.run("select 1", {}); });
        return true;
    } catch (const Failure&) {
        // The question is whether it can be reached; the reason is not asked for.
        return false;
    }
}

void Postgres::refuse_privileged_role() {
    constexpr std::string_view find_privilege =
        "select current_user as role, rolname, rolsuper from pg_roles "
        "where (rolsuper or rolbypassrls) and pg_has_role(current_user, oid, 'member') "
        "order by rolname = current_user desc limit 1";
    const auto rows =
        transact([&](Transaction& transaction) { return transaction.run(find_privilege); });
    const auto row = rows.first();
    if (!row) return;
    const std::string role = row->text("role");
    const std::string through = row->text("rolname");
    throw Failure(
        Failure::Kind::forbidden,
        fmt::format(
            "database role \"{}\" {}{}, so row-level security would not hold; connect as a "
            "role without these rights, e.g. mana_app",
            role, row->flag("rolsuper") ? "is a superuser" : "bypasses row security",
            through == role ? "" : fmt::format(" (through its membership in \"{}\")", through)),
        "privileged_role");
}

Postgres::Use Postgres::use() const {
    const std::lock_guard lock(state_->mutex);
    const int idle = static_cast<int>(state_->idle.size());
    return {.open = state_->open, .busy = state_->open - idle, .waiting = state_->waiting};
}

}  // namespace base
