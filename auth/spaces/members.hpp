// Store: who belongs to a space, with which roles. Everything runs in the caller's transaction.
// Changes hold the space's row, so that two owners who leave at once do not leave it without one.
// Refusals are base::Failure with the codes of the native family.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/caller.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr int members_of_space_max = 100;

struct Member {
    std::string id;
    std::string organization_id;
    std::string user_id;
    std::string role;  // One or several of owner, admin, member, joined by commas.
    base::Moment created_at;
    // Of the user.
    std::string name;
    std::string email;
    std::optional<std::string> image;
};

base::Json member_json(const Member& member);
base::Json member_json_with_user(const Member& member);

std::optional<Member> find_member(base::Transaction& transaction, std::string_view organization_id,
                                  std::string_view user_id);
// The caller's own membership; throws `code` when she has none, MEMBER_NOT_FOUND by default.
Member own_membership(base::Transaction& transaction, const User& user,
                      std::string_view organization_id, const char* code,
                      base::Failure::Kind kind = base::Failure::Kind::forbidden);
Member own_membership(base::Transaction& transaction, const User& user,
                      std::string_view organization_id);

// Oldest first, at most 1,000.
std::vector<Member> list_members_of(base::Transaction& transaction,
                                    std::string_view organization_id);

// Throws USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION, ORGANIZATION_MEMBERSHIP_LIMIT_REACHED.
// Whoever calls it on an existing space holds the space's row.
Member add_member(base::Transaction& transaction, std::string_view organization_id,
                  std::string_view user_id, std::string_view role, base::Moment now);

// `who` is a member's id or address. Her open invitations of others end with her. Throws
// MEMBER_NOT_FOUND, YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER,
// YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER.
Member remove_member(base::Transaction& transaction, const User& user,
                     std::string_view organization_id, std::string_view who);

// Throws MEMBER_NOT_FOUND, YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER.
Member leave_space(base::Transaction& transaction, const User& user,
                   std::string_view organization_id);

// `roles` as of checked_roles(). Throws MEMBER_NOT_FOUND,
// YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER, YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER.
Member update_member_role(base::Transaction& transaction, const User& user,
                          std::string_view organization_id, std::string_view member_id,
                          const std::string& roles);

}  // namespace auth
