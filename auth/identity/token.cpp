#include "auth/identity/token.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

constexpr auto mail_token_life = std::chrono::hours(1);
constexpr const char* token_change_request = "change-email-verification";

std::int64_t token_seconds(base::Moment moment) {
    return std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count();
}

std::string token_text(const base::Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

base::Json access_claims(const Login& login, const Options& options, base::Moment now) {
    const std::int64_t issued = token_seconds(now);
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(access_token_life).count();
    return {{"iat", issued},           {"sub", login.user.id},    {"email", login.user.email},
            {"role", login.user.role}, {"sid", login.session.id}, {"tier", login.user.tier},
            {"kind", login.user.kind}, {"exp", issued + life},    {"iss", options.base_url},
            {"aud", options.audience}};
}

std::string sign_mail_token(std::string_view key, std::string_view email, base::Moment now,
                            std::string_view update_to) {
    const std::int64_t issued = token_seconds(now);
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(mail_token_life).count();
    base::Json claims = {{"email", std::string(email)}};
    if (!update_to.empty()) {
        claims["updateTo"] = std::string(update_to);
        claims["requestType"] = token_change_request;
    }
    claims["iat"] = issued;
    claims["exp"] = issued + life;
    const std::string text =
        base::to_base64url(R"({"alg":"HS256"})") + "." + base::to_base64url(base::to_text(claims));
    return text + "." + base::to_base64url(base::hmac_sha256(key, text));
}

MailToken open_mail_token(std::string_view key, std::string_view token, base::Moment now) {
    const MailToken invalid{MailTokenFault::invalid, "", ""};
    const std::size_t first = token.find('.'), last = token.rfind('.');
    const bool shaped =
        token.size() <= mail_token_bytes_max && first != std::string_view::npos && first < last;
    if (!shaped) return invalid;
    const auto header = base::from_base64url(token.substr(0, first));
    const auto body = base::from_base64url(token.substr(first + 1, last - first - 1));
    const auto mac = base::from_base64url(token.substr(last + 1));
    if (!header || !body || !mac) return invalid;
    if (!base::equal_constant_time(*mac, base::hmac_sha256(key, token.substr(0, last)))) {
        return invalid;
    }
    const auto head = base::try_parse_json(*header, 4);
    const auto claims = base::try_parse_json(*body, 4);
    if (!head || !head->is_object() || token_text(*head, "alg") != "HS256") return invalid;
    if (!claims || !claims->is_object()) return invalid;
    const auto expires = claims->find("exp");
    const std::string email = token_text(*claims, "email");
    // A changed address says so twice; tokens of other purposes are none.
    const std::string update_to = token_text(*claims, "updateTo");
    const bool changes =
        !update_to.empty() && token_text(*claims, "requestType") == token_change_request;
    const bool plain = !claims->contains("updateTo") && !claims->contains("requestType");
    if (email.empty() || expires == claims->end() || !expires->is_number_integer() ||
        (!changes && !plain)) {
        return invalid;
    }
    if (token_seconds(now) >= expires->get<std::int64_t>()) {
        return {MailTokenFault::expired, email, update_to};
    }
    return {MailTokenFault::none, email, update_to};
}

}  // namespace auth
