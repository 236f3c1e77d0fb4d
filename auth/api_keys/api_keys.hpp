// Store: keys that users give to programs of theirs. The key is shown once; the database holds its
// digest. Everything runs in the caller's transaction.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr int api_keys_per_user_max = 50;  // Not counting revoked ones.
inline constexpr std::string_view api_key_scopes[] = {"stt", "tts"};

struct ApiKeyLimit {
    int requests = 60;
    int window_seconds = 60;
};

struct ApiKey {
    std::string id;
    std::string user_id;
    std::string name;
    std::string prefix;  // The first 8 characters after sk_live_.
    std::vector<std::string> scopes;
    ApiKeyLimit limit;
    base::Moment created_at;
    std::optional<base::Moment> last_used_at;
    std::optional<base::Moment> revoked_at;
};

// Without what the key hashes to.
base::Json api_key_json(const ApiKey& key);

struct NewApiKey {
    std::string user_id;
    std::string name;
    std::vector<std::string> scopes;
    ApiKeyLimit limit;
};
struct MadeApiKey {
    ApiKey row;
    base::Secret key;  // sk_live_…
};
// Nothing when the user has as many as one may have.
std::optional<MadeApiKey> make_api_key(base::Transaction& transaction, const NewApiKey& wish,
                                       base::Moment now);
std::vector<ApiKey> api_keys_of(base::Transaction& transaction, std::string_view user_id);

enum class Revocation { revoked, already, unknown };
Revocation revoke_api_key(base::Transaction& transaction, std::string_view user_id,
                          std::string_view id, base::Moment now);

struct ApiKeyUse {
    enum class Verdict { valid, invalid, scope_denied, rate_limited } verdict = Verdict::invalid;
    std::optional<ApiKey> key;            // When valid.
    std::chrono::seconds retry_after{0};  // When rate_limited.
};
// One use of the key, counted against its limit. Revoked keys and those of deleted users are
// invalid; an empty scope asks for none.
ApiKeyUse use_api_key(base::Transaction& transaction, const base::Secret& key,
                      std::string_view scope, base::Moment now);

}  // namespace auth
