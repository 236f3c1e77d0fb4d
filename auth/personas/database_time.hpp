// The time by which leases, slots and visits are judged. Daemons on several hosts share one
// PostgreSQL, and their clocks differ or are set while they run: by its own clock one of them would
// declare the others' runners dead while those are alive. So all go by the database's clock, asked
// now and then, and by the monotonic clock in between.
#pragma once

#include <mutex>
#include <optional>

#include "base/clock.hpp"

namespace base {
class Postgres;
}

namespace auth {

// Thread-safe resource.
class DatabaseTime {
  public:
    // `of_database` false: the clock's own time, for tests that move it.
    DatabaseTime(base::Postgres& database, const base::Clock& clock, bool of_database);
    DatabaseTime(const DatabaseTime&) = delete;
    DatabaseTime& operator=(const DatabaseTime&) = delete;

    // One short statement every ten seconds, else none; not inside a transaction. Right to half of
    // what that statement took. Throws base::Failure when the database could never be asked.
    base::Moment now();

  private:
    struct Reading {
        base::Moment moment{};
        base::Steady at{};
        base::Duration took{};
    };
    bool is_due(base::Steady now) const;
    Reading read();
    void compare(const Reading& reading);

    base::Postgres& database_;
    const base::Clock& clock_;
    const bool of_database_;
    std::mutex mutex_;
    std::optional<Reading> newest_;
    base::Steady asked_at_{};  // Last time somebody began to ask.
    bool told_ = false;        // That this host's clock is wrong.
};

}  // namespace auth
