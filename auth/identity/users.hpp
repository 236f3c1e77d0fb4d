// Store: users and their password accounts. Everything runs in the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

// A user as the wire shows her; enums in the database's words.
struct Profile {
    std::string id;
    std::string name;
    std::string email;  // Lower case.
    bool email_verified = false;
    std::optional<std::string> image;
    std::string role = "user";    // user, admin, service
    std::string tier = "public";  // guest, public, beta, alpha, founder
    std::string kind = "human";   // human, persona, system
    bool two_factor = false;
    base::Moment created_at;
    base::Moment updated_at;
};

base::Json user_json(const Profile& profile);

struct NewUser {
    std::string email;  // Any case; stored in lower case.
    std::string name;   // Empty: the part of the address before the '@'.
    std::optional<std::string>
        password_hash;  // Of hash_password(); nothing: cannot log in by password.
    std::string kind = "human";
    std::string tier = "public";
    std::string role = "user";
    bool verified = false;
    std::optional<std::string> image;
};

// Writes user, password account, personal space and membership. Answers the user's id, or nothing
// when the address is taken (nothing is written then).
std::optional<std::string> create_user(base::Transaction& transaction, const NewUser& user,
                                       base::Moment now);

// A row that has the columns of `profile_columns`, and the user it shows.
inline constexpr std::string_view profile_columns = R"(
    u.id, u.name, u.email, u.email_verified, u.image, u.role::text as role,
    u.access_tier::text as tier, u.kind::text as kind,
    coalesce(u.two_factor_enabled, false) as two_factor, u.created_at, u.updated_at)";
Profile read_profile(const base::SqlRow& row);

// Deleted users (deleted_at) are not found. `email` in any case.
std::optional<Profile> find_user_by_email(base::Transaction& transaction, std::string_view email);
std::optional<Profile> find_user(base::Transaction& transaction, std::string_view user_id);

// The stored password hash; nothing when she has no password account.
std::optional<std::string> find_password_hash(base::Transaction& transaction,
                                              std::string_view user_id);
// The same, and it stays what it is until the transaction ends.
std::optional<std::string> hold_password_hash(base::Transaction& transaction,
                                              std::string_view user_id);
// A way to prove who she is: provider "credential" is her password.
struct Account {
    std::string id, provider_id, account_id;
    base::Moment created_at, updated_at;
};
std::vector<Account> list_accounts_of(base::Transaction& transaction, std::string_view user_id);
// Also creates the password account when missing.
void set_password_hash(base::Transaction& transaction, std::string_view user_id,
                       std::string_view hash, base::Moment now);
// Only when it is still `known`: a reset meanwhile must stay. Answers whether it was.
bool replace_password_hash(base::Transaction& transaction, std::string_view user_id,
                           std::string_view known, std::string_view hash, base::Moment now);
void set_user_name(base::Transaction& transaction, std::string_view user_id, std::string_view name,
                   base::Moment now);
void set_user_image(base::Transaction& transaction, std::string_view user_id,
                    const std::optional<std::string>& image, base::Moment now);
bool is_email_taken(base::Transaction& transaction, std::string_view email);
// The confirmed new address, with what is known by the old one; false when it is taken.
bool change_user_email(base::Transaction& transaction, std::string_view user_id,
                       std::string_view email, base::Moment now);
void set_user_standing(base::Transaction& transaction, std::string_view user_id,
                       std::string_view role, std::string_view tier, base::Moment now);
void mark_email_verified(base::Transaction& transaction, std::string_view user_id,
                         base::Moment now);

// How many users were created on this UTC day.
std::int64_t count_users_of_day(base::Transaction& transaction, base::Moment day);
// The same; takes a transaction-level lock that serialises
// sign-ups which must respect a cap.
std::int64_t count_users_created_on_day(base::Transaction& transaction, base::Moment day);

// The user with sessions, accounts, memberships, spaces that nobody else owns, and login history.
// Audit events of a persona go too; those of anybody else stay under a pseudonym. Answers the ids
// of the spaces that went along; nothing when there is no such user.
std::optional<std::vector<std::string>> delete_user_completely(base::Transaction& transaction,
                                                               std::string_view user_id);

// Lower case and trimmed; throws Failure::invalid (code INVALID_EMAIL) when it is no address;
// `name` is the field's.
std::string checked_email(std::string_view email, std::string_view name = "email");

}  // namespace auth
