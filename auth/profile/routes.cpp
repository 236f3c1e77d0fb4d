// Who may do what in the room profile.
#include "auth/profile/routes.hpp"

#include "auth/identity/routes.hpp"
#include "auth/route.hpp"

namespace auth {

namespace {

const Route profile_table[] = {
    {"GET", "/api/v1/auth/signup-status", by_anybody(signup_status)},
    {"GET", "/api/v1/auth/profile", by_anybody(get_session)},
    {"POST", "/api/v1/auth/profile", by_user(update_profile)},
    {"DELETE", "/api/v1/auth/account", by_user(delete_own_account)},
    {"GET", "/api/v1/auth/security-events", by_user(list_security_events), "limit before"},
    {"GET", "/api/v1/auth/sessions", by_user(list_own_sessions)},
    {"DELETE", "/api/v1/auth/sessions/:id", by_user(revoke_own_session)},

    {"POST", "/api/auth/update-user", by_user(update_user)},
    {"POST", "/api/auth/delete-user", by_user(delete_user_native)},
    {"GET", "/api/auth/list-accounts", by_user(list_accounts)},
    {"POST", "/api/auth/sign-in/social", by_anybody(sign_in_social)},
    {"POST", "/api/auth/link-social", by_user(link_social)},
    {"POST", "/api/auth/unlink-account", by_user(unlink_account)},
    {"POST", "/api/auth/refresh-token", by_user(provider_token)},
    {"POST", "/api/auth/get-access-token", by_user(provider_token)},
    {"GET", "/api/auth/account-info", by_user(account_info), "accountId providerId userId"},
    {"GET", "/api/auth/callback/:id", by_anybody(provider_callback), "state code error"},
    {"GET", "/api/auth/delete-user/callback", by_user(delete_user_callback), "token callbackURL"},
    {"POST", "/api/auth/update-session", by_user(update_session)},
    {"GET", "/api/auth/list-sessions", by_user(list_sessions)},
    {"POST", "/api/auth/revoke-session", by_user(revoke_session)},
    {"POST", "/api/auth/revoke-sessions", by_user(revoke_sessions)},
    {"POST", "/api/auth/revoke-other-sessions", by_user(revoke_other_sessions)},
};

}  // namespace

std::span<const Route> profile_routes() {
    return profile_table;
}

}  // namespace auth
