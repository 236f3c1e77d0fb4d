#include "auth/factors/password_proof.hpp"

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/guard/lockout.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/users.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

[[noreturn]] void proof_refuse_locked(base::Moment until, base::Moment now) {
    throw Failure(Failure::Kind::throttled,
                  "too many wrong passwords: the account is locked for a while", "ACCOUNT_LOCKED")
        .retry_after(std::chrono::ceil<std::chrono::milliseconds>(until - now));
}

}  // namespace

void prove_password(const Context& context, const User& user, const base::ServerRequest& request,
                    const base::Fields& fields) {
    const base::Secret password(fields.text("password", 1, 1024));
    const std::string address = address_of(context, request);
    base::Moment now = context.clock.now();
    LoginPlace place;
    std::optional<base::Moment> until;
    std::optional<std::string> hash;
    context.database.transact([&](base::Transaction& transaction) {
        place = find_place(transaction, user.email(), address, now);
        until = locked_until(transaction, place, now);
        hash = find_password_hash(transaction, user.user_id());
    });
    if (until) proof_refuse_locked(*until, now);

    const bool matches = context.passwords.matches(password, hash);

    now = context.clock.now();
    const Verdict verdict = context.database.transact([&](base::Transaction& transaction) {
        const Verdict found = settle_password(transaction, place, {.matches = matches}, now);
        if (found == Verdict::locked) until = locked_until(transaction, place, now);
        return found;
    });
    if (verdict == Verdict::locked) {
        proof_refuse_locked(until.value_or(now + lockout_time), now);
    }
    if (verdict == Verdict::wrong) {
        throw Failure(Failure::Kind::invalid, "password: is not the right one", "INVALID_PASSWORD");
    }
}

}  // namespace auth
