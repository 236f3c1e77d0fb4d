#include "auth/guard/limits.hpp"

#include <algorithm>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "base/address.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr std::size_t limits_who_bytes_max = 320;
constexpr int limits_block = 10;
constexpr std::size_t limits_here_max = 20'000;

constexpr std::string_view count_request = R"(
    insert into auth.request_limits as l (rule, who, until, requests)
    values ($1, $2, $3::timestamptz, $6::integer)
    on conflict (rule, who) do update
       set requests = case when l.until <= $4::timestamptz then $6::integer
                           else least(l.requests, $5::integer) + $6::integer end,
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

Limits::Taken Limits::take(const LimitRule& rule, const std::string& key, int requests) {
    const base::Moment now = clock_.now();
    const auto row = database_.transact([&](base::Transaction& transaction) {
        // A count that a crash of the server forgets is no loss worth a disk sync.
        transaction.set_local("synchronous_commit", "off");
        if (limits_clean_up()) transaction.run(forget_limits, {now});
        return transaction.run(count_request, {rule.name, key, base::Moment(now + rule.window), now,
                                               rule.requests_max, requests})[0];
    });
    const auto before = row.integer("requests") - requests;
    const int left = std::clamp(static_cast<int>(rule.requests_max - before), 0, requests);
    return {row.moment("until"), left, left == 0};
}

void Limits::refuse(base::Moment until, base::Moment now) const {
    throw base::Failure(base::Failure::Kind::throttled,
                        "too many requests from this address; wait and try again", "RATE_LIMITED")
        .retry_after(std::chrono::ceil<std::chrono::seconds>(until - now));
}

void Limits::admit(const LimitRule& rule, std::string_view who) {
    if (!enabled_) return;
    const base::Moment now = clock_.now();
    const Taken taken = take(rule, limits_key(who), 1);
    if (taken.empty) refuse(taken.until, now);
}

// True: one of those taken before; false: there are none left; nothing: ask the database.
std::optional<bool> Limits::take_here(const std::string& name, base::Moment now,
                                      base::Moment& until) {
    const std::lock_guard lock(mutex_);
    const auto found = taken_.find(name);
    if (found == taken_.end() || found->second.until <= now) return std::nullopt;
    Taken& here = found->second;
    until = here.until;
    if (here.left > 0) {
        --here.left;
        return true;
    }
    if (here.empty) return false;
    return std::nullopt;
}

void Limits::admit_often(const LimitRule& rule, std::string_view who) {
    if (!enabled_) return;
    const base::Moment now = clock_.now();
    const std::string key = limits_key(who);
    const std::string name = std::string(rule.name) + ' ' + key;
    base::Moment until;
    const auto here = take_here(name, now, until);
    if (here && *here) return;
    if (here) refuse(until, now);

    const Taken taken = take(rule, key, limits_block);
    if (taken.left > 0 || taken.empty) {
        const std::lock_guard lock(mutex_);
        // Forgetting what was taken only admits fewer.
        if (taken_.size() >= limits_here_max) taken_.clear();
        Taken& kept = taken_[name];
        const bool same = kept.until == taken.until;
        const int unused = same ? kept.left : 0;
        kept = {taken.until, unused + std::max(taken.left - 1, 0), taken.empty};
    }
    if (!taken.empty) return;
    // Another thread may hold some of what it took before.
    const auto last = take_here(name, now, until);
    if (!last || !*last) refuse(taken.until, now);
}

void admit_address(const Context& context, const base::ServerRequest& request,
                   const LimitRule& rule) {
    if (has_service_key(context, request)) return;
    context.limits.admit(rule, address_of(context, request));
}

void admit_path(const Context& context, const base::ServerRequest& request, std::string_view path,
                const LimitRule& rule) {
    if (has_service_key(context, request)) return;
    const std::string client = address_of(context, request);
    const auto address = base::read_address(client);
    context.limits.admit_often(
        rule, (address ? base::network_of(*address) : client) + " " + std::string(path));
}

}  // namespace auth
