#include "auth/spaces/rights.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr auto space_roles = std::to_array<std::string_view>({"owner", "admin", "member"});
constexpr std::size_t space_roles_bytes_max = 64;

struct RightName {
    Right right;
    std::string_view resource, action;
};

constexpr auto right_names = std::to_array<RightName>({
    {Right::update_space, "organization", "update"},
    {Right::delete_space, "organization", "delete"},
    {Right::add_member, "member", "create"},
    {Right::update_member, "member", "update"},
    {Right::remove_member, "member", "delete"},
    {Right::invite, "invitation", "create"},
    {Right::cancel_invitation, "invitation", "cancel"},
});

bool role_may(std::string_view role, Right right) {
    if (role == "owner") return true;
    return role == "admin" && right != Right::delete_space;
}

bool role_may_by_name(std::string_view role, std::string_view resource, std::string_view action) {
    return std::any_of(right_names.begin(), right_names.end(), [&](const RightName& name) {
        return name.resource == resource && name.action == action && role_may(role, name.right);
    });
}

bool role_may_all(std::string_view role, const base::Json& permissions) {
    for (const auto& [resource, actions] : permissions.items()) {
        for (const base::Json& action : actions) {
            if (!role_may_by_name(role, resource, action.get<std::string>())) return false;
        }
    }
    return true;
}

[[noreturn]] void rights_refuse_shape() {
    throw Failure(Failure::Kind::invalid,
                  "permissions must be an object of lists of actions, such as "
                  R"({"member":["create"]})",
                  "VALIDATION_ERROR");
}

}  // namespace

bool has_role(std::string_view roles, std::string_view role) {
    const auto held = base::split(roles, ',');
    return std::any_of(held.begin(), held.end(),
                       [&](std::string_view one) { return base::trim(one) == role; });
}

bool is_owner(std::string_view roles) {
    return has_role(roles, "owner");
}

bool may(std::string_view roles, Right right) {
    return std::any_of(space_roles.begin(), space_roles.end(), [&](std::string_view role) {
        return has_role(roles, role) && role_may(role, right);
    });
}

bool may_all(std::string_view roles, const base::Json& permissions) {
    if (!permissions.is_object() || permissions.size() > 20) rights_refuse_shape();
    for (const auto& [resource, actions] : permissions.items()) {
        if (!actions.is_array() || actions.size() > 20) rights_refuse_shape();
        for (const base::Json& action : actions) {
            if (!action.is_string()) rights_refuse_shape();
        }
    }
    return std::any_of(space_roles.begin(), space_roles.end(), [&](std::string_view role) {
        return has_role(roles, role) && role_may_all(role, permissions);
    });
}

std::string checked_roles(const base::Json& value) {
    const auto refuse = [] {
        throw Failure(Failure::Kind::invalid,
                      "role must be text of 1 to 64 bytes, or a list of such: owner, admin, member",
                      "VALIDATION_ERROR");
    };
    std::string asked;
    if (value.is_string()) {
        asked = value.get<std::string>();
    } else if (value.is_array() && !value.empty() && value.size() <= 10) {
        for (const base::Json& one : value) {
            if (!one.is_string()) refuse();
            asked += (asked.empty() ? "" : ",") + one.get<std::string>();
        }
    }
    if (asked.empty() || asked.size() > space_roles_bytes_max) refuse();
    for (const std::string_view word : base::split(asked, ',')) {
        const std::string_view role = base::trim(word);
        if (std::find(space_roles.begin(), space_roles.end(), role) != space_roles.end()) continue;
        throw Failure(Failure::Kind::invalid,
                      "role must be text: one of owner, admin, member, or several of them",
                      "ROLE_NOT_FOUND");
    }
    std::string roles;
    for (const std::string_view role : space_roles) {
        if (!has_role(asked, role)) continue;
        roles += (roles.empty() ? "" : ",") + std::string(role);
    }
    return roles;
}

}  // namespace auth
