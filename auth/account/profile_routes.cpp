// /api/v1/me: profile, onboarding, the records that everybody has once.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/account/product.hpp"
#include "auth/account/routes.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/guard/picture.hpp"
#include "auth/identity/client.hpp"
#include "auth/identity/events.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

constexpr std::size_t profile_name_characters_max = 80;

constexpr std::string_view profile_update = R"(
    update auth.users
       set name = coalesce($2, name),
           image = case when $3::boolean then $4 else image end,
           feedback_show_real_name = coalesce($5::boolean, feedback_show_real_name),
           updated_at = $6::timestamptz
     where id = $1 and deleted_at is null
    returning name, image, feedback_show_real_name)";

constexpr std::string_view onboarding_of_user =
    "select onboarding_completed_at from auth.users where id = $1 and deleted_at is null";

// The first time counts.
constexpr std::string_view onboarding_complete = R"(
    update auth.users
       set onboarding_completed_at = coalesce(onboarding_completed_at, $2::timestamptz)
     where id = $1 and deleted_at is null returning onboarding_completed_at)";

constexpr std::string_view onboarding_reset = R"(
    update auth.users set onboarding_completed_at = null
     where id = $1 and deleted_at is null returning onboarding_completed_at)";

std::size_t profile_characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

[[noreturn]] void profile_user_gone() {
    throw Failure(Failure::Kind::missing, "there is no such user any more", "NOT_FOUND");
}

ServerResponse onboarding_answer(const Context& context, std::string_view statement,
                                 const base::SqlParams& params) {
    const auto row = context.database.transact(
        [&](Transaction& transaction) { return transaction.run(statement, params).first(); });
    if (!row) profile_user_gone();
    const auto at = row->moment_or_none("onboarding_completed_at");
    return ServerResponse::json({{"completedAt", at ? Json(base::to_iso(*at)) : Json(nullptr)}});
}

}  // namespace

ServerResponse patch_own_profile(const User& user, const Context& context,
                                 const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    std::optional<std::string> name;
    if (fields.has("name")) {
        name = std::string(base::trim(fields.text("name", 1, 400)));
        if (name->empty() || profile_characters(*name) > profile_name_characters_max) {
            fields.fail("name", "text of 1 to 80 characters");
        }
    }
    const bool sets_image = body.contains("image");
    const auto image = read_picture(fields, "image");
    const auto shows_name = fields.flag_or_none("feedbackShowRealName");
    if (!name && !sets_image && !shows_name) {
        throw Failure(Failure::Kind::invalid,
                      "the body must have one of name, image, feedbackShowRealName");
    }
    const base::Moment now = context.clock.now();
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) -> Json {
        const auto row =
            transaction
                .run(profile_update, {user.user_id(), name, sets_image, image, shows_name, now})
                .first();
        if (!row) profile_user_gone();
        record_act(transaction, "PROFILE_UPDATED", user.user_id(), client_of(context, request),
                   now);
        const auto shown = row->text_or_none("image");
        return {{"name", row->text("name")},
                {"image", shown ? Json(*shown) : Json(nullptr)},
                {"feedbackShowRealName", row->flag("feedback_show_real_name")}};
    }));
}

ServerResponse get_onboarding(const User& user, const Context& context, const ServerRequest&) {
    return onboarding_answer(context, onboarding_of_user, {user.user_id()});
}

ServerResponse complete_onboarding(const User& user, const Context& context,
                                   const ServerRequest& request) {
    optional_body(request);
    return onboarding_answer(context, onboarding_complete, {user.user_id(), context.clock.now()});
}

ServerResponse reset_onboarding(const User& user, const Context& context,
                                const ServerRequest& request) {
    optional_body(request);
    return onboarding_answer(context, onboarding_reset, {user.user_id()});
}

ServerResponse bootstrap_singletons(const User& user, const Context& context,
                                    const ServerRequest& request) {
    optional_body(request);
    std::string personal;
    const auto memberships = context.database.transact([&](Transaction& transaction) {
        ensure_personal_space(transaction, user.user_id(), context.clock.now());
        personal = personal_space_of(transaction, user.user_id());
        return list_memberships(transaction, user.user_id());
    });
    Json spaces = Json::array();
    for (const Membership& membership : memberships) {
        spaces.push_back(membership.organization_id);
    }
    const Singletons made = ensure_singletons(context.options, user.user_id(), personal, spaces);
    if (made.user_part_failed) {
        throw Failure(Failure::Kind::unavailable,
                      "the product did not make your first records; try again in a moment")
            .retry_after(std::chrono::seconds(5));
    }
    return ServerResponse::json({{"ok", true}, {"bootstrapped", made.answer}});
}

}  // namespace auth
