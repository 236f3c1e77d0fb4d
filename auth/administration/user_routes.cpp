// /api/v1/admin: numbers, users, their data, their tiers.
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "auth/account/deletion.hpp"
#include "auth/account/overview.hpp"
#include "auth/administration/directory.hpp"
#include "auth/administration/routes.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/users.hpp"
#include "auth/spaces/metadata.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

constexpr std::size_t admin_search_bytes_max = 320;
constexpr auto admin_tiers =
    std::to_array<std::string_view>({"guest", "public", "beta", "alpha", "founder"});

std::int64_t admin_number(const ServerRequest& request, const char* name, std::int64_t max,
                          std::int64_t otherwise) {
    const auto text = request.query_value(name);
    if (!text) return otherwise;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size() || number < 1 || number > max) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} must be a whole number from 1 to {}", name, max));
    }
    return number;
}

[[noreturn]] void admin_user_unknown() {
    throw Failure(Failure::Kind::missing, "there is no such user", "NOT_FOUND");
}

ServerResponse admin_list_tier(const Context& context, const ServerRequest& request,
                               const std::string& tier) {
    for (const char* other : {"page", "limit", "search"}) {
        if (!request.query_value(other)) continue;
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} must not be given together with tier", other));
    }
    if (!is_tier(tier)) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("tier must be one of {}", fmt::join(admin_tiers, ", ")));
    }
    return ServerResponse::json(context.database.transact(
        [&](Transaction& transaction) { return list_tier(transaction, tier); }));
}

}  // namespace

ServerResponse show_stats(const Admin&, const Context& context, const ServerRequest&) {
    const base::Moment now = context.clock.now();
    return ServerResponse::json(context.database.transact(
        [&](Transaction& transaction) { return service_stats(transaction, now); }));
}

ServerResponse list_users(const Admin&, const Context& context, const ServerRequest& request) {
    if (const auto tier = request.query_value("tier")) {
        return admin_list_tier(context, request, *tier);
    }
    DirectoryQuery query;
    query.page = admin_number(request, "page", directory_page_max, 1);
    query.limit = admin_number(request, "limit", directory_limit_max, 20);
    query.search = request.query_value("search").value_or("");
    if (query.search.size() > admin_search_bytes_max ||
        query.search.find('\0') != std::string::npos) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("search must be text of at most {} bytes without NUL characters",
                                  admin_search_bytes_max));
    }
    return ServerResponse::json(context.database.transact(
        [&](Transaction& transaction) { return list_directory(transaction, query); }));
}

ServerResponse show_user_data(const Admin&, const Context& context, const ServerRequest& request) {
    const auto overview = overview_of(context, request.param("userId"));
    if (!overview) admin_user_unknown();
    return ServerResponse::json(*overview);
}

ServerResponse delete_user_data(const Admin& admin, const Context& context,
                                const ServerRequest& request) {
    const std::string& user_id = request.param("userId");
    if (user_id == admin.user().user_id()) {
        throw Failure(Failure::Kind::conflict,
                      "this is your own account: delete it by DELETE /api/v1/me/data", "SELF");
    }
    const Client client = client_of(context, request);
    const Erased erased = context.database.transact([&](Transaction& transaction) {
        const auto user = find_user(transaction, user_id);
        if (!user) admin_user_unknown();
        const Erased done = erase_account(context, transaction, *user, client, Farewell::silent);
        record_act(transaction, "USER_DELETED", admin.user().user_id(), client,
                   context.clock.now());
        return done;
    });
    base::log_info("user deleted", {{"user", user_id}, {"by", admin.user().user_id()}});
    return ServerResponse::json(erased_json(erased));
}

ServerResponse show_user_tier(const Admin&, const Context& context, const ServerRequest& request) {
    const auto tier = context.database.transact(
        [&](Transaction& transaction) { return tier_of(transaction, request.param("userId")); });
    if (!tier) admin_user_unknown();
    return ServerResponse::json(*tier);
}

ServerResponse put_user_tier(const Admin& admin, const Context& context,
                             const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    constexpr std::string_view known[] = {"tier"};
    fields.only(known);
    const std::string_view tier = admin_tiers[fields.word("tier", admin_tiers)];
    const base::Moment now = context.clock.now();
    const std::string& user_id = request.param("userId");
    const auto changed = context.database.transact([&](Transaction& transaction) {
        auto user = change_tier(transaction, user_id, tier, now);
        if (!user) admin_user_unknown();
        record_act(transaction, "TIER_CHANGED", user_id, client_of(context, request), now,
                   {{"tier", tier}, {"by", admin.user().user_id()}});
        return user;
    });
    return ServerResponse::json({{"success", true}, {"user", *changed}});
}

}  // namespace auth
