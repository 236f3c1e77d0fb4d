// Routes and handlers of the room administration: what administrators see and do of users.
#pragma once

#include <span>

#include "base/server.hpp"

namespace auth {

class Admin;
struct Context;
struct Route;

std::span<const Route> administration_routes();

base::ServerResponse show_stats(const Admin&, const Context&, const base::ServerRequest&);
base::ServerResponse list_users(const Admin&, const Context&, const base::ServerRequest&);
base::ServerResponse show_user_data(const Admin&, const Context&, const base::ServerRequest&);
base::ServerResponse delete_user_data(const Admin&, const Context&, const base::ServerRequest&);
base::ServerResponse show_user_tier(const Admin&, const Context&, const base::ServerRequest&);
base::ServerResponse put_user_tier(const Admin&, const Context&, const base::ServerRequest&);

}  // namespace auth
