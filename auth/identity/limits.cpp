#include "auth/identity/limits.hpp"

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "base/address.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr std::size_t limits_who_bytes_max = 320;

constexpr std::string_view count_request = R"(
    insert into auth.request_limits as l (rule, who, until, requests)
    values ($1, $2, $3::timestamptz, 1)
    on conflict (rule, who) do update
       set requests = case when l.until <= $4::timestamptz then 1
                           else least(l.requests, $5::integer) + 1 end,
           until = case when l.until <= $4::timestamptz then excluded.until else l.until end
    returning requests, until)";

constexpr std::string_view forget_limits = R"(
    delete from auth.request_limits where (rule, who) in (
        select rule, who from auth.request_limits where until <= $1::timestamptz
         limit 500 for update skip locked))";

std::string limits_key(std::string_view who) {
    const auto address = base::read_address(who);
    return address ? base::network_of(*address) : std::string(who.substr(0, limits_who_bytes_max));
}

// One request in thirty-two clears away what the others left.
bool limits_clean_up() {
    return (static_cast<unsigned char>(base::random_bytes(1)[0]) & 31) == 0;
}

}  // namespace

Limits::Limits(bool enabled, base::Postgres& database, base::Clock& clock)
    : enabled_(enabled), database_(database), clock_(clock) {}

void Limits::admit(const LimitRule& rule, std::string_view who) {
    if (!enabled_) return;
    const base::Moment now = clock_.now();
    const auto row = database_.transact([&](base::Transaction& transaction) {
        // A count that a crash of the server forgets is no loss worth a disk sync.
        transaction.set_local("synchronous_commit", "off");
        if (limits_clean_up()) transaction.run(forget_limits, {now});
        return transaction.run(count_request,
                               {rule.name, limits_key(who), base::Moment(now + rule.window), now,
                                rule.requests_max})[0];
    });
    if (row.integer("requests") <= rule.requests_max) return;
    const auto wait = std::chrono::ceil<std::chrono::seconds>(row.moment("until") - now);
    throw base::Failure(base::Failure::Kind::throttled,
                        "too many requests from this address; wait and try again", "RATE_LIMITED")
        .retry_after(wait);
}

void admit_address(const Context& context, const base::ServerRequest& request,
                   const LimitRule& rule) {
    if (has_service_key(context, request)) return;
    context.limits.admit(rule, address_of(context, request));
}

}  // namespace auth
