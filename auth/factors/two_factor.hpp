// Store: a user's second factor, which is a TOTP secret, backup codes and what was tried on them.
// Everything runs in the caller's transaction, which must commit also when a code was wrong: the
// count of failures is part of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr int factor_failures_max = 10;  // Then locked, per account.
inline constexpr std::chrono::minutes factor_lock_time{15};
inline constexpr int backup_codes_count = 10;

struct Enrolment {
    base::Secret secret;
    std::vector<std::string> backup_codes;
};

// The row, held until the transaction ends.
struct SecondFactor {
    std::string user_id;
    base::Secret secret;
    std::vector<std::string> backup_codes;
    bool totp_verified = false;
    std::optional<std::int64_t> last_step;
    std::optional<base::Moment> locked_until;
    std::optional<base::Secret> pending_secret;
};

// Nothing when there is none. Throws Failure::internal when it was sealed with another secret.
std::optional<SecondFactor> hold_second_factor(base::Transaction& transaction,
                                               const base::Secret& secret,
                                               std::string_view user_id);

// A new secret and new backup codes. With `aside` they wait beside those in use until a code of
// the new secret is shown; else they take their place at once.
Enrolment enrol(base::Transaction& transaction, const base::Secret& secret,
                std::string_view user_id, bool aside, base::Moment now);

// `used`: right, but taken before; it counts for nothing and against nobody.
enum class CodeVerdict { right, wrong, used, locked };

// Takes the code: of any number of simultaneous attempts one finds it right. Wrong ones count.
CodeVerdict take_totp(base::Transaction& transaction, const SecondFactor& factor,
                      std::string_view code, base::Moment now);
// The same with a code of a pending enrolment, which takes the place of the old one.
CodeVerdict take_pending_totp(base::Transaction& transaction, const SecondFactor& factor,
                              std::string_view code, base::Moment now);
CodeVerdict take_backup_code(base::Transaction& transaction, const base::Secret& secret,
                             const SecondFactor& factor, std::string_view code, base::Moment now);
// Of a code that was checked elsewhere (a mailed one).
CodeVerdict settle_code(base::Transaction& transaction, const SecondFactor& factor, bool matches,
                        base::Moment now);

std::vector<std::string> renew_backup_codes(base::Transaction& transaction,
                                            const base::Secret& secret, std::string_view user_id);

// From then on logins ask for it.
void switch_on(base::Transaction& transaction, std::string_view user_id, base::Moment now);
// Forgets the factor and every trusted device.
void switch_off(base::Transaction& transaction, std::string_view user_id, base::Moment now);

}  // namespace auth
