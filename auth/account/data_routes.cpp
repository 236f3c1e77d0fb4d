// /api/v1/me/data: what is known of the caller, all of it as a file, and its end.
#include <nlohmann/json.hpp>

#include "auth/account/deletion.hpp"
#include "auth/account/overview.hpp"
#include "auth/account/personal_data.hpp"
#include "auth/account/product.hpp"
#include "auth/account/routes.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/presence.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

[[noreturn]] void data_user_gone() {
    throw Failure(Failure::Kind::missing, "there is no such user any more", "NOT_FOUND");
}

}  // namespace

ServerResponse get_own_data(const User& user, const Context& context, const ServerRequest&) {
    auto overview = overview_of(context, user.user_id());
    if (!overview) data_user_gone();
    return ServerResponse::json(*overview);
}

ServerResponse export_own_data(const User& user, const Context& context,
                               const ServerRequest& request) {
    const base::Moment now = context.clock.now();
    auto overview = overview_of(context, user.user_id());
    if (!overview) data_user_gone();
    Json details = context.database.transact([&](Transaction& transaction) {
        record_act(transaction, "DATA_EXPORTED", user.user_id(), client_of(context, request), now);
        return export_account(transaction, user.user_id());
    });
    details["product"] = fetch_records(context.options, user.user_id());
    const Json whole = {{"exportedAt", base::to_iso(now)},
                        {"exportVersion", "2.0"},
                        {"data", *overview},
                        {"details", std::move(details)}};
    ServerResponse answer = ServerResponse::json(nullptr);
    answer.body = whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    answer.headers.emplace_back(
        "Content-Disposition",
        "attachment; filename=\"meine-daten-" + base::to_iso(now).substr(0, 10) + ".json\"");
    return answer;
}

ServerResponse delete_own_data(const User& user, const Context& context,
                               const ServerRequest& request) {
    const Json body = optional_body(request);
    const base::Fields fields(body);
    // Who has no password proves herself by a young session instead.
    const base::Secret password(fields.text_or_none("password", 1024).value_or(""));
    const Client client = client_of(context, request);
    prove_again(context, user, password, client);
    const Erased erased = context.database.transact([&](Transaction& transaction) {
        const auto profile = find_user(transaction, user.user_id());
        if (!profile) data_user_gone();
        return erase_account(context, transaction, *profile, client, Farewell::mailed);
    });
    ServerResponse answer = ServerResponse::json(erased_json(erased));
    answer.headers = expired_cookies(context);
    return answer;
}

}  // namespace auth
