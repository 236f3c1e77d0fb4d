#include "base/jwt.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace base {

namespace {

constexpr std::size_t jwt_bytes_max = 16 * 1024;

struct JwtParts {
    std::string_view signed_text;
    Json header;
    Json claims;
    std::string signature;
};

// An object without duplicate member names at any level: two readers of one token must not see two
// different claims.
std::optional<Json> jwt_object(std::string_view text) {
    if (!try_parse_json(text, 8)) return std::nullopt;
    std::vector<std::set<std::string>> seen;
    bool duplicate = false;
    const auto watch = [&](int, Json::parse_event_t event, Json& value) {
        if (event == Json::parse_event_t::object_start) seen.emplace_back();
        if (event == Json::parse_event_t::object_end) seen.pop_back();
        if (event == Json::parse_event_t::key) {
            duplicate |= !seen.back().insert(value.get<std::string>()).second;
        }
        return true;
    };
    Json object = Json::parse(text, watch, false);
    if (duplicate || !object.is_object()) return std::nullopt;
    return object;
}

std::optional<JwtParts> jwt_split(std::string_view token) {
    if (token.size() > jwt_bytes_max) return std::nullopt;
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    if (first == std::string_view::npos || first == last) return std::nullopt;
    const auto header = from_base64url(token.substr(0, first));
    const auto claims = from_base64url(token.substr(first + 1, last - first - 1));
    auto signature = from_base64url(token.substr(last + 1));
    if (!header || !claims || !signature) return std::nullopt;
    auto header_json = jwt_object(*header);
    auto claims_json = jwt_object(*claims);
    if (!header_json || !claims_json) return std::nullopt;
    return JwtParts{token.substr(0, last), std::move(*header_json), std::move(*claims_json),
                    std::move(*signature)};
}

const std::string* jwt_text(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return nullptr;
    return found->get_ptr<const std::string*>();
}

// Seconds since 1970 of a time claim, nothing when absent; `bad` when it is no sensible number.
std::optional<double> jwt_seconds(const Json& claims, const char* name, bool& bad) {
    const auto found = claims.find(name);
    if (found == claims.end()) return std::nullopt;
    if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > 1e11) {
        bad = true;
        return std::nullopt;
    }
    return found->get<double>();
}

bool jwt_audience_holds(const Json& claims, const std::string& audience) {
    const auto found = claims.find("aud");
    if (found == claims.end()) return false;
    if (found->is_string()) return found->get<std::string>() == audience;
    if (!found->is_array()) return false;
    return std::any_of(found->begin(), found->end(), [&](const Json& item) {
        return item.is_string() && item.get<std::string>() == audience;
    });
}

// The first fault of the claims, nullptr when there is none.
const char* jwt_claim_fault(const Json& claims, const JwtRules& rules, Moment now) {
    const double clock = std::chrono::duration<double>(now.time_since_epoch()).count();
    const double skew = static_cast<double>(rules.skew.count());
    bool bad = false;
    const auto expires = jwt_seconds(claims, "exp", bad);
    const auto starts = jwt_seconds(claims, "nbf", bad);
    const auto issued = jwt_seconds(claims, "iat", bad);
    if (bad || !expires) return "exp, nbf or iat is missing or no time";
    if (clock >= *expires + skew) return "expired";
    if (starts && clock + skew < *starts) return "not valid yet";
    if (issued && clock + skew < *issued) return "issued in the future";
    const std::string* issuer = jwt_text(claims, "iss");
    if (!issuer ||
        std::find(rules.issuers.begin(), rules.issuers.end(), *issuer) == rules.issuers.end()) {
        return "wrong issuer";
    }
    if (!jwt_audience_holds(claims, rules.audience)) return "wrong audience";
    const std::string* subject = jwt_text(claims, "sub");
    if (!subject || subject->empty()) return "no subject";
    return nullptr;
}

}  // namespace

JwtKeys read_jwks(const Json& jwks) {
    JwtKeys keys;
    const auto list = jwks.is_object() ? jwks.find("keys") : jwks.end();
    if (!jwks.is_object() || list == jwks.end() || !list->is_array()) {
        throw Failure(Failure::Kind::invalid, "keys: must be an array of JSON Web Keys");
    }
    for (const Json& key : *list) {
        if (!key.is_object()) continue;
        const std::string *kty = jwt_text(key, "kty"), *curve = jwt_text(key, "crv"),
                          *kid = jwt_text(key, "kid"), *x = jwt_text(key, "x");
        if (!kty || !curve || !kid || !x || *kty != "OKP" || *curve != "Ed25519") continue;
        const auto bytes = from_base64url(*x);
        if (bytes && bytes->size() == 32) keys[*kid] = *bytes;
    }
    return keys;
}

std::optional<Json> verify_jwt(std::string_view token, const JwtKeys& keys, const JwtRules& rules,
                               Moment now, std::string* why) {
    const auto refuse = [&](const char* fault) -> std::optional<Json> {
        if (why) *why = fault;
        return std::nullopt;
    };
    auto parts = jwt_split(token);
    if (!parts) return refuse("malformed");
    const std::string* algorithm = jwt_text(parts->header, "alg");
    if (!algorithm || *algorithm != "EdDSA") return refuse("algorithm is not EdDSA");
    if (parts->header.contains("crit")) return refuse("crit is not supported");
    const std::string* kid = jwt_text(parts->header, "kid");
    const auto key = kid ? keys.find(*kid) : keys.end();
    if (key == keys.end()) return refuse("unknown key");
    if (!verify_ed25519(key->second, parts->signed_text, parts->signature)) {
        return refuse("bad signature");
    }
    if (const char* fault = jwt_claim_fault(parts->claims, rules, now)) return refuse(fault);
    return std::move(parts->claims);
}

std::string sign_jwt(const Json& claims, std::string_view kid, const Secret& private_key) {
    const Json header = {{"alg", "EdDSA"}, {"kid", std::string(kid)}};
    std::string text = to_base64url(to_text(header)) + "." + to_base64url(to_text(claims));
    const std::string signature = sign_ed25519(private_key, text);
    return text + "." + to_base64url(signature);
}

std::optional<std::string> kid_of(std::string_view token) {
    const auto parts = jwt_split(token);
    if (!parts) return std::nullopt;
    const std::string* kid = jwt_text(parts->header, "kid");
    if (!kid) return std::nullopt;
    return *kid;
}

}  // namespace base
