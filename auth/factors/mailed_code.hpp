// Store: six digits that were mailed as second factor, one per login that waits or session. In the
// caller's transaction, which must commit also when the code was wrong.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::chrono::minutes mailed_code_life{3};
inline constexpr int mailed_code_attempts_max = 5;
inline constexpr int mailed_code_sends_max = 5;

std::string make_mailed_code();

struct MailedCode {
    std::string holder;  // Digest of the challenge or session.
    std::string user_id;
    std::string code;
};

// Takes the place of the one before. False when too many were mailed for this holder.
bool put_mailed_code(base::Transaction& transaction, const base::Secret& secret,
                     const MailedCode& mailed, base::Moment now);

enum class MailedVerdict { right, wrong, expired, exhausted };
// A right code is used up; a wrong one counts.
MailedVerdict take_mailed_code(base::Transaction& transaction, const base::Secret& secret,
                               std::string_view holder, std::string_view code, base::Moment now);

}  // namespace auth
