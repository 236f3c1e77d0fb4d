// Who may do what in the room address, and how it is asked.
#include "auth/address/routes.hpp"

#include <nlohmann/json.hpp>

#include "auth/address/verification.hpp"
#include "auth/context.hpp"
#include "auth/guard/limits.hpp"
#include "auth/guard/redirect.hpp"
#include "auth/identity/presence.hpp"
#include "auth/identity/token.hpp"
#include "auth/route.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerResponse;

const Route address_table[] = {
    {"POST", "/api/v1/auth/resend-verification", by_anybody(resend_verification)},
    {"POST", "/api/v1/auth/change-email", by_user(change_email)},

    {"POST", "/api/auth/send-verification-email", by_anybody(send_verification_email)},
    {"POST", "/api/auth/change-email", by_user(change_email_native)},
    {"GET", "/api/auth/verify-email", by_anybody(verify_email), "token callbackURL"},
};

void address_change(const User& user, const Context& context, const base::ServerRequest& request,
                    const char* code) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string email = fields.text("newEmail", 1, 320);
    const std::string callback = read_redirect(context.options, fields, "callbackURL", code);
    admit_address(context, request, mail_limit);
    ask_email_change(context, user, email, callback, client_of(context, request));
}

// Who is logged in may ask for her own address only, and while that makes sense.
void address_check_own(const Context& context, const base::ServerRequest& request,
                       std::string_view email) {
    const Presence presence = find_presence(context, request);
    if (!presence.login) return;
    if (presence.login->user.email != checked_email(email)) {
        throw Failure(Failure::Kind::invalid, "email: must be the one of your own account",
                      "EMAIL_MISMATCH");
    }
    if (presence.login->user.email_verified) {
        throw Failure(Failure::Kind::invalid, "email: is confirmed already",
                      "EMAIL_ALREADY_VERIFIED");
    }
}

ServerResponse address_verified(const Verified& verified, const std::string& callback) {
    const std::string code = code_of(verified.fault);
    if (!callback.empty()) {
        return redirect_to(code.empty() ? callback : with_query(callback, "error", code));
    }
    if (code.empty()) {
        return ServerResponse::json(
            {{"status", true},
             {"user", verified.changed ? user_json(*verified.changed) : Json(nullptr)}});
    }
    throw Failure(Failure::Kind::unauthenticated,
                  verified.fault == VerifyFault::other_user
                      ? "the link belongs to another account than the one that is logged in here"
                      : "the link is not valid any more; log in to get a new one",
                  code);
}

}  // namespace

std::span<const Route> address_routes() {
    return address_table;
}

ServerResponse resend_verification(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string email = fields.text("email", 1, 320);
    const std::string callback = read_redirect(context.options, fields, "sourceAppUrl", "");
    admit_address(context, request, mail_limit);
    ask_verification(context, email, callback, client_of(context, request));
    return ServerResponse::json({{"success", true}});
}

ServerResponse change_email(const User& user, const Context& context,
                            const base::ServerRequest& request) {
    address_change(user, context, request, "");
    return ServerResponse::json(
        {{"success", true}, {"message", "open the link in the mail to your new address"}});
}

ServerResponse send_verification_email(const Context& context, const base::ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string email = fields.text("email", 1, 320);
    const std::string callback =
        read_redirect(context.options, fields, "callbackURL", "INVALID_CALLBACK_URL");
    admit_address(context, request, mail_limit);
    address_check_own(context, request, email);
    ask_verification(context, email, callback, client_of(context, request));
    return ServerResponse::json({{"status", true}});
}

ServerResponse change_email_native(const User& user, const Context& context,
                                   const base::ServerRequest& request) {
    address_change(user, context, request, "INVALID_CALLBACK_URL");
    return ServerResponse::json({{"status", true}});
}

ServerResponse verify_email(const Context& context, const base::ServerRequest& request) {
    const std::string callback =
        checked_redirect(context.options, "callbackURL",
                         request.query_value("callbackURL").value_or(""), "INVALID_CALLBACK_URL");
    const std::string token = request.query_value("token").value_or("");
    // A browser is led back to its page with a code; whoever asks without one is told.
    if (callback.empty() && (token.empty() || token.size() > mail_token_bytes_max)) {
        throw Failure(Failure::Kind::invalid,
                      "token: must be the text of 1 to 4096 bytes behind token= in the mailed link",
                      "VALIDATION_ERROR");
    }
    // Looking whether the link exists must not use it up.
    if (request.method == "HEAD") return ServerResponse::text("");
    const Presence presence = find_presence(context, request);
    const std::string visitor = presence.login ? presence.login->user.id : "";
    return address_verified(use_verification(context, token, visitor, client_of(context, request)),
                            callback);
}

}  // namespace auth
