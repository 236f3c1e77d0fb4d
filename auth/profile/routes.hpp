// Handlers of the room profile: what a user sees and does of her own account.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> profile_routes();

// custom.cpp: /api/v1/auth
base::ServerResponse signup_status(const Context& context, const base::ServerRequest& request);
base::ServerResponse update_profile(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse delete_own_account(const User& user, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse list_security_events(const User& user, const Context& context,
                                          const base::ServerRequest& request);
base::ServerResponse list_own_sessions(const User& user, const Context& context,
                                       const base::ServerRequest& request);
base::ServerResponse revoke_own_session(const User& user, const Context& context,
                                        const base::ServerRequest& request);

// native.cpp: /api/auth
base::ServerResponse update_user(const User& user, const Context& context,
                                 const base::ServerRequest& request);
base::ServerResponse delete_user_native(const User& user, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse list_accounts(const User& user, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse update_session(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse list_sessions(const User& user, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse revoke_session(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse revoke_sessions(const User& user, const Context& context,
                                     const base::ServerRequest& request);
base::ServerResponse revoke_other_sessions(const User& user, const Context& context,
                                           const base::ServerRequest& request);

// linked.cpp: /api/auth, accounts at other providers. None is set up here; rows that were taken
// over can be listed and let go.
base::ServerResponse sign_in_social(const Context& context, const base::ServerRequest& request);
base::ServerResponse link_social(const User& user, const Context& context,
                                 const base::ServerRequest& request);
base::ServerResponse unlink_account(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse provider_token(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse account_info(const User& user, const Context& context,
                                  const base::ServerRequest& request);
base::ServerResponse provider_callback(const Context& context, const base::ServerRequest& request);
base::ServerResponse delete_user_callback(const User& user, const Context& context,
                                          const base::ServerRequest& request);

}  // namespace auth
