#include "auth/account/overview.hpp"

#include <nlohmann/json.hpp>

#include "auth/account/personal_data.hpp"
#include "auth/account/product.hpp"
#include "auth/context.hpp"
#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

std::optional<base::Json> overview_of(const Context& context, std::string_view user_id) {
    auto overview = context.database.transact([&](base::Transaction& transaction) {
        return summarise_account(transaction, user_id, context.clock.now());
    });
    if (!overview) return std::nullopt;
    (*overview)["credits"] = fetch_credits(context.options, user_id);
    base::Json projects = fetch_projects(context.options, user_id);
    std::int64_t entities = 0, with_data = 0;
    for (const base::Json& project : projects) {
        const auto count = project["totalCount"].get<std::int64_t>();
        entities += count;
        with_data += count > 0 ? 1 : 0;
    }
    (*overview)["projects"] = std::move(projects);
    (*overview)["totals"] = {{"totalEntities", entities}, {"projectsWithData", with_data}};
    return overview;
}

}  // namespace auth
