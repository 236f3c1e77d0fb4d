#include "auth/identity/users.hpp"

#include <nlohmann/json.hpp>

#include "auth/identity/events.hpp"
#include "auth/spaces/invitations.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view insert_user = R"(
    insert into auth.users (id, name, email, email_verified, image, role, access_tier, kind,
                            created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6::auth.user_role, $7::auth.access_tier, $8::auth.user_kind,
            $9::timestamptz, $9::timestamptz)
    on conflict (email) do nothing
    returning id)";

constexpr std::string_view upsert_password = R"(
    insert into auth.accounts (id, account_id, provider_id, user_id, password, created_at,
                               updated_at)
    values ($1, $2, 'credential', $2, $3, $4::timestamptz, $4::timestamptz)
    on conflict (provider_id, account_id)
    do update set password = excluded.password, updated_at = excluded.updated_at)";

constexpr std::string_view user_by_email =
    " from auth.users u where u.email = $1 and u.deleted_at is null";
constexpr std::string_view user_by_id =
    " from auth.users u where u.id = $1 and u.deleted_at is null";

constexpr std::string_view password_of_user = R"(
    select password from auth.accounts
     where user_id = $1 and provider_id = 'credential' and password is not null)";

constexpr std::string_view held_password_of_user = R"(
    select password from auth.accounts
     where user_id = $1 and provider_id = 'credential' and password is not null
       for no key update)";

constexpr std::string_view accounts_of_user = R"(
    select id, provider_id, account_id, created_at, updated_at
      from auth.accounts where user_id = $1 order by created_at, id limit 100)";

constexpr std::string_view replace_password = R"(
    update auth.accounts set password = $3, updated_at = $4::timestamptz
     where user_id = $1 and provider_id = 'credential' and password = $2)";

constexpr std::string_view rename_user =
    "update auth.users set name = $2, updated_at = $3::timestamptz where id = $1";

constexpr std::string_view picture_user =
    "update auth.users set image = $2, updated_at = $3::timestamptz where id = $1";

// Addresses of deleted users stay taken.
constexpr std::string_view email_taken =
    "select exists (select from auth.users where email = $1) as taken";

constexpr std::string_view readdress_user = R"(
    update auth.users u set email = $2, email_verified = true, updated_at = $3::timestamptz
      from (select id, email from auth.users where id = $1 for update) as old
     where u.id = old.id and not exists (select from auth.users where email = $2)
    returning old.email)";

// Where she logged in from stays known.
constexpr std::string_view readdress_attempts =
    "update auth.login_attempts set email = $2 where email = $1";

constexpr std::string_view promote_user = R"(
    update auth.users set role = $2::auth.user_role, access_tier = $3::auth.access_tier,
           updated_at = $4::timestamptz where id = $1)";

constexpr std::string_view verify_user = R"(
    update auth.users set email_verified = true, updated_at = $2::timestamptz
     where id = $1 and not email_verified)";

constexpr std::string_view lock_signups =
    "select pg_advisory_xact_lock(hashtext('auth.signups')::bigint)";

constexpr std::string_view users_of_day = R"(
    select count(*) as n from auth.users
     where created_at >= date_trunc('day', $1::timestamptz at time zone 'UTC') at time zone 'UTC'
       and created_at < (date_trunc('day', $1::timestamptz at time zone 'UTC')
                         + interval '1 day') at time zone 'UTC')";

constexpr std::string_view user_for_delete =
    "select email, kind::text as kind from auth.users where id = $1 for update";

constexpr std::string_view delete_events = "delete from auth.security_events where user_id = $1";
constexpr std::string_view delete_attempts = "delete from auth.login_attempts where email = $1";
constexpr std::string_view delete_locks = "delete from auth.login_locks where email = $1";
constexpr std::string_view delete_verifications = "delete from auth.verification where value = $1";
constexpr std::string_view delete_user = "delete from auth.users where id = $1";

std::optional<Profile> users_find(base::Transaction& transaction, std::string_view condition,
                                  const std::string& value) {
    const std::string query = "select" + std::string(profile_columns) + std::string(condition);
    const auto row = transaction.run(query, {value}).first();
    if (!row) return std::nullopt;
    return read_profile(*row);
}

std::optional<std::string> users_password(base::Transaction& transaction,
                                          std::string_view statement, std::string_view user_id) {
    const auto row = transaction.run(statement, {user_id}).first();
    if (!row) return std::nullopt;
    return row->text("password");
}

}  // namespace

Profile read_profile(const base::SqlRow& row) {
    Profile profile;
    profile.id = row.text("id");
    profile.name = row.text("name");
    profile.email = row.text("email");
    profile.email_verified = row.flag("email_verified");
    profile.image = row.text_or_none("image");
    profile.role = row.text("role");
    profile.tier = row.text("tier");
    profile.kind = row.text("kind");
    profile.two_factor = row.flag("two_factor");
    profile.created_at = row.moment("created_at");
    profile.updated_at = row.moment("updated_at");
    return profile;
}

base::Json user_json(const Profile& profile) {
    return {{"name", profile.name},
            {"email", profile.email},
            {"emailVerified", profile.email_verified},
            {"image", profile.image ? base::Json(*profile.image) : base::Json(nullptr)},
            {"createdAt", base::to_iso(profile.created_at)},
            {"updatedAt", base::to_iso(profile.updated_at)},
            {"twoFactorEnabled", profile.two_factor},
            {"accessTier", profile.tier},
            {"kind", profile.kind},
            {"role", profile.role},
            {"id", profile.id}};
}

std::optional<std::string> create_user(base::Transaction& transaction, const NewUser& user,
                                       base::Moment now) {
    const std::string email = checked_email(user.email);
    const std::string name = user.name.empty() ? email.substr(0, email.find('@')) : user.name;
    const std::string id = base::random_id();
    const auto rows = transaction.run(insert_user, {id, name, email, user.verified, user.image,
                                                    user.role, user.tier, user.kind, now});
    if (rows.empty()) return std::nullopt;
    if (user.password_hash) set_password_hash(transaction, id, *user.password_hash, now);
    ensure_personal_space(transaction, id, now);
    return id;
}

std::optional<Profile> find_user_by_email(base::Transaction& transaction, std::string_view email) {
    return users_find(transaction, user_by_email, base::lower_ascii(base::trim(email)));
}

std::optional<Profile> find_user(base::Transaction& transaction, std::string_view user_id) {
    return users_find(transaction, user_by_id, std::string(user_id));
}

std::optional<std::string> find_password_hash(base::Transaction& transaction,
                                              std::string_view user_id) {
    return users_password(transaction, password_of_user, user_id);
}

std::optional<std::string> hold_password_hash(base::Transaction& transaction,
                                              std::string_view user_id) {
    return users_password(transaction, held_password_of_user, user_id);
}

std::vector<Account> list_accounts_of(base::Transaction& transaction, std::string_view user_id) {
    std::vector<Account> accounts;
    for (const auto& row : transaction.run(accounts_of_user, {user_id})) {
        accounts.push_back({row.text("id"), row.text("provider_id"), row.text("account_id"),
                            row.moment("created_at"), row.moment("updated_at")});
    }
    return accounts;
}

void set_password_hash(base::Transaction& transaction, std::string_view user_id,
                       std::string_view hash, base::Moment now) {
    transaction.run(upsert_password, {base::random_id(), user_id, hash, now});
}

bool replace_password_hash(base::Transaction& transaction, std::string_view user_id,
                           std::string_view known, std::string_view hash, base::Moment now) {
    return transaction.run(replace_password, {user_id, known, hash, now}).affected() > 0;
}

void set_user_name(base::Transaction& transaction, std::string_view user_id, std::string_view name,
                   base::Moment now) {
    transaction.run(rename_user, {user_id, name, now});
}

void set_user_image(base::Transaction& transaction, std::string_view user_id,
                    const std::optional<std::string>& image, base::Moment now) {
    transaction.run(picture_user, {user_id, image, now});
}

bool is_email_taken(base::Transaction& transaction, std::string_view email) {
    return transaction.run(email_taken, {email})[0].flag("taken");
}

bool change_user_email(base::Transaction& transaction, std::string_view user_id,
                       std::string_view email, base::Moment now) {
    const auto old = transaction.run(readdress_user, {user_id, email, now}).first();
    if (!old) return false;
    transaction.run(readdress_attempts, {old->text("email"), email});
    return true;
}

void set_user_standing(base::Transaction& transaction, std::string_view user_id,
                       std::string_view role, std::string_view tier, base::Moment now) {
    transaction.run(promote_user, {user_id, role, tier, now});
}

void mark_email_verified(base::Transaction& transaction, std::string_view user_id,
                         base::Moment now) {
    transaction.run(verify_user, {user_id, now});
}

std::int64_t count_users_of_day(base::Transaction& transaction, base::Moment day) {
    return transaction.run(users_of_day, {day})[0].integer("n");
}

std::int64_t count_users_created_on_day(base::Transaction& transaction, base::Moment day) {
    transaction.run(lock_signups);
    return count_users_of_day(transaction, day);
}

std::optional<std::vector<std::string>> delete_user_completely(base::Transaction& transaction,
                                                               std::string_view user_id) {
    const auto row = transaction.run(user_for_delete, {user_id}).first();
    if (!row) return std::nullopt;
    forget_invitations(transaction, user_id);
    std::vector<std::string> spaces = delete_spaces_owned_alone(transaction, user_id);
    if (row->text("kind") == "persona") {
        transaction.run(delete_events, {user_id});
    } else {
        pseudonymise_events(transaction, user_id, row->text("email"));
    }
    transaction.run(delete_attempts, {row->text("email")});
    transaction.run(delete_locks, {row->text("email")});
    transaction.run(delete_verifications, {user_id});
    transaction.run(delete_user, {user_id});
    return spaces;
}

std::string checked_email(std::string_view text, std::string_view name) {
    const std::string email = base::lower_ascii(base::trim(text));
    const std::size_t at = email.find('@');
    const bool shaped = email.size() <= 254 && at != std::string::npos && at > 0 && at <= 64 &&
                        email.find('@', at + 1) == std::string::npos &&
                        email.find('.', at + 2) != std::string::npos && !email.ends_with('.') &&
                        email.find("..", at) == std::string::npos;
    const bool printable = std::all_of(email.begin(), email.end(), [](char letter) {
        return letter > ' ' && letter < 0x7f &&
               std::string_view("()<>[]\\,;:\"").find(letter) == std::string_view::npos;
    });
    if (!shaped || !printable) {
        throw base::Failure(base::Failure::Kind::invalid,
                            std::string(name) + ": must be an address such as anna@example.com",
                            "INVALID_EMAIL");
    }
    return email;
}

}  // namespace auth
