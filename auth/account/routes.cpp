// Who may do what in the room account.
#include "auth/account/routes.hpp"

#include "auth/route.hpp"

namespace auth {

namespace {

const Route account_table[] = {
    {"GET", "/api/v1/me/data", by_user(get_own_data)},
    {"GET", "/api/v1/me/data/export", by_user(export_own_data)},
    {"DELETE", "/api/v1/me/data", by_user(delete_own_data)},
    {"PATCH", "/api/v1/me/profile", by_user(patch_own_profile)},
    {"GET", "/api/v1/me/onboarding", by_user(get_onboarding)},
    {"POST", "/api/v1/me/onboarding/complete", by_user(complete_onboarding)},
    {"PATCH", "/api/v1/me/onboarding/reset", by_user(reset_onboarding)},
    {"POST", "/api/v1/me/bootstrap-singletons", by_user(bootstrap_singletons)},

    {"GET", "/api/v1/settings", by_user(get_settings)},
    {"PATCH", "/api/v1/settings/global", by_user(patch_global)},
    {"PATCH", "/api/v1/settings/app/:appId", by_user(patch_app)},
    {"DELETE", "/api/v1/settings/app/:appId", by_user(delete_app)},
    {"GET", "/api/v1/settings/devices", by_user(get_devices)},
    {"PATCH", "/api/v1/settings/device/:deviceId/:appId", by_user(patch_device)},
    {"DELETE", "/api/v1/settings/device/:deviceId", by_user(delete_device)},
};

}  // namespace

std::span<const Route> account_routes() {
    return account_table;
}

}  // namespace auth
