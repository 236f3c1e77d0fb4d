// /api/v1/auth: profile, sessions, events, the end of an account.
#include <charconv>
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/presence.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "auth/profile/profile.hpp"
#include "auth/profile/routes.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

constexpr int events_page = 50;

int profile_limit(const base::ServerRequest& request) {
    const auto text = request.query_value("limit");
    if (!text) return events_page;
    int limit = 0;
    const auto read = std::from_chars(text->data(), text->data() + text->size(), limit);
    const bool whole = read.ec == std::errc() && read.ptr == text->data() + text->size();
    if (!whole || limit < 1 || limit > events_page_max) {
        throw Failure(Failure::Kind::invalid, "limit: must be a whole number from 1 to 200");
    }
    return limit;
}

}  // namespace

ServerResponse signup_status(const Context& context, const base::ServerRequest&) {
    const int cap = context.options.daily_signups_max;
    if (cap <= 0) {
        return ServerResponse::json({{"registrationOpen", true},
                                     {"spotsRemaining", nullptr},
                                     {"totalToday", 0},
                                     {"limit", 0},
                                     {"resetsAt", ""}});
    }
    const base::Moment now = context.clock.now();
    const std::int64_t today = context.database.transact(
        [&](base::Transaction& transaction) { return count_users_of_day(transaction, now); });
    const base::Moment midnight = std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
    return ServerResponse::json({{"registrationOpen", today < cap},
                                 {"spotsRemaining", std::max<std::int64_t>(0, cap - today)},
                                 {"totalToday", today},
                                 {"limit", cap},
                                 {"resetsAt", base::to_iso(midnight)}});
}

ServerResponse update_profile(const User& user, const Context& context,
                              const base::ServerRequest& request) {
    change_profile(context, user, request.json(), client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

ServerResponse delete_own_account(const User& user, const Context& context,
                                  const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const base::Secret password(fields.text("password", 1, 1024));
    admit_address(context, request, password_limit);
    delete_account(context, user, password, client_of(context, request));
    ServerResponse answer = ServerResponse::json({{"success", true}});
    answer.headers = expired_cookies(context);
    return answer;
}

ServerResponse list_security_events(const User& user, const Context& context,
                                    const base::ServerRequest& request) {
    const int limit = profile_limit(request);
    const auto before = request.query_value("before");
    return ServerResponse::json(context.database.transact([&](base::Transaction& transaction) {
        return list_events(transaction, user.user_id(), limit, before);
    }));
}

ServerResponse list_own_sessions(const User& user, const Context& context,
                                 const base::ServerRequest&) {
    const auto sessions = context.database.transact([&](base::Transaction& transaction) {
        return list_sessions_of(transaction, user.user_id(), context.clock.now());
    });
    Json list = Json::array();
    for (const Session& session : sessions) {
        list.push_back({{"id", session.id},
                        {"createdAt", base::to_iso(session.created_at)},
                        {"expiresAt", base::to_iso(session.expires_at)},
                        {"lastActivityAt", base::to_iso(session.updated_at)},
                        {"ipAddress", session.ip_address},
                        {"userAgent", session.user_agent},
                        {"current", session.id == user.session_id()}});
    }
    return ServerResponse::json(list);
}

ServerResponse revoke_own_session(const User& user, const Context& context,
                                  const base::ServerRequest& request) {
    if (!end_session(context, user, request.param("id"), client_of(context, request))) {
        throw Failure(Failure::Kind::missing, "you have no such session", "NOT_FOUND");
    }
    return ServerResponse::json({{"success", true}});
}

}  // namespace auth
