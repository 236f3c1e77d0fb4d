// The keys at work: signing access tokens with the newest, verifying with all that have not ended.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/keys/key_rows.hpp"
#include "auth/options.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

// Resource; any thread. Rows are read at start, after a minute, and when somebody asks with an
// unknown key id (at most every ten seconds), so that several services share one table; whoever
// reads makes the next key when the newest is older than options.key_days.
class SigningKeys {
  public:
    SigningKeys(base::Postgres& database, const Options& options, base::Clock& clock);
    SigningKeys(const SigningKeys&) = delete;
    SigningKeys& operator=(const SigningKeys&) = delete;

    // Reads the keys, makes the first one. Throws Failure::conflict when the one that has to sign
    // was sealed with another secret.
    void load();

    std::string sign(const base::Json& claims);
    std::optional<base::Json> verify(std::string_view token);
    base::Json jwks();  // Also keys whose time has not come, for verifiers that keep the set.

  private:
    using Keys = std::shared_ptr<const std::vector<KeyRow>>;  // Newest first.

    Keys keys();
    Keys read();

    base::Postgres& database_;
    const Options& options_;
    base::Clock& clock_;
    std::mutex mutex_;
    Keys keys_;
    std::optional<base::Steady> read_at_;
};

}  // namespace auth
