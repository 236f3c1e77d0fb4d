// /api/auth/passkey and /api/v1/auth/passkeys: the same passkeys for two kinds of clients.
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/factors/passkey_ceremony.hpp"
#include "auth/factors/routes.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/identity/cookie.hpp"
#include "auth/identity/events.hpp"
#include "auth/identity/presence.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

ServerResponse passkey_logged_in(const Context& context, const LoginAnswer& found, bool custom) {
    if (found.challenge) {
        ServerResponse answer = ask_second_factor(context, *found.challenge, custom);
        answer.headers.emplace_back("Set-Cookie", end_passkey_cookie(context.options));
        return answer;
    }
    Json body = {{"session", session_json(found.login->session)},
                 {"user", user_json(found.login->user)}};
    if (custom) {
        body["accessToken"] = access_token(context, *found.login);
        body["refreshToken"] = found.login->session.token.reveal();
    }
    ServerResponse answer = ServerResponse::json(body);
    answer.headers.emplace_back(
        "Set-Cookie",
        set_session_cookie(context.options, found.login->session.token, session_life));
    answer.headers.emplace_back("Set-Cookie", end_passkey_cookie(context.options));
    return answer;
}

// Hers, or nothing that she is told about.
Passkey passkey_of_caller(base::Transaction& transaction, const User& user, const std::string& id) {
    auto passkey = find_passkey(transaction, id);
    if (passkey && passkey->user_id == user.user_id()) return std::move(*passkey);
    throw Failure(Failure::Kind::missing, "you have no passkey of this id", "PASSKEY_NOT_FOUND");
}

SecurityEvent passkey_change(const Context& context, const User& user, const ServerRequest& request,
                             std::string_view type) {
    return {.type = type,
            .user_id = user.user_id(),
            .address = address_of(context, request),
            .user_agent = std::string(request.header("user-agent"))};
}

Passkey passkey_rename(const User& user, const Context& context, const ServerRequest& request,
                       const std::string& id, const base::Fields& fields) {
    const std::string name(base::trim(fields.text("name", 1, passkey_name_bytes_max)));
    if (name.empty()) fields.fail("name", "text that is not blank");
    const base::Moment now = context.clock.now();
    return context.database.transact([&](base::Transaction& transaction) {
        Passkey passkey = passkey_of_caller(transaction, user, id);
        rename_passkey(transaction, passkey.id, name);
        record_event(transaction, passkey_change(context, user, request, "PASSKEY_RENAMED"), now);
        passkey.name = name;
        return passkey;
    });
}

void passkey_remove(const User& user, const Context& context, const ServerRequest& request,
                    const std::string& id) {
    const base::Moment now = context.clock.now();
    context.database.transact([&](base::Transaction& transaction) {
        delete_passkey(transaction, passkey_of_caller(transaction, user, id).id);
        record_event(transaction, passkey_change(context, user, request, "PASSKEY_DELETED"), now);
    });
}

Json passkey_body(const ServerRequest& request) {
    return request.body.empty() ? Json::object() : request.json();
}

}  // namespace

ServerResponse generate_register_options(const User& user, const Context& context,
                                         const ServerRequest& request) {
    Json wishes = Json::object();
    for (const char* name : {"authenticatorAttachment", "name"}) {
        if (const auto value = request.query_value(name)) wishes[name] = *value;
    }
    return passkey_registration_options(context, user, wishes);
}

ServerResponse generate_authenticate_options(const Context& context, const ServerRequest& request) {
    return passkey_authentication_options(context, request);
}

ServerResponse verify_passkey_registration(const User& user, const Context& context,
                                           const ServerRequest& request) {
    const Json body = request.json();
    const Passkey made = register_passkey(context, user, request, body);
    ServerResponse answer = ServerResponse::json(passkey_json(made));
    answer.headers.emplace_back("Set-Cookie", end_passkey_cookie(context.options));
    return answer;
}

ServerResponse verify_passkey_authentication(const Context& context, const ServerRequest& request) {
    const Json body = request.json();
    return passkey_logged_in(context, passkey_login(context, request, body), false);
}

ServerResponse list_passkeys(const User& user, const Context& context, const ServerRequest&) {
    const auto passkeys = context.database.transact(
        [&](base::Transaction& transaction) { return passkeys_of(transaction, user.user_id()); });
    Json list = Json::array();
    for (const Passkey& passkey : passkeys) list.push_back(passkey_json(passkey));
    return ServerResponse::json(list);
}

ServerResponse update_passkey(const User& user, const Context& context,
                              const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    const std::string id = fields.text("id", 1, 64);
    return ServerResponse::json(
        {{"passkey", passkey_json(passkey_rename(user, context, request, id, fields))}});
}

ServerResponse remove_passkey(const User& user, const Context& context,
                              const ServerRequest& request) {
    const Json body = request.json();
    passkey_remove(user, context, request, base::Fields(body).text("id", 1, 64));
    return ServerResponse::json({{"status", true}});
}

ServerResponse passkey_capability(const Context& context, const ServerRequest&) {
    return ServerResponse::json({{"enabled", true},
                                 {"conditionalUIAvailable", true},
                                 {"rpId", passkey_rp_id(context.options)}});
}

ServerResponse custom_register_options(const User& user, const Context& context,
                                       const ServerRequest& request) {
    return passkey_registration_options(context, user, passkey_body(request));
}

ServerResponse custom_authenticate_options(const Context& context, const ServerRequest& request) {
    const Json body = passkey_body(request);
    const base::Fields fields(body);  // An object, or nothing.
    return passkey_authentication_options(context, request);
}

ServerResponse custom_authenticate_verify(const Context& context, const ServerRequest& request) {
    const Json body = request.json();
    try {
        return passkey_logged_in(context, passkey_login(context, request, body), true);
    } catch (const Failure& failure) {
        // This family calls both by one name, as what they are: not proven.
        if (failure.code() != "PASSKEY_NOT_FOUND" && failure.code() != "AUTHENTICATION_FAILED") {
            throw;
        }
        throw Failure(Failure::Kind::unauthenticated, failure.what(),
                      "PASSKEY_VERIFICATION_FAILED");
    }
}

ServerResponse custom_rename_passkey(const User& user, const Context& context,
                                     const ServerRequest& request) {
    const Json body = request.json();
    const base::Fields fields(body);
    return ServerResponse::json(
        {{"passkey",
          passkey_json(passkey_rename(user, context, request, request.param("id"), fields))}});
}

ServerResponse custom_remove_passkey(const User& user, const Context& context,
                                     const ServerRequest& request) {
    passkey_remove(user, context, request, request.param("id"));
    return ServerResponse::json({{"status", true}});
}

}  // namespace auth
