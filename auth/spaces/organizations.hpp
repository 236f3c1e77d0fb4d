// Store: spaces as their members make, read, change and delete them. Everything runs in the
// caller's transaction and checks the caller's rights; refusals are base::Failure with the codes of
// the native family.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr int spaces_of_user_max = 100;  // That one user may be a member of.

struct Space {
    std::string id;
    std::string name;
    std::optional<std::string> slug;
    std::optional<std::string> logo;
    base::Json metadata;
    base::Moment created_at;
    std::string personal_user_id;  // Empty: not a personal space.
};

base::Json space_json(const Space& space);

std::optional<Space> find_space(base::Transaction& transaction, std::string_view id);
std::optional<Space> find_space_by_slug(base::Transaction& transaction, std::string_view slug);
// Holds the row, so that changes of the space's members come one after the other. Throws
// ORGANIZATION_NOT_FOUND.
Space lock_space(base::Transaction& transaction, std::string_view id);

struct SpaceWish {
    std::string name;
    std::string slug;
    std::optional<std::string> logo;
    base::Json metadata;                // See metadata.hpp.
    std::optional<int> own_spaces_max;  // That she may own beside her personal one.
    bool becomes_active = true;
};

// Reading the fields of a body; throws Failure::invalid naming the field.
std::string read_slug(const base::Fields& fields, std::string_view name);
std::optional<std::string> read_logo(const base::Fields& fields);
std::string read_space_name(const base::Fields& fields);

// The new space, owned by the caller, with "members". Throws ORGANIZATION_ALREADY_EXISTS for a slug
// that is taken or reserved, YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS,
// SPACE_METADATA_INVALID.
base::Json create_space(base::Transaction& transaction, const User& user, const SpaceWish& wish,
                        base::Moment now);

// Throws ORGANIZATION_SLUG_ALREADY_TAKEN.
void check_slug_is_free(base::Transaction& transaction, std::string_view slug);

struct SpaceChange {
    std::optional<std::string> name;
    std::optional<std::string> slug;
    std::optional<std::string> logo;
    bool removes_logo = false;
    std::optional<base::Json> metadata;
};

// `outsider` is the kind of the failure when the caller is no member.
Space update_space(base::Transaction& transaction, const User& user, std::string_view id,
                   const SpaceChange& change, base::Moment now,
                   base::Failure::Kind outsider = base::Failure::Kind::forbidden);

// Answers what was deleted. A personal space goes only with its user (SPACE_PERSONAL_UNDELETABLE).
Space delete_space(base::Transaction& transaction, const User& user, std::string_view id,
                   base::Failure::Kind outsider = base::Failure::Kind::forbidden);

// The space with "invitations" and "members", at most `members_max` of these.
base::Json full_space(base::Transaction& transaction, const User& user, const Space& space,
                      int members_max);

// The space that the caller's session works in.
std::optional<std::string> active_space(base::Transaction& transaction, const User& user);
void set_active_space(base::Transaction& transaction, const User& user,
                      std::optional<std::string_view> id);

}  // namespace auth
