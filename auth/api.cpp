#include "auth/api.hpp"

#include "auth/account/routes.hpp"
#include "auth/address/routes.hpp"
#include "auth/administration/routes.hpp"
#include "auth/api_keys/routes.hpp"
#include "auth/factors/routes.hpp"
#include "auth/identity/routes.hpp"
#include "auth/keys/routes.hpp"
#include "auth/openapi/routes.hpp"
#include "auth/passwords/routes.hpp"
#include "auth/personas/routes.hpp"
#include "auth/profile/routes.hpp"
#include "auth/spaces/routes.hpp"

namespace auth {

const std::vector<Route>& routes() {
    static const std::vector<Route> all = [] {
        std::vector<Route> joined;
        for (const auto& room :
             {identity_routes(), key_routes(), password_routes(), address_routes(),
              profile_routes(), factors_routes(), api_keys_routes(), account_routes(),
              spaces_routes(), administration_routes(), personas_routes(), openapi_routes()}) {
            joined.insert(joined.end(), room.begin(), room.end());
        }
        return joined;
    }();
    return all;
}

}  // namespace auth
