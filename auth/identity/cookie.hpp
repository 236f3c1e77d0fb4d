// The session cookie: token and HMAC in one value, as browsers that are logged in hold it already.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/options.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"

namespace auth {

inline constexpr std::string_view session_cookie = "mana.session_token";
inline constexpr std::string_view session_data_cookie = "mana.session_data";
inline constexpr std::string_view dont_remember_cookie = "mana.dont_remember";

// With the prefix __Secure- when base_url is https.
std::string cookie_name(const Options& options, std::string_view name);

// "token.signature", percent-encoded.
std::string sign_cookie(const base::Secret& secret, std::string_view token);
// The token when the signature holds: ours, or that of the service before us, which signed with the
// secret itself.
std::optional<base::Secret> open_cookie(const base::Secret& secret, std::string_view value);

// A Set-Cookie value. Without `life` the cookie ends with the browser; zero expires it.
std::string set_cookie(const Options& options, std::string_view name, std::string_view value,
                       std::optional<std::chrono::seconds> life);
std::string set_session_cookie(const Options& options, const base::Secret& token,
                               std::optional<std::chrono::seconds> life);

// The tokens of the request's session cookies, each once. A browser sends several when a
// neighbouring host or an older setting of ours has left one.
std::vector<base::Secret> session_tokens_of(const Options& options,
                                            const base::ServerRequest& request);
// The only one; nothing when there are several.
std::optional<base::Secret> session_token_of(const Options& options,
                                             const base::ServerRequest& request);
bool has_dont_remember(const Options& options, const base::ServerRequest& request);

}  // namespace auth
