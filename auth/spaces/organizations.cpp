#include "auth/spaces/organizations.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/guard/picture.hpp"
#include "auth/identity/users.hpp"
#include "auth/spaces/invitations.hpp"
#include "auth/spaces/members.hpp"
#include "auth/spaces/metadata.hpp"
#include "auth/spaces/rights.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::size_t organization_name_bytes_max = 200;
constexpr std::size_t organization_slug_bytes_max = 64;

constexpr std::string_view space_by_id = R"(
    select id, name, slug, logo, metadata, created_at, coalesce(personal_user_id, '') as personal
      from auth.organizations where id = $1)";

constexpr std::string_view space_by_slug = R"(
    select id, name, slug, logo, metadata, created_at, coalesce(personal_user_id, '') as personal
      from auth.organizations where slug = $1)";

constexpr std::string_view space_for_change = R"(
    select id, name, slug, logo, metadata, created_at, coalesce(personal_user_id, '') as personal
      from auth.organizations where id = $1 for update)";

constexpr std::string_view insert_organization = R"(
    insert into auth.organizations (id, name, slug, logo, metadata, created_at, updated_at)
    values ($1, $2, $3, $4, $5::jsonb, $6::timestamptz, $6::timestamptz)
    on conflict (slug) do nothing
    returning id)";

// The user's row is held, so that spaces made at the same time are counted one after the other.
constexpr std::string_view lock_creator = "select id from auth.users where id = $1 for update";

constexpr std::string_view spaces_of_creator = R"(
    select count(*) as memberships,
           count(*) filter (where 'owner' = any(string_to_array(m.role, ','))
                              and o.personal_user_id is null) as owned
      from auth.members m join auth.organizations o on o.id = m.organization_id
     where m.user_id = $1)";

constexpr std::string_view update_organization_row = R"(
    update auth.organizations
       set name = $2, slug = $3, logo = $4, metadata = $5::jsonb, updated_at = $6::timestamptz
     where id = $1)";

constexpr std::string_view slug_of_another = R"(
    select exists (select from auth.organizations where slug = $1 and id <> $2) as taken)";

constexpr std::string_view delete_organization_row = "delete from auth.organizations where id = $1";

constexpr std::string_view active_organization_of_session =
    "select active_organization_id from auth.sessions where id = $1";

constexpr std::string_view update_active_organization =
    "update auth.sessions set active_organization_id = $2 where id = $1";

std::optional<Space> organization_of(const base::SqlRows& rows) {
    const auto row = rows.first();
    if (!row) return std::nullopt;
    return Space{.id = row->text("id"),
                 .name = row->text("name"),
                 .slug = row->text_or_none("slug"),
                 .logo = row->text_or_none("logo"),
                 .metadata = row->json("metadata"),
                 .created_at = row->moment("created_at"),
                 .personal_user_id = row->text("personal")};
}

base::Json organization_text(const std::optional<std::string>& text) {
    return text ? base::Json(*text) : base::Json(nullptr);
}

void organization_check_count(base::Transaction& transaction, const User& user,
                              std::optional<int> owned_max) {
    transaction.run(lock_creator, {user.user_id()});
    const auto counts = transaction.run(spaces_of_creator, {user.user_id()})[0];
    const bool crowded = counts.integer("memberships") >= spaces_of_user_max;
    const bool owns_enough = owned_max && counts.integer("owned") >= *owned_max;
    if (!crowded && !owns_enough) return;
    throw Failure(Failure::Kind::forbidden,
                  "you have as many spaces as your plan allows; leave or delete one first",
                  "YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS");
}

}  // namespace

base::Json space_json(const Space& space) {
    return {{"name", space.name},
            {"slug", organization_text(space.slug)},
            {"logo", organization_text(space.logo)},
            {"createdAt", base::to_iso(space.created_at)},
            {"metadata", space.metadata},
            {"id", space.id}};
}

std::optional<Space> find_space(base::Transaction& transaction, std::string_view id) {
    return organization_of(transaction.run(space_by_id, {id}));
}

std::optional<Space> find_space_by_slug(base::Transaction& transaction, std::string_view slug) {
    return organization_of(transaction.run(space_by_slug, {slug}));
}

Space lock_space(base::Transaction& transaction, std::string_view id) {
    auto space = organization_of(transaction.run(space_for_change, {id}));
    if (!space) {
        throw Failure(Failure::Kind::missing, "organizationId must name a space that exists",
                      "ORGANIZATION_NOT_FOUND");
    }
    return std::move(*space);
}

std::string read_slug(const base::Fields& fields, std::string_view name) {
    const std::string slug = fields.text(name, 1, organization_slug_bytes_max);
    const bool plain = std::all_of(slug.begin(), slug.end(), [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
               letter == '-';
    });
    if (!plain || slug.front() == '-') {
        fields.fail(name, "text of lower-case letters, digits and hyphens, such as my-club");
    }
    return slug;
}

std::optional<std::string> read_logo(const base::Fields& fields) {
    auto logo = read_picture(fields, "logo");
    return logo && logo->empty() ? std::nullopt : logo;
}

std::string read_space_name(const base::Fields& fields) {
    return fields.text("name", 1, organization_name_bytes_max);
}

base::Json create_space(base::Transaction& transaction, const User& user, const SpaceWish& wish,
                        base::Moment now) {
    const auto creator = find_user(transaction, user.user_id());
    if (!creator) throw Failure(Failure::Kind::unauthenticated, "log in again", "UNAUTHORIZED");
    Space space{.id = base::random_id(),
                .name = wish.name,
                .slug = wish.slug,
                .logo = wish.logo,
                .metadata = new_space_metadata(wish.metadata, creator->tier),
                .created_at = now,
                .personal_user_id = ""};
    organization_check_count(transaction, user, wish.own_spaces_max);
    const bool made = !is_reserved_slug(wish.slug) &&
                      !transaction
                           .run(insert_organization,
                                {space.id, space.name, wish.slug, space.logo, space.metadata, now})
                           .empty();
    if (!made) {
        throw Failure(Failure::Kind::invalid, "slug must be one that nobody has yet",
                      "ORGANIZATION_ALREADY_EXISTS");
    }
    const Member owner = add_member(transaction, space.id, user.user_id(), "owner", now);
    if (wish.becomes_active) set_active_space(transaction, user, space.id);
    base::Json shown = space_json(space);
    shown["members"] = base::Json::array({member_json(owner)});
    return shown;
}

void check_slug_is_free(base::Transaction& transaction, std::string_view slug) {
    if (!is_reserved_slug(slug) && !find_space_by_slug(transaction, slug)) return;
    throw Failure(Failure::Kind::invalid, "slug must be one that nobody has yet",
                  "ORGANIZATION_SLUG_ALREADY_TAKEN");
}

Space update_space(base::Transaction& transaction, const User& user, std::string_view id,
                   const SpaceChange& change, base::Moment now, Failure::Kind outsider) {
    const Member member =
        own_membership(transaction, user, id, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION", outsider);
    if (!may(member.role, Right::update_space)) {
        throw Failure(Failure::Kind::forbidden, "this needs an owner or admin of the space",
                      "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_ORGANIZATION");
    }
    Space space = lock_space(transaction, id);
    if (change.name) space.name = *change.name;
    if (change.slug && change.slug != space.slug) {
        const bool taken = is_reserved_slug(*change.slug) ||
                           transaction.run(slug_of_another, {*change.slug, id})[0].flag("taken");
        if (taken) check_slug_is_free(transaction, *change.slug);
        space.slug = change.slug;
    }
    if (change.logo || change.removes_logo) space.logo = change.logo;
    if (change.metadata) space.metadata = changed_space_metadata(space.metadata, *change.metadata);
    transaction.run(update_organization_row,
                    {id, space.name, space.slug, space.logo, space.metadata, now});
    return space;
}

Space delete_space(base::Transaction& transaction, const User& user, std::string_view id,
                   Failure::Kind outsider) {
    const Member member =
        own_membership(transaction, user, id, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION", outsider);
    if (!may(member.role, Right::delete_space)) {
        throw Failure(Failure::Kind::forbidden, "this needs an owner of the space",
                      "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION");
    }
    Space space = lock_space(transaction, id);
    if (!space.personal_user_id.empty()) {
        throw Failure(Failure::Kind::forbidden,
                      "a personal space goes only with the account whose it is",
                      "SPACE_PERSONAL_UNDELETABLE");
    }
    transaction.run(delete_organization_row, {id});
    return space;
}

base::Json full_space(base::Transaction& transaction, const User& user, const Space& space,
                      int members_max) {
    own_membership(transaction, user, space.id, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
    base::Json shown = space_json(space);
    shown["invitations"] = list_invitations_of(transaction, space.id);
    base::Json members = base::Json::array();
    for (const Member& member : list_members_of(transaction, space.id)) {
        if (static_cast<int>(members.size()) >= members_max) break;
        members.push_back(member_json_with_user(member));
    }
    shown["members"] = std::move(members);
    return shown;
}

std::optional<std::string> active_space(base::Transaction& transaction, const User& user) {
    const auto row = transaction.run(active_organization_of_session, {user.session_id()}).first();
    if (!row) return std::nullopt;
    return row->text_or_none("active_organization_id");
}

void set_active_space(base::Transaction& transaction, const User& user,
                      std::optional<std::string_view> id) {
    std::optional<std::string> active;
    if (id) active = std::string(*id);
    transaction.run(update_active_organization, {user.session_id(), active});
}

}  // namespace auth
