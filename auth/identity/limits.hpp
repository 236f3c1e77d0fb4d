// How often one address, or one mail box, may ask for what costs us a hash or a mail. Counted in
// the database, so that it holds over all processes; when the database is away nobody is admitted.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

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

  private:
    const bool enabled_;
    base::Postgres& database_;
    base::Clock& clock_;
};

// Admits the client's address; services of ours, shown by a valid service key, have no such limit.
void admit_address(const Context& context, const base::ServerRequest& request,
                   const LimitRule& rule);

}  // namespace auth
