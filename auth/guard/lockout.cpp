#include "auth/guard/lockout.hpp"

namespace auth {

namespace {

constexpr auto place_known_for = std::chrono::hours(30 * 24);
constexpr auto lock_row_kept = std::chrono::hours(24);
constexpr auto attempt_row_kept = std::chrono::hours(90 * 24);

constexpr std::string_view place_is_known = R"(
    select exists (
        select from auth.login_attempts
         where email = $1 and method = 'password' and successful and ip_address = $2
           and attempted_at > $3::timestamptz) as known)";

constexpr std::string_view lock_of_place = R"(
    select locked_until from auth.login_locks
     where email = $1 and place = $2 and locked_until > $3::timestamptz)";

// Makes sure that there is a row and holds it until the transaction ends.
constexpr std::string_view hold_lock_row = R"(
    insert into auth.login_locks (email, place, touched_at) values ($1, $2, $3::timestamptz)
    on conflict (email, place) do update set touched_at = excluded.touched_at
    returning locked_until)";

constexpr std::string_view count_failure = R"(
    update auth.login_locks l
       set failed_at = array(select t from unnest(l.failed_at || $3::timestamptz) as t
                              where t > $4::timestamptz)
     where email = $1 and place = $2
    returning cardinality(failed_at) as failures)";

constexpr std::string_view lock_place = R"(
    update auth.login_locks set failed_at = '{}', locked_until = $3::timestamptz
     where email = $1 and place = $2)";

constexpr std::string_view clear_place =
    "delete from auth.login_locks where email = $1 and place = $2";

constexpr std::string_view clear_account = "delete from auth.login_locks where email = $1";

constexpr std::string_view insert_attempt = R"(
    insert into auth.login_attempts (email, ip_address, successful, attempted_at, method)
    values ($1, $2, $3, $4::timestamptz, 'password'))";

constexpr std::string_view forget_locks = R"(
    delete from auth.login_locks where (email, place) in (
        select email, place from auth.login_locks where touched_at < $1::timestamptz
         limit 100 for update skip locked))";

constexpr std::string_view forget_attempts = R"(
    delete from auth.login_attempts where id in (
        select id from auth.login_attempts where attempted_at < $1::timestamptz
         limit 100 for update skip locked))";

}  // namespace

LoginPlace find_place(base::Transaction& transaction, std::string_view email,
                      std::string_view address, base::Moment now) {
    LoginPlace place{std::string(email), std::string(address), ""};
    const bool known =
        transaction.run(place_is_known, {email, address, now - place_known_for})[0].flag("known");
    if (known) place.place = place.address;
    return place;
}

std::optional<base::Moment> locked_until(base::Transaction& transaction, const LoginPlace& place,
                                         base::Moment now) {
    const auto row = transaction.run(lock_of_place, {place.email, place.place, now}).first();
    if (!row) return std::nullopt;
    return row->moment("locked_until");
}

Verdict settle_password(base::Transaction& transaction, const LoginPlace& place,
                        const CheckedPassword& password, base::Moment now) {
    const auto row = transaction.run(hold_lock_row, {place.email, place.place, now})[0];
    const auto until = row.moment_or_none("locked_until");
    const bool passes = password.matches && password.passes_lock;
    if (until && *until > now && !passes) return Verdict::locked;

    transaction.run(insert_attempt, {place.email, place.address, password.matches, now});
    if (password.matches) {
        transaction.run(clear_place, {place.email, place.place});
        return Verdict::right;
    }
    const auto counted = transaction.run(
        count_failure, {place.email, place.place, now, base::Moment(now - lockout_window)});
    if (counted[0].integer("failures") >= lockout_failures_max) {
        transaction.run(lock_place, {place.email, place.place, base::Moment(now + lockout_time)});
    }
    return Verdict::wrong;
}

void unlock_account(base::Transaction& transaction, std::string_view email) {
    transaction.run(clear_account, {email});
}

void forget_old_attempts(base::Transaction& transaction, base::Moment now) {
    transaction.run(forget_locks, {base::Moment(now - lock_row_kept)});
    transaction.run(forget_attempts, {base::Moment(now - attempt_row_kept)});
}

}  // namespace auth
