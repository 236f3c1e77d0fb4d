// Routes and handlers of the room factors: what proves a user beside her password.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> factors_routes();

// two_factor_routes.cpp: /api/auth/two-factor
base::ServerResponse enable_two_factor(const User& user, const Context& context,
                                       const base::ServerRequest& request);
base::ServerResponse disable_two_factor(const User& user, const Context& context,
                                        const base::ServerRequest& request);
base::ServerResponse get_totp_uri(const User& user, const Context& context,
                                  const base::ServerRequest& request);
base::ServerResponse generate_backup_codes(const User& user, const Context& context,
                                           const base::ServerRequest& request);
base::ServerResponse verify_totp(const Context& context, const base::ServerRequest& request);
base::ServerResponse verify_otp(const Context& context, const base::ServerRequest& request);
base::ServerResponse verify_backup_code(const Context& context, const base::ServerRequest& request);
base::ServerResponse send_otp(const Context& context, const base::ServerRequest& request);

// passkey_routes.cpp: /api/auth/passkey
base::ServerResponse generate_register_options(const User& user, const Context& context,
                                               const base::ServerRequest& request);
base::ServerResponse generate_authenticate_options(const Context& context,
                                                   const base::ServerRequest& request);
base::ServerResponse verify_passkey_registration(const User& user, const Context& context,
                                                 const base::ServerRequest& request);
base::ServerResponse verify_passkey_authentication(const Context& context,
                                                   const base::ServerRequest& request);
base::ServerResponse list_passkeys(const User& user, const Context& context,
                                   const base::ServerRequest& request);
base::ServerResponse update_passkey(const User& user, const Context& context,
                                    const base::ServerRequest& request);
base::ServerResponse remove_passkey(const User& user, const Context& context,
                                    const base::ServerRequest& request);

// passkey_routes.cpp: /api/v1/auth/passkeys
base::ServerResponse passkey_capability(const Context& context, const base::ServerRequest& request);
base::ServerResponse custom_register_options(const User& user, const Context& context,
                                             const base::ServerRequest& request);
base::ServerResponse custom_authenticate_options(const Context& context,
                                                 const base::ServerRequest& request);
base::ServerResponse custom_authenticate_verify(const Context& context,
                                                const base::ServerRequest& request);
base::ServerResponse custom_rename_passkey(const User& user, const Context& context,
                                           const base::ServerRequest& request);
base::ServerResponse custom_remove_passkey(const User& user, const Context& context,
                                           const base::ServerRequest& request);

// magic_link_routes.cpp: /api/auth/sign-in/magic-link, /api/auth/magic-link
base::ServerResponse send_magic_link(const Context& context, const base::ServerRequest& request);
base::ServerResponse verify_magic_link(const Context& context, const base::ServerRequest& request);

}  // namespace auth
