#include "auth/factors/passkey_ceremony.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/factors/authenticator_data.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/origin.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/presence.hpp"
#include "auth/keys/purposes.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr auto passkey_session_fresh = std::chrono::hours(24);
constexpr LimitRule passkey_limit{"passkey", 20, std::chrono::seconds(60)};
constexpr int passkey_timeout_ms = 60'000;

WebauthnRules passkey_rules(const Context& context, const std::string& challenge) {
    const Options& options = context.options;
    WebauthnRules rules{challenge, options.webauthn_origins, passkey_rp_id(options)};
    if (rules.origins.empty()) {
        rules.origins = options.cors_origins;
        rules.origins.push_back(options.base_url);
        if (const auto local = localhost_of(options); !local.empty()) {
            rules.origins.push_back(local);
        }
    }
    return rules;
}

Json passkey_listed(const std::vector<Passkey>& passkeys) {
    Json list = Json::array();
    for (const Passkey& passkey : passkeys) {
        Json one = {{"id", passkey.credential_id}, {"type", "public-key"}};
        if (!passkey.transports.empty()) {
            one["transports"] = base::split(passkey.transports, ',');
        }
        list.push_back(one);
    }
    return list;
}

// The same for all passkeys of an account, so that a device holds one per account; says nothing
// about it.
std::string passkey_user_handle(const Options& options, std::string_view user_id) {
    const base::Secret key = key_for(Purpose::handles, options.secret);
    return base::to_base64url(base::hmac_sha256(key.reveal(), user_id));
}

void passkey_set_cookie(const Options& options, ServerResponse& answer,
                        const PasskeyChallenge& challenge) {
    answer.headers.emplace_back(
        "Set-Cookie",
        set_cookie(options, passkey_cookie, sign_cookie(options.secret, challenge.id.reveal()),
                   passkey_challenge_life));
}

[[noreturn]] void passkey_no_challenge() {
    throw Failure(Failure::Kind::invalid,
                  "no challenge waits for this browser; ask for the options first",
                  "CHALLENGE_NOT_FOUND");
}

base::Secret passkey_challenge_id(const Options& options, const ServerRequest& request) {
    const auto cookie = request.cookie(cookie_name(options, passkey_cookie));
    auto id = cookie ? open_cookie(options.secret, *cookie) : std::nullopt;
    if (!id) passkey_no_challenge();
    return std::move(*id);
}

SecurityEvent passkey_event(const Context& context, const ServerRequest& request,
                            std::string_view type, const std::string& user_id) {
    return {.type = type,
            .user_id = user_id,
            .address = address_of(context, request),
            .user_agent = std::string(request.header("user-agent"))};
}

void passkey_require_fresh(const Context& context, base::Transaction& transaction, const User& user,
                           base::Moment now) {
    const auto login = find_login_by_id(transaction, user.session_id(), now);
    if (login && login->session.created_at + passkey_session_fresh > context.clock.now()) return;
    throw Failure(Failure::Kind::forbidden, "log in anew before you change passkeys",
                  "SESSION_NOT_FRESH");
}

// Known words of what the browser says, joined.
std::string passkey_transports(const Json& response) {
    constexpr std::array<std::string_view, 7> words{"usb",    "nfc",        "ble",  "internal",
                                                    "hybrid", "smart-card", "cable"};
    std::string joined;
    const auto inner = response.find("response");
    if (inner == response.end() || !inner->is_object()) return joined;
    const auto list = inner->find("transports");
    if (list == inner->end() || !list->is_array()) return joined;
    for (const auto word : words) {
        if (std::find(list->begin(), list->end(), Json(word)) == list->end()) continue;
        joined += (joined.empty() ? "" : ",") + std::string(word);
    }
    return joined;
}

struct PasskeyOutcome {
    std::string refusal;  // Empty: let in, or asked for the second factor.
    std::optional<base::Moment> blocked_until;
    LoginAnswer answer;
};

[[noreturn]] void passkey_refuse(const PasskeyOutcome& outcome, base::Moment now) {
    if (outcome.refusal == "CHALLENGE_NOT_FOUND") passkey_no_challenge();
    if (outcome.refusal == "PASSKEY_NOT_FOUND") {
        throw Failure(Failure::Kind::unauthenticated, "this passkey is not known here",
                      "PASSKEY_NOT_FOUND");
    }
    if (outcome.refusal == "RATE_LIMITED") {
        throw Failure(Failure::Kind::throttled,
                      "too many wrong answers for this passkey: it is locked for a while",
                      "RATE_LIMITED")
            .retry_after(std::chrono::ceil<std::chrono::milliseconds>(
                outcome.blocked_until.value_or(now) - now));
    }
    throw Failure(Failure::Kind::invalid, "response: does not prove this passkey",
                  "AUTHENTICATION_FAILED");
}

void passkey_let_in(base::Transaction& transaction, const SecurityEvent& event, const Profile& user,
                    bool verified, LoginAnswer& answer, base::Moment now) {
    if (user.two_factor && !verified) {
        answer.challenge =
            open_challenge(transaction, {.user_id = user.id, .first = FirstFactor::passkey}, now);
        return;
    }
    ensure_personal_space(transaction, user.id, now);
    Session session = create_session(
        transaction,
        {.user_id = user.id, .ip_address = event.address, .user_agent = event.user_agent}, now);
    record_event(transaction, event, now);
    answer.login = Login{std::move(session), user};
}

PasskeyOutcome passkey_settle(const Context& context, base::Transaction& transaction,
                              const ServerRequest& request, const base::Secret& id,
                              const Json& response, base::Moment now) {
    const auto challenge = use_passkey_challenge(transaction, Ceremony::authentication, id, now);
    if (!challenge) return {"CHALLENGE_NOT_FOUND", std::nullopt, {}};
    const auto passkey = hold_passkey_by_credential(transaction, response_text(response, "id"));
    const auto user = passkey ? find_user(transaction, passkey->user_id) : std::nullopt;
    SecurityEvent event = passkey_event(context, request, "PASSKEY_LOGIN_FAILURE", "");
    event.user_id.reset();
    event.code = "PASSKEY_VERIFICATION_FAILED";
    event.endpoint = request.path;
    if (!user) {
        record_event(transaction, event, now);
        return {"PASSKEY_NOT_FOUND", std::nullopt, {}};
    }
    event.user_id = user->id;
    if (passkey->blocked_until && *passkey->blocked_until > now) {
        return {"RATE_LIMITED", passkey->blocked_until, {}};
    }
    std::string why;
    const auto shown = verify_assertion(response, passkey_rules(context, challenge->challenge),
                                        {passkey->public_key, passkey->counter}, &why);
    if (!shown) {
        base::log_warning("passkey refused", {{"passkey", passkey->id}, {"reason", why}});
        passkey_failed(transaction, *passkey, now);
        record_event(transaction, event, now);
        return {"AUTHENTICATION_FAILED", std::nullopt, {}};
    }
    passkey_used(transaction, *passkey, *shown, now);
    PasskeyOutcome outcome;
    passkey_let_in(transaction, passkey_event(context, request, "PASSKEY_LOGIN_SUCCESS", user->id),
                   *user, shown->user_verified, outcome.answer, now);
    return outcome;
}

}  // namespace

std::string passkey_rp_id(const Options& options) {
    if (!options.webauthn_rp_id.empty()) return options.webauthn_rp_id;
    if (!options.cookie_domain.empty()) {
        return options.cookie_domain.substr(options.cookie_domain.starts_with('.') ? 1 : 0);
    }
    // An address is no domain that a passkey could belong to.
    if (!localhost_of(options).empty()) return "localhost";
    const std::size_t scheme = options.base_url.find("://");
    const std::string host =
        scheme == std::string::npos ? options.base_url : options.base_url.substr(scheme + 3);
    return host.substr(0, host.find_first_of(":/"));
}

ServerResponse passkey_registration_options(const Context& context, const User& user,
                                            const Json& wishes) {
    constexpr std::array<std::string_view, 2> attachments{"platform", "cross-platform"};
    const base::Fields fields(wishes);
    const auto attachment = fields.word_or_none("authenticatorAttachment", attachments);
    const auto name = fields.text_or_none("name", passkey_name_bytes_max);
    const Options& options = context.options;
    const base::Moment now = context.clock.now();
    PasskeyChallenge challenge;
    std::vector<Passkey> known;
    context.database.transact([&](base::Transaction& transaction) {
        passkey_require_fresh(context, transaction, user, now);
        known = passkeys_of(transaction, user.user_id());
        challenge =
            open_passkey_challenge(transaction, Ceremony::registration, user.user_id(), now);
    });
    Json selection = {{"residentKey", "preferred"},
                      {"userVerification", "preferred"},
                      {"requireResidentKey", false}};
    if (attachment) selection["authenticatorAttachment"] = attachments[*attachment];
    Json algorithms = Json::array();
    for (const int algorithm : {-8, -7, -257}) {
        algorithms.push_back({{"alg", algorithm}, {"type", "public-key"}});
    }
    ServerResponse answer = ServerResponse::json(
        {{"challenge", challenge.challenge},
         {"rp", {{"name", options.webauthn_rp_name}, {"id", passkey_rp_id(options)}}},
         {"user",
          {{"id", passkey_user_handle(options, user.user_id())},
           {"name", name.value_or(user.email())},
           {"displayName", user.email()}}},
         {"pubKeyCredParams", algorithms},
         {"timeout", passkey_timeout_ms},
         {"attestation", "none"},
         {"excludeCredentials", passkey_listed(known)},
         {"authenticatorSelection", selection},
         {"extensions", {{"credProps", true}}},
         {"hints", Json::array()}});
    passkey_set_cookie(options, answer, challenge);
    return answer;
}

ServerResponse passkey_authentication_options(const Context& context,
                                              const ServerRequest& request) {
    admit_address(context, request, passkey_limit);
    const Presence presence = find_presence(context, request);
    const std::string user_id = presence.login ? presence.login->user.id : "";
    const base::Moment now = context.clock.now();
    PasskeyChallenge challenge;
    std::vector<Passkey> known;
    context.database.transact([&](base::Transaction& transaction) {
        if (!user_id.empty()) known = passkeys_of(transaction, user_id);
        challenge = open_passkey_challenge(transaction, Ceremony::authentication, user_id, now);
    });
    Json body = {{"rpId", passkey_rp_id(context.options)},
                 {"challenge", challenge.challenge},
                 {"timeout", passkey_timeout_ms},
                 {"userVerification", "preferred"}};
    if (!known.empty()) body["allowCredentials"] = passkey_listed(known);
    ServerResponse answer = ServerResponse::json(body);
    answer.headers = presence.headers;
    passkey_set_cookie(context.options, answer, challenge);
    return answer;
}

Passkey register_passkey(const Context& context, const User& user, const ServerRequest& request,
                         const Json& body) {
    const base::Fields fields(body);
    const Json& response = fields.object("response");
    const auto name = fields.text_or_none("name", passkey_name_bytes_max);
    const base::Secret id = passkey_challenge_id(context.options, request);
    const base::Moment now = context.clock.now();
    const auto challenge = context.database.transact([&](base::Transaction& transaction) {
        passkey_require_fresh(context, transaction, user, now);
        return use_passkey_challenge(transaction, Ceremony::registration, id, now);
    });
    if (!challenge) passkey_no_challenge();
    if (challenge->user_id != user.user_id()) {
        throw Failure(Failure::Kind::unauthenticated, "the challenge was for somebody else",
                      "YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY");
    }
    std::string why;
    const auto credential =
        verify_registration(response, passkey_rules(context, challenge->challenge), &why);
    if (!credential) {
        throw Failure(Failure::Kind::invalid, "response: does not verify (" + why + ")",
                      "FAILED_TO_VERIFY_REGISTRATION");
    }
    NewPasskey wish{user.user_id(), *credential, passkey_transports(response), name};
    const auto made = context.database.transact([&](base::Transaction& transaction) {
        const auto passkey = insert_passkey(transaction, wish, now);
        if (passkey) {
            record_event(transaction,
                         passkey_event(context, request, "PASSKEY_REGISTERED", user.user_id()),
                         now);
        }
        return passkey;
    });
    if (made) return *made;
    throw Failure(Failure::Kind::invalid,
                  "this passkey is registered already, or there are 20 of them",
                  "PREVIOUSLY_REGISTERED");
}

LoginAnswer passkey_login(const Context& context, const ServerRequest& request, const Json& body) {
    const base::Fields fields(body);
    const Json& response = fields.object("response");
    admit_address(context, request, passkey_limit);
    const base::Secret id = passkey_challenge_id(context.options, request);
    const base::Moment now = context.clock.now();
    PasskeyOutcome outcome = context.database.transact([&](base::Transaction& transaction) {
        return passkey_settle(context, transaction, request, id, response, now);
    });
    if (!outcome.refusal.empty()) passkey_refuse(outcome, now);
    return std::move(outcome.answer);
}

std::string end_passkey_cookie(const Options& options) {
    return set_cookie(options, passkey_cookie, "", std::chrono::seconds(0));
}

}  // namespace auth
