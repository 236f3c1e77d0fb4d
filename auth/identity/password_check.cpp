#include "auth/identity/password_check.hpp"

#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/guard/lockout.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/users.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

struct CheckStart {
    LoginPlace place;
    std::optional<base::Moment> locked;
    std::optional<std::string> hash;
};

void check_event(base::Transaction& transaction, std::string_view type, std::string_view code,
                 const std::string& user_id, const Client& client, base::Moment now) {
    record_event(transaction,
                 {.type = type,
                  .user_id = user_id,
                  .address = client.address,
                  .user_agent = client.user_agent,
                  .code = std::string(code),
                  .endpoint = client.endpoint},
                 now);
}

[[noreturn]] void check_refuse_locked(const std::optional<base::Moment>& until, base::Moment now) {
    const auto wait = until && *until > now ? *until - now : base::Moment::duration(1);
    throw Failure(Failure::Kind::throttled,
                  "too many wrong passwords: the account is locked for a while", "ACCOUNT_LOCKED")
        .retry_after(std::chrono::ceil<std::chrono::milliseconds>(wait));
}

[[noreturn]] void check_refuse_wrong(const Client& client) {
    if (family_of(client.endpoint) == Family::custom) {
        throw Failure(Failure::Kind::unauthenticated, "the current password is wrong",
                      "INVALID_CREDENTIALS");
    }
    throw Failure(Failure::Kind::invalid, "the current password is wrong", "INVALID_PASSWORD");
}

}  // namespace

std::string require_password(const Context& context, const User& user, const base::Secret& password,
                             const Client& client) {
    return require_password(context, user.user_id(), user.email(), password, client);
}

std::string require_password(const Context& context, const std::string& user_id,
                             const std::string& email, const base::Secret& password,
                             const Client& client) {
    base::Moment now = context.clock.now();
    const CheckStart start = context.database.transact([&](base::Transaction& transaction) {
        CheckStart found;
        found.place = find_place(transaction, email, client.address, now);
        found.locked = locked_until(transaction, found.place, now);
        found.hash = find_password_hash(transaction, user_id);
        if (found.locked) {
            check_event(transaction, "ACCOUNT_LOCKED", "ACCOUNT_LOCKED", user_id, client, now);
        }
        return found;
    });
    if (start.locked) check_refuse_locked(start.locked, now);
    if (!start.hash) {
        throw Failure(Failure::Kind::invalid,
                      "this account has no password; set one with \"forgot password\"",
                      "CREDENTIAL_ACCOUNT_NOT_FOUND");
    }
    const bool matches = context.passwords.matches(password, start.hash);

    now = context.clock.now();
    std::optional<base::Moment> until;
    const Verdict verdict = context.database.transact([&](base::Transaction& transaction) {
        const Verdict settled =
            settle_password(transaction, start.place, {.matches = matches}, now);
        if (settled == Verdict::locked) {
            until = locked_until(transaction, start.place, now);
            check_event(transaction, "ACCOUNT_LOCKED", "ACCOUNT_LOCKED", user_id, client, now);
        } else if (settled == Verdict::wrong) {
            check_event(transaction, "LOGIN_FAILURE", "INVALID_CREDENTIALS", user_id, client, now);
        }
        return settled;
    });
    if (verdict == Verdict::locked) check_refuse_locked(until, now);
    if (verdict == Verdict::wrong) check_refuse_wrong(client);
    return *start.hash;
}

}  // namespace auth
