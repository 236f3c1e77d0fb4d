#include "auth/factors/passkeys.hpp"

#include <nlohmann/json.hpp>

#include "auth/factors/sealing.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr int passkey_failures_max = 10;
constexpr auto passkey_failures_window = std::chrono::seconds(60);
constexpr auto passkey_block_time = std::chrono::seconds(300);

constexpr std::string_view passkeys_of_user = R"(
    select * from auth.passkeys where user_id = $1 order by created_at, id)";
constexpr std::string_view passkey_by_id = "select * from auth.passkeys where id = $1";
constexpr std::string_view passkey_by_credential =
    "select * from auth.passkeys where credential_id = $1 for update";
// Locked, so that the limit holds against simultaneous registrations.
constexpr std::string_view hold_owner = "select id from auth.users where id = $1 for update";
constexpr std::string_view count_passkeys =
    "select count(*) as n from auth.passkeys where user_id = $1";
constexpr std::string_view put_passkey = R"(
    insert into auth.passkeys (id, user_id, credential_id, public_key, counter, device_type,
                               backed_up, transports, name, aaguid, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz)
    on conflict (credential_id) do nothing
    returning *)";
constexpr std::string_view name_passkey = "update auth.passkeys set name = $2 where id = $1";
constexpr std::string_view drop_passkey = "delete from auth.passkeys where id = $1";
constexpr std::string_view use_passkey = R"(
    update auth.passkeys
       set counter = $2, backed_up = $3, last_used_at = $4::timestamptz, failures = 0,
           failures_since = null, blocked_until = null
     where id = $1)";
constexpr std::string_view count_passkey_failure = R"(
    update auth.passkeys
       set failures = case when failures_since > $2::timestamptz then failures + 1 else 1 end,
           failures_since = case when failures_since > $2::timestamptz then failures_since
                                 else $3::timestamptz end
     where id = $1 returning failures)";
constexpr std::string_view block_passkey = R"(
    update auth.passkeys set failures = 0, failures_since = null, blocked_until = $2::timestamptz
     where id = $1)";

constexpr std::string_view forget_passkey_challenges = R"(
    delete from auth.passkey_challenges where id in (
        select id from auth.passkey_challenges where expires_at <= $1::timestamptz
         limit 10 for update skip locked))";
constexpr std::string_view put_passkey_challenge = R"(
    insert into auth.passkey_challenges (id, ceremony, challenge, user_id, expires_at)
    values ($1, $2, $3, nullif($4, ''), $5::timestamptz))";
constexpr std::string_view take_passkey_challenge = R"(
    delete from auth.passkey_challenges where id = $1 and ceremony = $2
    returning challenge, coalesce(user_id, '') as user_id, expires_at)";

const char* passkey_word(Ceremony ceremony) {
    return ceremony == Ceremony::registration ? "registration" : "authentication";
}

Passkey passkey_of_row(const base::SqlRow& row) {
    Passkey passkey;
    passkey.id = row.text("id");
    passkey.user_id = row.text("user_id");
    passkey.credential_id = row.text("credential_id");
    passkey.public_key = row.text("public_key");
    passkey.counter = static_cast<std::uint32_t>(row.integer("counter"));
    passkey.device_type = row.text("device_type");
    passkey.backed_up = row.flag("backed_up");
    passkey.transports = row.text_or_none("transports").value_or("");
    passkey.name = row.text_or_none("name");
    passkey.aaguid = row.text_or_none("aaguid").value_or("");
    passkey.created_at = row.moment("created_at");
    passkey.blocked_until = row.moment_or_none("blocked_until");
    return passkey;
}

std::optional<Passkey> passkey_first(const base::SqlRows& rows) {
    const auto row = rows.first();
    if (!row) return std::nullopt;
    return passkey_of_row(*row);
}

}  // namespace

base::Json passkey_json(const Passkey& passkey) {
    return {{"id", passkey.id},
            {"name", passkey.name ? base::Json(*passkey.name) : base::Json(nullptr)},
            {"userId", passkey.user_id},
            {"credentialID", passkey.credential_id},
            {"publicKey", passkey.public_key},
            {"counter", passkey.counter},
            {"deviceType", passkey.device_type},
            {"backedUp", passkey.backed_up},
            {"transports", passkey.transports},
            {"aaguid", passkey.aaguid},
            {"createdAt", base::to_iso(passkey.created_at)}};
}

std::vector<Passkey> passkeys_of(base::Transaction& transaction, std::string_view user_id) {
    std::vector<Passkey> passkeys;
    for (const base::SqlRow row : transaction.run(passkeys_of_user, {user_id})) {
        passkeys.push_back(passkey_of_row(row));
    }
    return passkeys;
}

std::optional<Passkey> find_passkey(base::Transaction& transaction, std::string_view id) {
    return passkey_first(transaction.run(passkey_by_id, {id}));
}

std::optional<Passkey> hold_passkey_by_credential(base::Transaction& transaction,
                                                  std::string_view credential_id) {
    return passkey_first(transaction.run(passkey_by_credential, {credential_id}));
}

std::optional<Passkey> insert_passkey(base::Transaction& transaction, const NewPasskey& passkey,
                                      base::Moment now) {
    transaction.run(hold_owner, {passkey.user_id});
    const auto many = transaction.run(count_passkeys, {passkey.user_id})[0].integer("n");
    if (many >= passkeys_per_user_max) return std::nullopt;
    const NewCredential& made = passkey.credential;
    return passkey_first(transaction.run(
        put_passkey, {base::random_id(), passkey.user_id, made.id, made.public_key,
                      static_cast<std::int64_t>(made.counter),
                      made.backup_eligible ? "multiDevice" : "singleDevice", made.backed_up,
                      passkey.transports, passkey.name, made.aaguid, now}));
}

void rename_passkey(base::Transaction& transaction, std::string_view id, std::string_view name) {
    transaction.run(name_passkey, {id, name});
}

void delete_passkey(base::Transaction& transaction, std::string_view id) {
    transaction.run(drop_passkey, {id});
}

void passkey_used(base::Transaction& transaction, const Passkey& passkey, const Assertion& shown,
                  base::Moment now) {
    transaction.run(use_passkey,
                    {passkey.id, static_cast<std::int64_t>(shown.counter), shown.backed_up, now});
}

void passkey_failed(base::Transaction& transaction, const Passkey& passkey, base::Moment now) {
    const auto counted = transaction.run(
        count_passkey_failure, {passkey.id, base::Moment(now - passkey_failures_window), now});
    if (!counted.empty() && counted[0].integer("failures") >= passkey_failures_max) {
        transaction.run(block_passkey, {passkey.id, base::Moment(now + passkey_block_time)});
    }
}

PasskeyChallenge open_passkey_challenge(base::Transaction& transaction, Ceremony ceremony,
                                        std::string_view user_id, base::Moment now) {
    transaction.run(forget_passkey_challenges, {now});
    PasskeyChallenge made{base::Secret(base::random_id()),
                          base::to_base64url(base::random_bytes(32)), std::string(user_id)};
    transaction.run(put_passkey_challenge,
                    {factor_digest(made.id.reveal()), passkey_word(ceremony), made.challenge,
                     user_id, base::Moment(now + passkey_challenge_life)});
    return made;
}

std::optional<PasskeyChallenge> use_passkey_challenge(base::Transaction& transaction,
                                                      Ceremony ceremony, const base::Secret& id,
                                                      base::Moment now) {
    const auto row =
        transaction
            .run(take_passkey_challenge, {factor_digest(id.reveal()), passkey_word(ceremony)})
            .first();
    if (!row || row->moment("expires_at") <= now) return std::nullopt;
    return PasskeyChallenge{id, row->text("challenge"), row->text("user_id")};
}

}  // namespace auth
