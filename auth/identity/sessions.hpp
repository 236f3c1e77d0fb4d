// Store: login sessions. The database holds only digests of session tokens, so a token is known
// when it is made and when somebody presents it, never otherwise.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity/users.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"

namespace auth {

inline constexpr std::chrono::hours session_life{7 * 24};
inline constexpr std::chrono::hours session_life_short{24};  // Without "remember me".
inline constexpr std::chrono::hours session_renew_after{24};

struct Session {
    std::string id;
    std::string user_id;
    base::Moment expires_at;
    base::Moment created_at;
    base::Moment updated_at;
    std::string ip_address;
    std::string user_agent;
    bool short_lived = false;
    std::optional<std::string> active_organization_id;  // The space it works in.
    base::Secret token;                                 // Empty when it was found by its id.
};

base::Json session_json(const Session& session);

struct Login {
    Session session;
    Profile user;
};

struct NewSession {
    std::string user_id;
    std::string ip_address;
    std::string user_agent;
    std::chrono::seconds life = session_life;
    bool short_lived = false;
};

Session create_session(base::Transaction& transaction, const NewSession& wish, base::Moment now);

// The living session and its user (not deleted). An expired one is deleted on the way.
std::optional<Login> find_login_by_token(base::Transaction& transaction, const base::Secret& token,
                                         base::Moment now);
std::optional<Login> find_login_by_id(base::Transaction& transaction, std::string_view session_id,
                                      base::Moment now);

bool must_renew(const Session& session, base::Moment now);
void renew_session(base::Transaction& transaction, Session& session, base::Moment now);

// A new token for the same session, when what it may do has changed: the old one is worthless then.
base::Secret replace_session_token(base::Transaction& transaction, std::string_view session_id);

void delete_session_by_id(base::Transaction& transaction, std::string_view session_id);
// All of a user's; answers how many there were.
std::size_t delete_sessions_of(base::Transaction& transaction, std::string_view user_id);
// All but one.
std::size_t delete_other_sessions(base::Transaction& transaction, std::string_view user_id,
                                  std::string_view kept_id);
// One of a user's, named by its id or its token; answers its id.
std::optional<std::string> delete_session_of(base::Transaction& transaction,
                                             std::string_view user_id, const std::string& session);
// The living ones, the newest first, at most 200; without tokens.
std::vector<Session> list_sessions_of(base::Transaction& transaction, std::string_view user_id,
                                      base::Moment now);
void delete_expired_sessions(base::Transaction& transaction, base::Moment now);

}  // namespace auth
