// Bad input: the table of the room spaces.
#pragma once

#include "tests/auth/bad_input.hpp"

namespace tests {

inline std::vector<Endpoint> spaces_bad_input(const BadInputWorld& world) {
    using Kind = Field::Kind;
    const std::string native = "/api/auth/organization/";
    const std::string guilds = "/api/v1/gilden";
    const std::string guild = guilds + "/" + world.space_id;
    const Json space = {{"name", "Neu"}, {"slug", "neu"}, {"metadata", {{"type", "club"}}}};
    const Json change = {{"organizationId", world.space_id}, {"data", {{"name", "Neu"}}}};
    Field slug = text_field("/slug", 64);
    slug.more_wrong = {"Bad Slug", "-x", "ä"};
    slug.more_valid = "text of ";
    Field logo = text_field("/logo", 2048, false);
    logo.more_wrong = {"javascript:alert(1)", "//evil.example/x"};
    logo.more_valid = "text";
    Field metadata{Kind::object, "/metadata", true, 0, 0, {{{"type", "castle"}}}, "must be"};
    Field some_metadata{Kind::object, "/data/metadata", false};
    Field data_slug = text_field("/data/slug", 64, false);
    data_slug.more_wrong = {"Bad Slug", ""};
    data_slug.more_valid = "text of ";
    Field data_logo = text_field("/data/logo", 2048, false);
    Field put_slug = text_field("/slug", 64, false);
    put_slug.more_wrong = {""};
    put_slug.more_valid = "text of ";
    Field name_once = text_field("/name", 200, false);
    Field email = text_field("/email", 320);
    email.more_wrong = {"no address"};
    email.more_valid = "must be an address";
    const Field role{Kind::text, "/role", true, 1, 64, {"king"}, "role must be text"};
    Field any_role = role;
    any_role.required = false;
    const Field organization = text_field("/organizationId", 128, false);
    const Json invitation = {{"invitationId", "nothing"}};
    const auto answered = [&](const std::string& path) {
        return Endpoint{"POST",    path,       path,
                        Who::user, invitation, {text_field("/invitationId", 128)}};
    };
    const auto post = [&](const std::string& name, const Json& good, std::vector<Field> fields) {
        return Endpoint{"POST", native + name, native + name, Who::user, good, std::move(fields)};
    };
    std::vector<Endpoint> rows = {
        post("create", space,
             {text_field("/name", 200),
              slug,
              logo,
              metadata,
              {Kind::flag, "/keepCurrentActiveOrganization", false}}),
        post("update", change,
             {organization,
              {Kind::object, "/data", true},
              text_field("/data/name", 200, false),
              data_slug,
              data_logo,
              some_metadata}),
        post("delete", {{"organizationId", "nothing"}}, {text_field("/organizationId", 128)}),
        post("check-slug", {{"slug", "free"}}, {slug}),
        post("set-active", {{"organizationId", world.space_id}},
             {organization, text_field("/organizationSlug", 128, false)}),
        {"POST",
         native + "add-member",
         native + "add-member",
         Who::service,
         {{"organizationId", world.space_id}, {"userId", world.persona_id}, {"role", "member"}},
         {text_field("/organizationId", 128), text_field("/userId", 128), role},
         {""}},
        post("remove-member",
             {{"organizationId", world.space_id}, {"memberIdOrEmail", "nobody@example.com"}},
             {organization, text_field("/memberIdOrEmail", 320)}),
        post("update-member-role",
             {{"organizationId", world.space_id}, {"memberId", "nobody"}, {"role", "admin"}},
             {organization, text_field("/memberId", 128), role}),
        post("leave", {{"organizationId", "nothing"}}, {text_field("/organizationId", 128)}),
        post(
            "has-permission",
            {{"organizationId", world.space_id}, {"permissions", {{"member", {"create"}}}}},
            {organization,
             {Kind::object, "/permissions", true, 0, 0, {{{"member", "x"}}}, "must be an object"}}),
        post("invite-member",
             {{"organizationId", world.space_id}, {"email", "n@example.com"}, {"role", "member"}},
             {organization, email, role, {Kind::flag, "/resend", false}}),
        answered(native + "accept-invitation"),
        answered(native + "reject-invitation"),
        answered(native + "cancel-invitation"),
        answered(guilds + "/accept-invitation"),
        {"POST",
         guilds,
         guilds,
         Who::user,
         {{"name", "Zwei"}, {"slug", "zwei"}},
         {text_field("/name", 200), slug, logo}},
        {"PUT",
         guilds + "/:id",
         guild,
         Who::user,
         {{"name", "Drei"}},
         {name_once,
          put_slug,
          logo,
          {Kind::object, "/metadata", false, 0, 0, {{{"tier", "founder"}}}, "must stay"}}},
        {"PUT",
         "/api/v1/auth/organizations/:id",
         "/api/v1/auth/organizations/" + world.space_id,
         Who::user,
         {{"name", "Vier"}},
         {name_once, put_slug, logo}},
        {"POST",
         guilds + "/:id/invite",
         guild + "/invite",
         Who::user,
         {{"email", "m@example.com"}, {"role", "member"}},
         {email, any_role}},
        {"PUT",
         guilds + "/:id/members/:memberId/role",
         guild + "/members/x/role",
         Who::user,
         {{"role", "member"}},
         {role}},
    };
    // What these name does not exist: 400 also when the form is right.
    for (Endpoint& row : rows) {
        for (const char* end :
             {"/delete", "/remove-member", "/update-member-role", "/leave", "-invitation"}) {
            if (row.route.ends_with(end)) row.good_is_tried = false;
        }
    }
    return rows;
}

}  // namespace tests
