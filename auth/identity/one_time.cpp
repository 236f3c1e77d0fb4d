#include "auth/identity/one_time.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::string_view insert_one_time = R"(
    insert into auth.verification (id, identifier, value, user_id, detail, expires_at, created_at,
                                   updated_at)
    values ($1, $2, coalesce($3, ''), $3, $4::jsonb, $5::timestamptz, $6::timestamptz,
            $6::timestamptz))";

constexpr std::string_view one_time_by_secret = R"(
    select user_id, detail from auth.verification
     where identifier = $1 and expires_at > $2::timestamptz)";

constexpr std::string_view take_one_time = R"(
    delete from auth.verification where identifier = $1 and expires_at > $2::timestamptz
    returning user_id, detail)";

constexpr std::string_view delete_one_time = R"(
    delete from auth.verification where user_id = $1 and starts_with(identifier, $2))";

constexpr std::string_view newer_one_time = R"(
    select exists (select from auth.verification
                    where user_id = $1 and starts_with(identifier, $2)
                      and created_at > $3::timestamptz) as found)";

constexpr std::string_view forget_one_time = R"(
    delete from auth.verification where id in (
        select id from auth.verification where expires_at <= $1::timestamptz
         limit 100 for update skip locked))";

std::string one_time_identifier(std::string_view purpose, std::string_view secret) {
    return std::string(purpose) + ":" + base::to_hex(base::sha256(secret));
}

std::optional<OneTime> one_time_read(const base::SqlRows& rows) {
    const auto row = rows.first();
    if (!row) return std::nullopt;
    OneTime found;
    found.user_id = row->text_or_none("user_id").value_or("");
    if (!row->is_null("detail")) found.detail = row->json("detail");
    return found;
}

}  // namespace

void put_one_time(base::Transaction& transaction, const NewOneTime& row, base::Moment now) {
    transaction.run(forget_one_time, {now});
    const std::optional<std::string> user_id =
        row.about.user_id.empty() ? std::nullopt : std::optional(row.about.user_id);
    transaction.run(insert_one_time,
                    {base::random_id(), one_time_identifier(row.purpose, row.secret), user_id,
                     row.about.detail, base::Moment(now + row.life), now});
}

std::optional<OneTime> look_at_one_time(base::Transaction& transaction, std::string_view purpose,
                                        std::string_view secret, base::Moment now) {
    return one_time_read(
        transaction.run(one_time_by_secret, {one_time_identifier(purpose, secret), now}));
}

std::optional<OneTime> use_one_time(base::Transaction& transaction, std::string_view purpose,
                                    std::string_view secret, base::Moment now) {
    return one_time_read(
        transaction.run(take_one_time, {one_time_identifier(purpose, secret), now}));
}

void drop_one_time(base::Transaction& transaction, std::string_view purpose,
                   std::string_view user_id) {
    transaction.run(delete_one_time, {user_id, std::string(purpose) + ":"});
}

bool has_one_time(base::Transaction& transaction, std::string_view purpose,
                  std::string_view user_id, base::Moment since) {
    return transaction.run(newer_one_time, {user_id, std::string(purpose) + ":", since})[0].flag(
        "found");
}

}  // namespace auth
