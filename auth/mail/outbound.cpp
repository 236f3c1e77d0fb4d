#include "auth/mail/outbound.hpp"

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::size_t outbound_error_bytes_max = 300;
constexpr auto outbound_kept = std::chrono::hours(7 * 24);

constexpr std::string_view waiting_outbound = R"(
    select count(*) as n from (
        select from auth.outbound where ended_at is null limit $1::integer) as w)";

constexpr std::string_view insert_outbound = R"(
    insert into auth.outbound (id, kind, once_key, body, created_at, next_at, expires_at)
    values ($1, $2, $3, $4, $5::timestamptz, $6::timestamptz, $7::timestamptz)
    on conflict (once_key) do nothing)";

constexpr std::string_view lease_due_outbound = R"(
    update auth.outbound set attempts = attempts + 1, next_at = $2::timestamptz
     where id = (select id from auth.outbound
                  where ended_at is null and next_at <= $1::timestamptz
                    and not exists (select from unnest($3::text[]) as p
                                     where starts_with(kind, p))
                  order by next_at limit 1 for update skip locked)
    returning id, kind, body, attempts, expires_at)";

constexpr std::string_view end_of_outbound = R"(
    update auth.outbound
       set ended_at = $4::timestamptz, outcome = $2, body = '',
           last_error = coalesce($3, last_error)
     where id = $1 and ended_at is null)";

constexpr std::string_view next_of_outbound = R"(
    update auth.outbound set next_at = $2::timestamptz, last_error = $3
     where id = $1 and ended_at is null)";

constexpr std::string_view delete_old_outbound = R"(
    delete from auth.outbound where id in (
        select id from auth.outbound where ended_at < $1::timestamptz
         limit 1000 for update skip locked))";

}  // namespace

bool put_outbound(base::Transaction& transaction, const NewOutbound& row, base::Moment now) {
    const auto waiting = transaction.run(waiting_outbound, {outbound_waiting_max});
    if (waiting[0].integer("n") >= outbound_waiting_max) {
        throw base::Failure(base::Failure::Kind::unavailable,
                            "too many mails and calls wait for other services; try again later")
            .retry_after(std::chrono::minutes(5));
    }
    return transaction
               .run(insert_outbound, {base::random_id(), row.kind, row.once_key, row.body, now,
                                      row.due_at, row.expires_at})
               .affected() > 0;
}

std::optional<TakenOutbound> take_outbound(base::Transaction& transaction,
                                           const std::vector<std::string>& paused,
                                           base::Moment now) {
    const auto row = transaction
                         .run(lease_due_outbound, {now, base::Moment(now + outbound_lease),
                                                   base::SqlParam::array(paused)})
                         .first();
    if (!row) return std::nullopt;
    return TakenOutbound{row->text("id"), row->text("kind"), row->text("body"),
                         static_cast<int>(row->integer("attempts")), row->moment("expires_at")};
}

void end_outbound(base::Transaction& transaction, std::string_view id, std::string_view outcome,
                  std::optional<std::string> error, base::Moment now) {
    if (error) error = base::cut(base::clean_utf8(*error), outbound_error_bytes_max);
    transaction.run(end_of_outbound, {id, outcome, error, now});
}

void retry_outbound(base::Transaction& transaction, std::string_view id, base::Moment next_at,
                    std::string_view error) {
    transaction.run(next_of_outbound,
                    {id, next_at, base::cut(base::clean_utf8(error), outbound_error_bytes_max)});
}

void forget_outbound(base::Transaction& transaction, base::Moment now) {
    transaction.run(delete_old_outbound, {base::Moment(now - outbound_kept)});
}

}  // namespace auth
