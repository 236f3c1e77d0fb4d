#include "auth/identity/operators.hpp"

#include <nlohmann/json.hpp>

#include "auth/identity/credential.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/token.hpp"
#include "auth/identity/users.hpp"
#include "base/failure.hpp"

namespace auth {

using base::Failure;

AdminMade create_admin(base::Postgres& database, std::string_view email, std::string_view name,
                       const std::optional<base::Secret>& password, base::Moment now) {
    const std::string address = checked_email(email);
    std::optional<std::string> hash;
    if (password) {
        check_password_length(*password);
        hash = hash_password(*password);
    }
    return database.transact([&](base::Transaction& transaction) {
        if (const auto known = find_user_by_email(transaction, address)) {
            if (known->kind != "human") {
                throw Failure(Failure::Kind::conflict,
                              address + " is a " + known->kind + " and cannot be an administrator");
            }
            set_user_standing(transaction, known->id, "admin", known->tier, now);
            mark_email_verified(transaction, known->id, now);
            if (hash) set_password_hash(transaction, known->id, *hash, now);
            return AdminMade::promoted;
        }
        if (!hash) {
            throw Failure(Failure::Kind::invalid, "password: a new administrator needs one");
        }
        NewUser user{.email = address, .name = std::string(name)};
        user.password_hash = hash;
        user.role = "admin";
        user.verified = true;
        if (!create_user(transaction, user, now)) {
            throw Failure(Failure::Kind::conflict,
                          address + " belongs to a deleted account; choose another address");
        }
        return AdminMade::created;
    });
}

std::string make_admin_token(base::Postgres& database, const Options& options, base::Clock& clock,
                             std::string_view email) {
    SigningKeys keys(database, options, clock);
    keys.load();
    const base::Moment now = clock.now();
    const Login login = database.transact([&](base::Transaction& transaction) {
        const auto user = find_user_by_email(transaction, email);
        if (!user) {
            throw Failure(Failure::Kind::missing,
                          "no such user; create one with: persona-runner admin create EMAIL");
        }
        if (user->role != "admin") {
            throw Failure(Failure::Kind::forbidden, user->email + " is not an administrator");
        }
        Session session = create_session(transaction,
                                         {.user_id = user->id,
                                          .user_agent = "persona-runner admin token",
                                          .life = access_token_life,
                                          .short_lived = true},
                                         now);
        return Login{std::move(session), *user};
    });
    return keys.sign(access_claims(login, options, now));
}

}  // namespace auth
