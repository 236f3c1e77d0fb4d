// What stands in an access token, and the tokens of mailed links.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "auth/identity/sessions.hpp"
#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"

namespace auth {

inline constexpr std::chrono::minutes access_token_life{15};

// The claims of an access token, in the order clients have seen.
base::Json access_claims(const Login& login, const Options& options, base::Moment now);

// HS256 tokens in mailed links.
inline constexpr std::size_t mail_token_bytes_max = 4096;
// `update_to`: the new address that the link is about; empty: it confirms the one there is.
std::string sign_mail_token(std::string_view key, std::string_view email, base::Moment now,
                            std::string_view update_to = {});
enum class MailTokenFault { none, invalid, expired };
struct MailToken {
    MailTokenFault fault = MailTokenFault::none;
    std::string email;
    std::string update_to;
};
MailToken open_mail_token(std::string_view key, std::string_view token, base::Moment now);

}  // namespace auth
