// Bad input: the tables of the rooms account and administration.
#pragma once

#include "tests/auth/bad_input.hpp"

namespace tests {

inline std::vector<Endpoint> account_bad_input(const BadInputWorld& world) {
    using Kind = Field::Kind;
    const std::string me = "/api/v1/me";
    const std::string settings = "/api/v1/settings";
    Field name = text_field("/name", 400, false);
    name.more_wrong = {"   "};
    name.more_valid = "text of ";
    std::vector<Endpoint> rows = {
        {"PATCH",
         me + "/profile",
         me + "/profile",
         Who::user,
         {{"name", "Anna"}},
         {name, text_field("/image", 2048, false), {Kind::flag, "/feedbackShowRealName", false}}},
        {"DELETE",
         me + "/data",
         me + "/data",
         Who::user,
         {{"password", "falsch"}},
         {text_field("/password", 1024)}},
        {"PATCH", settings + "/global", settings + "/global", Who::user, {{"locale", "en"}}, {}},
        {"PATCH", settings + "/app/:appId", settings + "/app/todo", Who::user, {{"a", 1}}, {}},
        {"PATCH",
         settings + "/device/:deviceId/:appId",
         settings + "/device/d/todo",
         Who::user,
         {{"deviceName", "Laptop"}},
         {text_field("/deviceName", 200, false),
          text_field("/deviceType", 200, false),
          {Kind::object, "/settings", false}}},
        {"PUT",
         "/api/v1/admin/users/:userId/tier",
         "/api/v1/admin/users/" + world.user_id + "/tier",
         Who::admin,
         {{"tier", "beta"}},
         {{Kind::word, "/tier"}},
         {""}},
    };
    rows[1].good_is_tried = false;
    return rows;
}

}  // namespace tests
