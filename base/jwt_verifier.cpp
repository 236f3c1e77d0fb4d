// The verifier that keeps a fetched key set.
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/jwt.hpp"

namespace base {

namespace {

constexpr auto verifier_fresh = std::chrono::minutes(1);
constexpr auto verifier_usable = std::chrono::hours(1);
constexpr auto verifier_pause = std::chrono::seconds(30);
constexpr std::size_t verifier_tokens_max = 4'096;

JwtKeys verifier_fetch(const std::string& url) {
    HttpRequest request;
    request.url = url;
    request.deadline = std::chrono::seconds(5);
    request.body_bytes_max = 256 * 1024;
    const HttpResponse answer = fetch(request);
    if (answer.status != 200) {
        throw Failure(Failure::Kind::unavailable,
                      "the key set answered HTTP " + std::to_string(answer.status));
    }
    return read_jwks(parse_json(answer.body, "key set"));
}

Moment verifier_end(const Json& claims, std::chrono::seconds skew) {
    const auto seconds = static_cast<std::int64_t>(claims.at("exp").get<double>());
    return Moment(std::chrono::seconds(seconds) + skew);
}

}  // namespace

JwtVerifier::JwtVerifier(std::string jwks_url, JwtRules rules, Clock& clock)
    : jwks_url_(std::move(jwks_url)), rules_(std::move(rules)), clock_(clock) {}

std::optional<Json> JwtVerifier::verify(std::string_view token, std::string* why) {
    const std::string digest = sha256(token);
    const Moment now = clock_.now();
    {
        const std::lock_guard lock(mutex_);
        // Past that the keys are asked for first: one of them may have been revoked.
        const bool fresh = fetched_at_ && clock_.steady() - *fetched_at_ < verifier_fresh;
        const auto known = fresh ? verified_.find(digest) : verified_.end();
        if (known != verified_.end()) {
            if (now < verifier_end(known->second, rules_.skew)) return known->second;
            verified_.erase(known);
        }
    }
    const auto kid = kid_of(token);
    if (!kid) {
        if (why) *why = "malformed";
        return std::nullopt;
    }
    const auto claims = verify_jwt(token, keys_for(*kid), rules_, now, why);
    if (!claims) return std::nullopt;
    const std::lock_guard lock(mutex_);
    if (verified_.size() >= verifier_tokens_max) {
        std::erase_if(verified_, [&](const auto& entry) {
            return now >= verifier_end(entry.second, rules_.skew);
        });
        if (verified_.size() >= verifier_tokens_max) verified_.clear();
    }
    verified_[digest] = *claims;
    return claims;
}

// The lock is held while fetching: whoever comes meanwhile waits for the one answer instead of
// asking again. The fetch itself is bounded by five seconds.
JwtKeys JwtVerifier::keys_for(std::string_view kid) {
    const std::lock_guard lock(mutex_);
    const Steady now = clock_.steady();
    const bool fresh = fetched_at_ && now - *fetched_at_ < verifier_fresh;
    const bool usable = fetched_at_ && now - *fetched_at_ < verifier_usable;
    const bool may_try = !tried_at_ || now - *tried_at_ >= verifier_pause;
    if (fresh && keys_.contains(kid)) return keys_;
    if (!may_try) {
        if (usable) return keys_;
        throw Failure(Failure::Kind::unavailable,
                      "the key set could not be fetched; try again in 30 seconds");
    }
    tried_at_ = now;
    try {
        keys_ = verifier_fetch(jwks_url_);
        fetched_at_ = now;
        // A key that left the set must not live on in tokens that were verified with it.
        verified_.clear();
    } catch (const Failure& failure) {
        if (!usable) {
            throw Failure(Failure::Kind::unavailable,
                          std::string("the key set could not be fetched: ") + failure.what());
        }
    }
    return keys_;
}

}  // namespace base
