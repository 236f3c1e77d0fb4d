// Bad input: the tables of the rooms passwords, address and profile.
#pragma once

#include "tests/auth/bad_input.hpp"

namespace tests {

inline std::vector<Endpoint> self_bad_input(const BadInputWorld&) {
    using Kind = Field::Kind;
    const std::string v1 = "/api/v1/auth", native = "/api/auth";
    const std::string address = "must be an address such as anna@example.com";
    const Field email{Kind::text, "/email", true, 1, 320, {"no address", "a@b"}, address};
    const Field new_email{Kind::text, "/newEmail", true, 1, 320, {"no address", "a@b"}, address};
    const Field new_password{
        Kind::text, "/newPassword", true, 1, 1024, {"short", std::string(129, 'a')}, "characters"};
    const Field current = text_field("/currentPassword", 1024);
    const Field token = text_field("/token", 256);
    const auto page = [](const char* pointer, bool refused_here) {
        Field field = text_field(pointer, 2048, false);
        // auth-api-doubts B34: where a mailed link leads is checked when it is asked for.
        if (refused_here) field.more_wrong = {"https://evil.example", "//evil.example"};
        field.more_valid = "must be a path or the address of a trusted page";
        return field;
    };
    const Json reset = {{"newPassword", "a new password"}, {"token", "x"}};
    const Json change = {{"currentPassword", "nothing like it"}, {"newPassword", "a new password"}};
    const Json mail = {{"email", "nobody@example.com"}};
    const Json address_change = {{"newEmail", "new@example.com"}};
    const auto row = [](const std::string& path, Who who, Json good, std::vector<Field> fields,
                        const char* method = "POST") {
        return Endpoint{method, path, path, who, std::move(good), std::move(fields)};
    };
    std::vector<Endpoint> rows = {
        row(v1 + "/forgot-password", Who::anybody, mail, {email, page("/redirectTo", true)}),
        row(v1 + "/reset-password", Who::anybody, reset, {new_password, token}),
        row(v1 + "/change-password", Who::user, change, {current, new_password}),
        row(native + "/request-password-reset", Who::anybody, mail,
            {email, page("/redirectTo", false)}),
        row(native + "/reset-password", Who::anybody, reset, {new_password, token}),
        row(native + "/change-password", Who::user, change,
            {current, new_password, {Kind::flag, "/revokeOtherSessions", false}}),
        row(native + "/verify-password", Who::user, {{"password", "x"}},
            {text_field("/password", 1024)}),

        row(v1 + "/resend-verification", Who::anybody, mail, {email, page("/sourceAppUrl", true)}),
        row(v1 + "/change-email", Who::user, address_change,
            {new_email, page("/callbackURL", true)}),
        row(native + "/send-verification-email", Who::anybody, mail,
            {email, page("/callbackURL", false)}),
        row(native + "/change-email", Who::user, address_change,
            {new_email, page("/callbackURL", false)}),

        row(v1 + "/profile", Who::user, {{"name", "Anna"}, {"image", "https://example.com/a.png"}},
            {text_field("/name", 200, false), text_field("/image", 2048, false)}),
        row(v1 + "/account", Who::user, {{"password", "nothing like it"}},
            {text_field("/password", 1024)}, "DELETE"),
        row(native + "/update-user", Who::user, {{"name", "Anna"}},
            {text_field("/name", 200, false), text_field("/image", 2048, false)}),
        row(native + "/delete-user", Who::user, {{"password", "nothing like it"}},
            {text_field("/password", 1024, false)}),
        row(native + "/sign-in/social", Who::anybody, {{"provider", "google"}},
            {text_field("/provider", 64), page("/callbackURL", false)}),
        row(native + "/link-social", Who::user, {{"provider", "google"}},
            {text_field("/provider", 64), page("/callbackURL", false)}),
        row(native + "/unlink-account", Who::user, {{"providerId", "google"}},
            {text_field("/providerId", 64), text_field("/accountId", 256, false)}),
        row(native + "/refresh-token", Who::user, {{"providerId", "google"}},
            {text_field("/providerId", 64)}),
        row(native + "/get-access-token", Who::user, {{"providerId", "google"}},
            {text_field("/providerId", 64)}),
        row(native + "/update-session", Who::user, {{"theme", "dark"}}, {}),
        row(native + "/revoke-session", Who::user, {{"token", "x"}}, {token}),
    };
    for (Endpoint& one : rows) one.good_is_tried = false;
    return rows;
}

}  // namespace tests
