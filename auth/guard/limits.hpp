// How often one address, or one mail box, may ask for what costs us a hash or a mail. Counted in
// the database, so that it holds over all processes; when the database is away nobody is admitted.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace base {
struct ServerRequest;
}

namespace auth {

struct Context;

struct LimitRule {
    std::string_view name;
    int requests_max;
    std::chrono::seconds window;
};

inline constexpr LimitRule sign_in_limit{"sign-in", 3, std::chrono::seconds(10)};
inline constexpr LimitRule sign_up_limit{"sign-up", 3, std::chrono::seconds(10)};
inline constexpr LimitRule password_limit{"password", 3, std::chrono::seconds(10)};
inline constexpr LimitRule mail_limit{"mail", 3, std::chrono::seconds(60)};
// Each path under /api/auth; what has a rule of its own above is held by that one long before.
inline constexpr LimitRule native_limit{"native", 100, std::chrono::seconds(10)};

// Resource; any thread.
class Limits {
  public:
    Limits(bool enabled, base::Postgres& database, base::Clock& clock);
    Limits(const Limits&) = delete;
    Limits& operator=(const Limits&) = delete;

    // Counts the request, in a transaction of its own: what its caller does afterwards does not
    // take it back. Throws Failure::throttled (RATE_LIMITED, with retry_after) past the rule. A
    // window begins with its first request and what is refused does not extend it. `who` is an
    // address (IPv6 counts by its /64) or anything else that is counted.
    void admit(const LimitRule& rule, std::string_view who);

    // The same for what is asked often: this process takes requests from the database ten at a
    // time, so that one in ten costs a round trip. Over all processes never more are admitted than
    // the rule says; up to nine fewer for each process beside this one.
    void admit_often(const LimitRule& rule, std::string_view who);

  private:
    struct Taken {
        base::Moment until;  // Of the window.
        int left = 0;
        bool empty = false;  // The database has none left in this window.
    };
    Taken take(const LimitRule& rule, const std::string& key, int requests);
    [[noreturn]] void refuse(base::Moment until, base::Moment now) const;
    std::optional<bool> take_here(const std::string& name, base::Moment now, base::Moment& until);

    const bool enabled_;
    base::Postgres& database_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<std::string, Taken> taken_;  // By rule and key; bounded.
};

// Admits the client's address; services of ours, shown by a valid service key, have no such limit.
void admit_address(const Context& context, const base::ServerRequest& request,
                   const LimitRule& rule);
// The same by address and path, for what is asked often.
void admit_path(const Context& context, const base::ServerRequest& request, std::string_view path,
                const LimitRule& rule);

}  // namespace auth
