#include "auth/identity/cookie.hpp"

#include <algorithm>

#include "auth/keys/purposes.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::size_t cookie_signature_length = 44;
constexpr std::size_t session_cookies_max = 4;

// encodeURIComponent: what the browsers' cookies were written with.
std::string cookie_encode(std::string_view text) {
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char letter : text) {
        if (plain.find(letter) != std::string_view::npos) {
            encoded += letter;
        } else {
            const auto byte = static_cast<unsigned char>(letter);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 15];
        }
    }
    return encoded;
}

std::optional<std::string> cookie_decode(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto byte =
            i + 2 < text.size() ? base::from_hex(text.substr(i + 1, 2)) : std::nullopt;
        if (!byte) return std::nullopt;
        decoded += *byte;
        i += 2;
    }
    return decoded;
}

bool cookie_is_secure(const Options& options) {
    return options.production || options.base_url.starts_with("https://");
}

}  // namespace

std::string cookie_name(const Options& options, std::string_view name) {
    const bool prefixed = options.base_url.starts_with("https://");
    return (prefixed ? "__Secure-" : "") + std::string(name);
}

std::string sign_cookie(const base::Secret& secret, std::string_view token) {
    const base::Secret key = key_for(Purpose::cookies, secret);
    const std::string mac = base::to_base64(base::hmac_sha256(key.reveal(), token));
    return cookie_encode(std::string(token) + "." + mac);
}

std::optional<base::Secret> open_cookie(const base::Secret& secret, std::string_view value) {
    const auto text = cookie_decode(value);
    const std::size_t dot = text ? text->rfind('.') : std::string::npos;
    if (dot == std::string::npos || dot == 0) return std::nullopt;
    const std::string token = text->substr(0, dot);
    const std::string signature = text->substr(dot + 1);
    if (signature.size() != cookie_signature_length || !signature.ends_with('=')) {
        return std::nullopt;
    }
    const auto genuine = [&](const base::Secret& key) {
        return base::equal_constant_time(signature,
                                         base::to_base64(base::hmac_sha256(key.reveal(), token)));
    };
    if (!genuine(key_for(Purpose::cookies, secret)) && !genuine(secret)) return std::nullopt;
    return base::Secret(token);
}

std::string set_cookie(const Options& options, std::string_view name, std::string_view value,
                       std::optional<std::chrono::seconds> life) {
    const bool secure = cookie_is_secure(options);
    std::string text = cookie_name(options, name) + "=" + std::string(value);
    if (life) text += "; Max-Age=" + std::to_string(life->count());
    if (!options.cookie_domain.empty()) text += "; Domain=" + options.cookie_domain;
    text += "; Path=/; HttpOnly";
    if (secure) text += "; Secure";
    // A cookie for other sites' requests must be Secure, or browsers drop it.
    const bool shared = secure && !options.cookie_domain.empty();
    return text + (shared ? "; SameSite=None" : "; SameSite=Lax");
}

std::string set_session_cookie(const Options& options, const base::Secret& token,
                               std::optional<std::chrono::seconds> life) {
    return set_cookie(options, session_cookie, sign_cookie(options.secret, token.reveal()), life);
}

std::vector<base::Secret> session_tokens_of(const Options& options,
                                            const base::ServerRequest& request) {
    std::vector<base::Secret> tokens;
    for (const auto& value : request.cookies(cookie_name(options, session_cookie))) {
        auto token = open_cookie(options.secret, value);
        const bool known =
            !token || std::any_of(tokens.begin(), tokens.end(),
                                  [&](const auto& one) { return one.reveal() == token->reveal(); });
        if (!known && tokens.size() < session_cookies_max) tokens.push_back(std::move(*token));
    }
    return tokens;
}

std::optional<base::Secret> session_token_of(const Options& options,
                                             const base::ServerRequest& request) {
    auto tokens = session_tokens_of(options, request);
    if (tokens.size() != 1) return std::nullopt;
    return std::move(tokens.front());
}

bool has_dont_remember(const Options& options, const base::ServerRequest& request) {
    const auto value = request.cookie(cookie_name(options, dont_remember_cookie));
    const auto opened = value ? open_cookie(options.secret, *value) : std::nullopt;
    return opened && opened->reveal() == "true";
}

}  // namespace auth
