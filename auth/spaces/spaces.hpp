// Store: spaces (organizations) and memberships. Everything runs in the caller's transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

struct Membership {
    std::string organization_id;
    std::string role;  // owner, admin, member
};

// Makes the user's personal space and her ownership of it unless she has one already.
void ensure_personal_space(base::Transaction& transaction, std::string_view user_id,
                           base::Moment now);

// The id of her personal space; empty when she has none.
std::string personal_space_of(base::Transaction& transaction, std::string_view user_id);

// The spaces the user is a member of, oldest first, at most 100, in the wire's form.
base::Json list_spaces(base::Transaction& transaction, std::string_view user_id);
std::vector<Membership> list_memberships(base::Transaction& transaction, std::string_view user_id);

// Deletes the spaces that only this user owns; answers their ids.
std::vector<std::string> delete_spaces_owned_alone(base::Transaction& transaction,
                                                   std::string_view user_id);

// The slug that an address suggests: "Anna.B@x" -> "anna-b"; empty when nothing usable is left.
std::string slug_of_email(std::string_view email);
bool is_reserved_slug(std::string_view slug);

}  // namespace auth
