#include "auth/factors/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route factors_table[] = {
    {"POST", "/api/auth/two-factor/enable", by_user(enable_two_factor)},
    {"POST", "/api/auth/two-factor/disable", by_user(disable_two_factor)},
    {"POST", "/api/auth/two-factor/get-totp-uri", by_user(get_totp_uri)},
    {"POST", "/api/auth/two-factor/generate-backup-codes", by_user(generate_backup_codes)},
    {"POST", "/api/auth/two-factor/verify-totp", by_anybody(verify_totp)},
    {"POST", "/api/auth/two-factor/send-otp", by_anybody(send_otp)},
    {"POST", "/api/auth/two-factor/verify-otp", by_anybody(verify_otp)},
    {"POST", "/api/auth/two-factor/verify-backup-code", by_anybody(verify_backup_code)},

    {"POST", "/api/auth/sign-in/magic-link", by_anybody(send_magic_link)},
    // What some clients of the ancestor call it.
    {"POST", "/api/auth/magic-link/send-magic-link", by_anybody(send_magic_link)},
    {"GET", "/api/auth/magic-link/verify", by_anybody(verify_magic_link),
     "token callbackURL newUserCallbackURL errorCallbackURL"},

    {"GET", "/api/auth/passkey/generate-register-options", by_user(generate_register_options),
     "authenticatorAttachment name"},
    {"POST", "/api/auth/passkey/verify-registration", by_user(verify_passkey_registration)},
    {"GET", "/api/auth/passkey/generate-authenticate-options",
     by_anybody(generate_authenticate_options)},
    {"POST", "/api/auth/passkey/verify-authentication", by_anybody(verify_passkey_authentication)},
    {"GET", "/api/auth/passkey/list-user-passkeys", by_user(list_passkeys)},
    {"POST", "/api/auth/passkey/update-passkey", by_user(update_passkey)},
    {"POST", "/api/auth/passkey/delete-passkey", by_user(remove_passkey)},

    {"GET", "/api/v1/auth/passkeys/capability", by_anybody(passkey_capability)},
    {"POST", "/api/v1/auth/passkeys/register/options", by_user(custom_register_options)},
    {"POST", "/api/v1/auth/passkeys/register/verify", by_user(verify_passkey_registration)},
    {"POST", "/api/v1/auth/passkeys/authenticate/options", by_anybody(custom_authenticate_options)},
    {"POST", "/api/v1/auth/passkeys/authenticate/verify", by_anybody(custom_authenticate_verify)},
    {"GET", "/api/v1/auth/passkeys", by_user(list_passkeys)},
    {"PATCH", "/api/v1/auth/passkeys/:id", by_user(custom_rename_passkey)},
    {"DELETE", "/api/v1/auth/passkeys/:id", by_user(custom_remove_passkey)},
};

}  // namespace

std::span<const Route> factors_routes() {
    return factors_table;
}

}  // namespace auth
