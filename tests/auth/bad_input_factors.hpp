// Bad input: the table of the room factors.
#pragma once

#include "tests/auth/bad_input.hpp"

namespace tests {

inline std::vector<Endpoint> factors_bad_input(const BadInputWorld&) {
    using Kind = Field::Kind;
    const auto row = [](const std::string& route, Who who, const Json& good,
                        std::vector<Field> fields) {
        return Endpoint{"POST", route, route, who, good, std::move(fields), {}, false};
    };
    const std::string two_factor = "/api/auth/two-factor/";
    const Json password = {{"password", good_password}};
    const Json code = {{"code", "123456"}};
    Field issuer = text_field("/issuer", 64, false);
    issuer.more_wrong = {"a:b", ""};
    issuer.more_valid = "without ':'";
    const Field shown = text_field("/code", 64);
    const Field trust{Kind::flag, "/trustDevice", false};
    const Field id = text_field("/challengeId", 64, false);
    const Field email{Kind::text,
                      "/email",
                      true,
                      1,
                      320,
                      {"no address", "a@b"},
                      "must be an address such as anna@example.com"};
    const std::string passkeys = "/api/v1/auth/passkeys/";
    const Json response = {{"response", {{"id", "x"}}}};
    const Field answer{Kind::object, "/response"};
    const auto page = [](const char* pointer) { return text_field(pointer, 2048, false); };
    return {
        row(two_factor + "enable", Who::user, password,
            {text_field("/password", 1024), issuer, text_field("/code", 64, false)}),
        row(two_factor + "disable", Who::user, password, {text_field("/password", 1024)}),
        row(two_factor + "get-totp-uri", Who::user, password, {text_field("/password", 1024)}),
        row(two_factor + "generate-backup-codes", Who::user, password,
            {text_field("/password", 1024)}),
        row(two_factor + "verify-totp", Who::anybody, code, {shown, trust, id}),
        row(two_factor + "send-otp", Who::anybody, Json::object(), {trust, id}),
        row(two_factor + "verify-otp", Who::anybody, code, {shown, trust, id}),
        row(two_factor + "verify-backup-code", Who::anybody, code,
            {shown, trust, id, {Kind::flag, "/disableSession", false}}),
        row("/api/auth/sign-in/magic-link", Who::anybody, {{"email", "eve@example.com"}},
            {email, text_field("/name", 200, false), page("/callbackURL"),
             page("/newUserCallbackURL"), page("/errorCallbackURL")}),
        row("/api/auth/magic-link/send-magic-link", Who::anybody, {{"email", "eve@example.com"}},
            {email, text_field("/name", 200, false), page("/callbackURL"),
             page("/newUserCallbackURL"), page("/errorCallbackURL")}),
        row("/api/auth/passkey/verify-registration", Who::user, response,
            {answer, text_field("/name", 100, false)}),
        row("/api/auth/passkey/verify-authentication", Who::anybody, response, {answer}),
        row("/api/auth/passkey/update-passkey", Who::user, {{"id", "x"}, {"name", "y"}},
            {text_field("/id", 64), text_field("/name", 100)}),
        row("/api/auth/passkey/delete-passkey", Who::user, {{"id", "x"}}, {text_field("/id", 64)}),
        row(passkeys + "register/options", Who::user, Json::object(),
            {{Kind::word, "/authenticatorAttachment", false}, text_field("/name", 100, false)}),
        row(passkeys + "register/verify", Who::user, response,
            {answer, text_field("/name", 100, false)}),
        row(passkeys + "authenticate/options", Who::anybody, Json::object(), {}),
        row(passkeys + "authenticate/verify", Who::anybody, response, {answer}),
        {"PATCH",
         passkeys + ":id",
         passkeys + "x",
         Who::user,
         {{"name", "y"}},
         {text_field("/name", 100)},
         {},
         false},
        {"POST",
         "/api/v1/api-keys",
         "/api/v1/api-keys",
         Who::user,
         {{"name", "x"}},
         {text_field("/name", 100),
          {Kind::list,
           "/scopes",
           false,
           0,
           10,
           {Json{"admin"}, Json{7}, Json::array()},
           "a list of stt, tts"},
          {Kind::object, "/rateLimit", false}}},
        row("/api/v1/api-keys/validate", Who::anybody, {{"apiKey", "sk_live_x"}},
            {text_field("/apiKey", 256), text_field("/scope", 64, false)}),
    };
}

}  // namespace tests
