// Signing keys (table auth.jwks) and what is signed with them or with the secret.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity/sessions.hpp"
#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/jwt.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::chrono::minutes access_token_life{15};

// The claims of an access token, in the order clients have seen.
base::Json access_claims(const Login& login, const Options& options, base::Moment now);

// Resource; any thread. Rows are read at start and again when somebody asks with an unknown key id
// (at most every ten seconds) or after a minute, so that several services share one table.
class SigningKeys {
  public:
    SigningKeys(base::Postgres& database, const Options& options, base::Clock& clock);
    SigningKeys(const SigningKeys&) = delete;
    SigningKeys& operator=(const SigningKeys&) = delete;

    // Reads the keys; makes the first one under a lock that all services share. Throws
    // Failure::conflict when the newest key was sealed with another secret.
    void load();

    std::string sign(const base::Json& claims);  // With the newest key.
    std::optional<base::Json> verify(std::string_view token);
    base::Json jwks();

  private:
    struct Key {
        std::string kid;
        std::string public_key;  // Raw 32 bytes.
        base::Json public_jwk;
        base::Secret private_key;
    };
    using Keys = std::shared_ptr<const std::vector<Key>>;  // Newest first.

    Keys keys();
    Keys read();

    base::Postgres& database_;
    const Options& options_;
    base::Clock& clock_;
    std::mutex mutex_;
    Keys keys_;
    std::optional<base::Steady> read_at_;
};

// The row form of a private key: a JSON string of hex of the sealed JWK.
std::string seal_private_jwk(const base::Secret& secret, const base::Json& jwk);
std::optional<base::Json> open_private_jwk(const base::Secret& secret, std::string_view stored);

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
