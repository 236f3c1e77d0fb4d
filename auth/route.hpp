// A row of a route table: method, path, required caller, handler. The caller is the first parameter
// of the handler, so a row with the wrong word does not compile. Each room has its own table.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "base/server.hpp"

namespace auth {

class Admin;
class ServiceCaller;
class User;
struct Context;

using OpenHandler = base::ServerResponse (*)(const Context&, const base::ServerRequest&);
using UserHandler = base::ServerResponse (*)(const User&, const Context&,
                                             const base::ServerRequest&);
using AdminHandler = base::ServerResponse (*)(const Admin&, const Context&,
                                              const base::ServerRequest&);
using ServiceHandler = base::ServerResponse (*)(const ServiceCaller&, const Context&,
                                                const base::ServerRequest&);

struct Route {
    std::string_view method;
    std::string_view path;
    std::variant<OpenHandler, UserHandler, AdminHandler, ServiceHandler> handler;
    // Query parameters it takes, separated by blanks. Admins' and services' routes refuse others: a
    // misspelt limit must not read as none. The routes of browsers ignore others, since their
    // client libraries add some.
    std::string_view query = {};
};

// One word per row says who may come; the handler's own first parameter must agree.
constexpr OpenHandler by_anybody(OpenHandler handler) {
    return handler;
}
constexpr UserHandler by_user(UserHandler handler) {
    return handler;
}
constexpr AdminHandler by_admin(AdminHandler handler) {
    return handler;
}
constexpr ServiceHandler by_service(ServiceHandler handler) {
    return handler;
}

}  // namespace auth
