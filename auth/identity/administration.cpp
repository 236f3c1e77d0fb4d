#include "auth/identity/administration.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/identity/credential.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/token.hpp"
#include "auth/identity/users.hpp"
#include "auth/keys/signing_keys.hpp"
#include "base/failure.hpp"

namespace auth {

AdministratorChange create_administrator(base::Postgres& database, base::Clock& clock,
                                         std::string_view email, const base::Secret& password) {
    check_password_length(password);
    const std::string address = checked_email(email);
    const std::string hash = hash_password(password);
    return database.transact([&](base::Transaction& transaction) {
        const base::Moment now = clock.now();
        AdministratorChange change{.email = address};
        const auto known = find_user_by_email(transaction, address);
        if (!known) {
            NewUser user;
            user.email = address;
            user.password_hash = hash;
            user.role = "admin";
            user.tier = "founder";
            user.verified = true;
            if (!create_user(transaction, user, now)) {
                throw base::Failure(
                    base::Failure::Kind::conflict,
                    fmt::format("{} belongs to a deleted account; take another address", address));
            }
            change.created = true;
            return change;
        }
        if (known->kind != "human") {
            throw base::Failure(base::Failure::Kind::conflict,
                                fmt::format("{} is a {}; an administrator is a person of their own",
                                            address, known->kind));
        }
        set_password_hash(transaction, known->id, hash, now);
        set_user_standing(transaction, known->id, "admin", known->tier, now);
        mark_email_verified(transaction, known->id, now);
        change.promoted = known->role != "admin";
        // Whoever is logged in with the old password is not asked again otherwise.
        change.sessions_ended = delete_sessions_of(transaction, known->id);
        return change;
    });
}

base::Secret mint_admin_token(base::Postgres& database, base::Clock& clock, const Options& options,
                              std::string_view email, std::chrono::seconds life) {
    SigningKeys keys(database, options, clock);
    keys.load();
    const base::Moment now = clock.now();
    const std::string address = checked_email(email);
    const Login login = database.transact([&](base::Transaction& transaction) {
        const auto user = find_user_by_email(transaction, address);
        if (!user) {
            throw base::Failure(
                base::Failure::Kind::missing,
                fmt::format("no user {}; create one with `persona-runner admin create {}`", address,
                            address));
        }
        if (user->role != "admin") {
            throw base::Failure(base::Failure::Kind::forbidden,
                                fmt::format("{} is no administrator", address));
        }
        NewSession wish;
        wish.user_id = user->id;
        wish.user_agent = "persona-runner admin token";
        wish.life = life;
        wish.short_lived = true;
        return Login{create_session(transaction, wish, now), *user};
    });
    base::Json claims = access_claims(login, options, now);
    claims["exp"] =
        std::chrono::duration_cast<std::chrono::seconds>((now + life).time_since_epoch()).count();
    return base::Secret(keys.sign(claims));
}

}  // namespace auth
