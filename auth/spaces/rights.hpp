// What a role may do in a space. Pure. A member may hold several roles, stored as one text joined
// by commas; she may do what any of them may.
//
//   owner    everything; only an owner makes, changes and removes owners
//   admin    change the space, its members and its invitations
//   member   read
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace auth {

enum class Right {
    update_space,
    delete_space,
    add_member,
    update_member,
    remove_member,
    invite,
    cancel_invitation,
};

bool has_role(std::string_view roles, std::string_view role);
bool is_owner(std::string_view roles);
bool may(std::string_view roles, Right right);

// Whether one of the roles may do all that is asked, e.g. {"member":["create","delete"]}. Resources
// and actions that do not exist are nobody's right. Throws Failure::invalid for another shape.
bool may_all(std::string_view roles, const base::Json& permissions);

// `value` is a role or a list of roles, as clients send them; answers each once, joined by commas.
// Throws Failure::invalid, with the code ROLE_NOT_FOUND for a word that is no role.
std::string checked_roles(const base::Json& value);

}  // namespace auth
