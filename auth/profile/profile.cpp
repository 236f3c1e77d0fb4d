#include "auth/profile/profile.hpp"

#include <nlohmann/json.hpp>

#include "auth/account/deletion.hpp"
#include "auth/context.hpp"
#include "auth/guard/picture.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/password_check.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::size_t profile_name_bytes_max = 200;
constexpr auto profile_fresh = std::chrono::hours(24);

}  // namespace

void change_profile(const Context& context, const User& user, const base::Json& body,
                    const Client& client) {
    const base::Fields fields(body);
    if (body.contains("email")) {
        throw Failure(Failure::Kind::invalid, "email: is changed with change-email",
                      "EMAIL_CAN_NOT_BE_UPDATED");
    }
    for (const char* fixed : {"accessTier", "kind"}) {
        if (!body.contains(fixed)) continue;
        throw Failure(Failure::Kind::invalid, std::string(fixed) + ": is not yours to change",
                      "FIELD_NOT_ALLOWED");
    }
    const auto name = fields.text_or_none("name", profile_name_bytes_max);
    if (name && base::trim(*name).empty()) fields.fail("name", "text of 1 to 200 bytes");
    const auto image = read_picture(fields, "image");
    const bool clear = body.contains("image") && body["image"].is_null();
    if (!name && !image && !clear) {
        throw Failure(Failure::Kind::invalid, "nothing to change: give name or image");
    }
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        base::Json changed = base::Json::array();
        if (name) {
            set_user_name(transaction, user.user_id(), base::trim(*name), now);
            changed.push_back("name");
        }
        if (image || clear) {
            set_user_image(transaction, user.user_id(), image, now);
            changed.push_back("image");
        }
        record_act(transaction, "PROFILE_UPDATED", user.user_id(), client, now,
                   {{"fields", changed}});
    });
}

void delete_account(const Context& context, const User& user,
                    const std::optional<base::Secret>& password, const Client& client) {
    if (password) require_password(context, user, *password, client);
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const auto login = find_login_by_id(transaction, user.session_id(), now);
        if (!login) {
            throw Failure(Failure::Kind::unauthenticated,
                          "the session has just ended; log in again", "UNAUTHORIZED");
        }
        if (!password && now - login->session.created_at >= profile_fresh) {
            throw Failure(Failure::Kind::invalid,
                          "log in again, or send the password: this session is a day old",
                          "SESSION_EXPIRED");
        }
        erase_account(context, transaction, login->user, client, Farewell::mailed);
    });
}

bool end_session(const Context& context, const User& user, const std::string& session,
                 const Client& client) {
    const base::Moment now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) {
        const auto ended = delete_session_of(transaction, user.user_id(), session);
        if (!ended) return false;
        record_act(transaction, "SESSION_REVOKED", user.user_id(), client, now,
                   {{"sessionId", *ended}});
        return true;
    });
}

void end_sessions(const Context& context, const User& user, const std::string& keep,
                  const Client& client) {
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        const std::size_t ended = keep.empty()
                                      ? delete_sessions_of(transaction, user.user_id())
                                      : delete_other_sessions(transaction, user.user_id(), keep);
        record_act(transaction, "SESSIONS_REVOKED", user.user_id(), client, now,
                   {{"sessions", ended}});
    });
}

}  // namespace auth
