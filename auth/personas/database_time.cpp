#include "auth/personas/database_time.hpp"

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

constexpr std::chrono::seconds time_asked_every{10};
// A statement that took longer tells the time worse than the monotonic clock carries it on.
constexpr std::chrono::milliseconds time_trip_max{500};
constexpr std::chrono::seconds time_difference_told{5};

}  // namespace

DatabaseTime::DatabaseTime(base::Postgres& database, const base::Clock& clock, bool of_database)
    : database_(database), clock_(clock), of_database_(of_database) {}

bool DatabaseTime::is_due(base::Steady now) const {
    return !newest_ || now - asked_at_ >= time_asked_every;
}

base::Moment DatabaseTime::now() {
    if (!of_database_) return clock_.now();
    std::unique_lock lock(mutex_);
    if (is_due(clock_.steady())) {
        asked_at_ = clock_.steady();
        const bool is_first = !newest_;
        lock.unlock();
        std::optional<Reading> reading;
        try {
            reading = read();
        } catch (const base::Failure&) {
            // Whoever asked meets the same trouble at its own statement, and tells it.
            if (is_first) throw;
        }
        lock.lock();
        const bool better = reading && (!newest_ || reading->took <= time_trip_max);
        if (better) newest_ = *reading;
        if (better) compare(*reading);
    }
    const base::Duration since = clock_.steady() - newest_->at;
    return newest_->moment + std::chrono::duration_cast<std::chrono::microseconds>(since);
}

DatabaseTime::Reading DatabaseTime::read() {
    const base::Steady began = clock_.steady();
    const base::Moment moment = database_.transact([](base::Transaction& transaction) {
        return transaction.run("select clock_timestamp() as now")[0].moment("now");
    });
    const base::Steady ended = clock_.steady();
    return {.moment = moment, .at = began + (ended - began) / 2, .took = ended - began};
}

void DatabaseTime::compare(const Reading& reading) {
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - reading.at);
    const auto ahead = std::chrono::abs(clock_.now() - (reading.moment + since));
    const bool differs = ahead > time_difference_told;
    if (differs && !told_) {
        base::log_warning(
            "this host's clock differs from the database's",
            {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(ahead)},
             {"reason", "leases and slots go by the database's; set the clocks by NTP"}});
    }
    told_ = differs;
}

}  // namespace auth
