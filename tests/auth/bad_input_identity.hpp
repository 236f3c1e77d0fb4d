// Bad input: the table of the room identity.
#pragma once

#include "tests/auth/bad_input.hpp"

namespace tests {

inline std::vector<Endpoint> identity_bad_input(const BadInputWorld&) {
    using Kind = Field::Kind;
    const Json account = {
        {"name", "Eve"}, {"email", "eve@example.com"}, {"password", good_password}};
    const Field email{Kind::text,
                      "/email",
                      true,
                      1,
                      320,
                      {"no address", "a@b", "a b@c.de"},
                      "must be an address such as anna@example.com"};
    const Field password{Kind::text, "/password", true, 1, 1024};
    const Field new_password{
        Kind::text, "/password", true, 1, 1024, {"short", std::string(129, 'a')}, "characters"};
    Field page = text_field("/sourceAppUrl", 2048, false);
    // auth-api-doubts B34: where a mailed link leads is checked when it is asked for.
    page.more_wrong = {"https://evil.example"};
    page.more_valid = "must be a path or the address of a trusted page";
    std::vector<Endpoint> rows = {
        {"POST",
         "/api/v1/auth/register",
         "/api/v1/auth/register",
         Who::anybody,
         account,
         {email, new_password, text_field("/name", 200, false), page}},
        {"POST",
         "/api/v1/auth/login",
         "/api/v1/auth/login",
         Who::anybody,
         account,
         {email, password}},
        {"POST",
         "/api/v1/auth/validate",
         "/api/v1/auth/validate",
         Who::anybody,
         {{"token", "x"}},
         {text_field("/token", 16 * 1024)}},
        {"POST",
         "/api/v1/auth/refresh",
         "/api/v1/auth/refresh",
         Who::anybody,
         {{"refreshToken", "x"}},
         {text_field("/refreshToken", 256, false)}},
        {"POST",
         "/api/auth/sign-up/email",
         "/api/auth/sign-up/email",
         Who::anybody,
         account,
         {text_field("/name", 200, true), email, new_password, text_field("/image", 2048, false),
          text_field("/callbackURL", 2048, false)}},
        {"POST",
         "/api/auth/sign-in/email",
         "/api/auth/sign-in/email",
         Who::anybody,
         account,
         {email,
          password,
          {Kind::flag, "/rememberMe", false},
          text_field("/callbackURL", 2048, false)}},
    };
    // Several of these answer 400 or 401 to what is good in form alone.
    for (Endpoint& row : rows) row.good_is_tried = false;
    return rows;
}

}  // namespace tests
