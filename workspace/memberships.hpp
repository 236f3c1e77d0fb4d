// Who belongs to which space, as the auth service says. Answers are cached: reading trusts an
// answer for minutes, writing asks each time (a removal counts at once), and when the auth service
// is down reading goes on with the last answer for a bounded time while writing stops.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace workspace {

struct MembershipOptions {
    std::string auth_url;
    base::Secret service_key;
    std::chrono::seconds read_age_max{300};
    std::chrono::seconds write_age_max{0};
    std::chrono::seconds absence_age_max{5};  // Of an answer without the space that is asked for.
    std::chrono::seconds stale_age_max{1800};
    std::chrono::milliseconds fetch_limit{5000};
    std::size_t users_max = 20'000;
};

bool may_write(std::string_view role);  // Viewers, readers and guests may not.

// Resource; any inbound thread. Nothing is locked while the auth service is asked.
class Memberships {
  public:
    enum class Use { reading, writing };

    Memberships(MembershipOptions options, base::Clock& clock);
    Memberships(const Memberships&) = delete;
    Memberships& operator=(const Memberships&) = delete;

    // The user's role in the space; nothing when she is no member. Throws Failure::unavailable when
    // that cannot be found out.
    std::optional<std::string> role(const std::string& user_id, const std::string& space_id,
                                    Use use);

    using Roles = std::map<std::string, std::string, std::less<>>;  // Space id -> role.
    // All of them. `whole` is false when the auth service is down and this is what was known
    // before.
    Roles roles(const std::string& user_id, bool& whole);

    // Every space of the user whose token this is, with her role, asked for with that token.
    base::Json spaces(const std::string& user_id, const base::Secret& token);

    // The members of a space, at most 100, asked for with a member's token: [{"userId", "role",
    // "user": {"name", …}?}]. Throws Failure::unavailable when that cannot be found out.
    base::Json members(const std::string& space_id, const base::Secret& token) const;

    void forget(const std::string& user_id);
    void forget_space(const std::string& space_id);  // Of all of its members.

  private:
    struct Entry {
        Roles roles;
        base::Steady fetched_at;
    };

    std::optional<Entry> known(const std::string& user_id);
    Entry fetch(const std::string& user_id);

    const MembershipOptions options_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace workspace
