// Routes and handlers of the room account: what a user does with her own account and settings.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class User;
struct Context;
struct Route;

std::span<const Route> account_routes();

// data_routes.cpp: /api/v1/me/data
base::ServerResponse get_own_data(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse export_own_data(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_own_data(const User&, const Context&, const base::ServerRequest&);

// profile_routes.cpp: the rest of /api/v1/me
base::ServerResponse patch_own_profile(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_onboarding(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse complete_onboarding(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse reset_onboarding(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse bootstrap_singletons(const User&, const Context&, const base::ServerRequest&);

// settings_routes.cpp: /api/v1/settings
base::ServerResponse get_settings(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse patch_global(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse patch_app(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_app(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse patch_device(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse get_devices(const User&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_device(const User&, const Context&, const base::ServerRequest&);

}  // namespace auth
