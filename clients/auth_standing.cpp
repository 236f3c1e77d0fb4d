#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "clients/auth.hpp"

namespace clients {

base::Task<catalog::Standing> Auth::standing() {
    base::HttpRequest asked = request("GET", "/api/v1/internal/standing");
    const base::Json answer = co_await exchange(std::move(asked));
    catalog::Standing standing;
    try {
        standing = catalog::standing_from_json(answer);
    } catch (const base::Failure& failure) {
        // The service's fault, not our input's.
        throw base::Failure{base::Failure::Kind::internal,
                            std::string("auth's answer to GET /api/v1/internal/standing cannot be "
                                        "used: ") +
                                failure.what()};
    }
    co_return standing;
}

}  // namespace clients
