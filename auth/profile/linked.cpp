// /api/auth: accounts at other providers, as the ancestor's client library speaks of them. It gets
// the answers of a service that has no such provider set up, and can let go of rows that were
// taken over from one that had.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/guard/redirect.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "auth/profile/routes.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

constexpr std::size_t linked_provider_bytes_max = 64;
constexpr std::size_t linked_account_bytes_max = 256;
constexpr auto linked_session_fresh = std::chrono::hours(24);

// Held, so that of two that are let go at once the last one stays.
constexpr std::string_view linked_accounts = R"(
    select id, provider_id, account_id from auth.accounts
     where user_id = $1 order by created_at, id for update)";
constexpr std::string_view linked_delete = "delete from auth.accounts where id = $1";

[[noreturn]] void linked_refuse_provider(const Context& context, const base::ServerRequest& request,
                                         bool makes_users) {
    const Json body = request.json();
    const base::Fields fields(body);
    fields.text("provider", 1, linked_provider_bytes_max);
    const Options& options = context.options;
    read_redirect(options, fields, "callbackURL", "INVALID_CALLBACK_URL");
    read_redirect(options, fields, "errorCallbackURL", "INVALID_ERROR_CALLBACK_URL");
    if (makes_users) {
        read_redirect(options, fields, "newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL");
    }
    throw Failure(Failure::Kind::missing,
                  "provider: none is set up here; log in by password, mail "
                  "or passkey",
                  "PROVIDER_NOT_FOUND");
}

void linked_require_fresh(base::Transaction& transaction, const User& user, base::Moment now) {
    const auto login = find_login_by_id(transaction, user.session_id(), now);
    if (login && login->session.created_at + linked_session_fresh > now) return;
    throw Failure(Failure::Kind::forbidden, "log in anew before you let go of an account",
                  "SESSION_NOT_FRESH");
}

}  // namespace

ServerResponse sign_in_social(const Context& context, const base::ServerRequest& request) {
    linked_refuse_provider(context, request, true);
}

ServerResponse link_social(const User&, const Context& context,
                           const base::ServerRequest& request) {
    linked_refuse_provider(context, request, false);
}

ServerResponse unlink_account(const User& user, const Context& context,
                              const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string provider = fields.text("providerId", 1, linked_provider_bytes_max);
    const auto account = fields.text_or_none("accountId", linked_account_bytes_max);
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        linked_require_fresh(transaction, user, now);
        const auto rows = transaction.run(linked_accounts, {user.user_id()});
        if (rows.size() == 1) {
            throw Failure(Failure::Kind::invalid, "your last account cannot be let go",
                          "FAILED_TO_UNLINK_LAST_ACCOUNT");
        }
        std::string id;
        for (const auto& row : rows) {
            const bool fits = row.text("provider_id") == provider &&
                              (!account || row.text("account_id") == *account);
            if (fits && id.empty()) id = row.text("id");
        }
        if (id.empty()) {
            throw Failure(Failure::Kind::invalid,
                          "providerId and accountId must name an account of yours",
                          "ACCOUNT_NOT_FOUND");
        }
        transaction.run(linked_delete, {id});
        record_act(transaction, "ACCOUNT_UNLINKED", user.user_id(), client_of(context, request),
                   now, {{"provider", provider}});
    });
    return ServerResponse::json({{"status", true}});
}

ServerResponse provider_token(const User&, const Context&, const base::ServerRequest& request) {
    const Json body = request.json();
    base::Fields(body).text("providerId", 1, linked_provider_bytes_max);
    throw Failure(Failure::Kind::invalid, "providerId: no provider is set up here",
                  "PROVIDER_NOT_SUPPORTED");
}

ServerResponse account_info(const User& user, const Context& context,
                            const base::ServerRequest& request) {
    const auto account = request.query_value("accountId");
    const auto provider = request.query_value("providerId");
    const auto accounts = context.database.transact([&](base::Transaction& transaction) {
        return list_accounts_of(transaction, user.user_id());
    });
    const bool known = std::any_of(accounts.begin(), accounts.end(), [&](const Account& one) {
        return account == one.account_id && (!provider || provider == one.provider_id);
    });
    if (!known) {
        throw Failure(Failure::Kind::invalid, "accountId must name an account of yours",
                      "ACCOUNT_NOT_FOUND");
    }
    throw Failure(Failure::Kind::invalid, "the account's provider is not set up here",
                  "PROVIDER_NOT_CONFIGURED");
}

ServerResponse provider_callback(const Context& context, const base::ServerRequest& request) {
    const bool has_state = !request.query_value("state").value_or("").empty();
    return redirect_to(context.options.base_url + "/api/auth/error?error=" +
                       (has_state ? "state_mismatch" : "state_not_found"));
}

ServerResponse delete_user_callback(const User&, const Context&,
                                    const base::ServerRequest& request) {
    if (request.query_value("token").value_or("").empty()) {
        throw Failure(Failure::Kind::invalid, "token: must be text");
    }
    throw Failure(Failure::Kind::missing, "token: no such link was mailed", "INVALID_TOKEN");
}

}  // namespace auth
