#include "auth/spaces/members.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/spaces/invitations.hpp"
#include "auth/spaces/organizations.hpp"
#include "auth/spaces/rights.hpp"
#include "base/crypto.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::string_view member_of_user = R"(
    select m.id, m.organization_id, m.user_id, m.role, m.created_at, u.name, u.email, u.image
      from auth.members m join auth.users u on u.id = m.user_id
     where m.organization_id = $1 and m.user_id = $2)";

constexpr std::string_view member_by_id_or_email = R"(
    select m.id, m.organization_id, m.user_id, m.role, m.created_at, u.name, u.email, u.image
      from auth.members m join auth.users u on u.id = m.user_id
     where m.organization_id = $1 and (m.id = $2 or u.email = $3))";

constexpr std::string_view members_of_space = R"(
    select m.id, m.organization_id, m.user_id, m.role, m.created_at, u.name, u.email, u.image
      from auth.members m join auth.users u on u.id = m.user_id
     where m.organization_id = $1 order by m.created_at, m.id limit 1000)";

constexpr std::string_view insert_member_row = R"(
    insert into auth.members (id, organization_id, user_id, role, created_at)
    values ($1, $2, $3, $4, $5::timestamptz)
    on conflict (organization_id, user_id) do nothing
    returning id)";

constexpr std::string_view count_members = R"(
    select count(*) as n from auth.members where organization_id = $1)";

constexpr std::string_view count_owners = R"(
    select count(*) as n from auth.members
     where organization_id = $1 and 'owner' = any(string_to_array(role, ',')))";

constexpr std::string_view delete_member_row = "delete from auth.members where id = $1";
constexpr std::string_view update_role_row = "update auth.members set role = $2 where id = $1";

// Whoever was shown out works in that space no longer.
constexpr std::string_view leave_in_sessions = R"(
    update auth.sessions set active_organization_id = null
     where user_id = $1 and active_organization_id = $2)";

Member members_row(const base::SqlRow& row) {
    return {.id = row.text("id"),
            .organization_id = row.text("organization_id"),
            .user_id = row.text("user_id"),
            .role = row.text("role"),
            .created_at = row.moment("created_at"),
            .name = row.text("name"),
            .email = row.text("email"),
            .image = row.text_or_none("image")};
}

[[noreturn]] void members_refuse_unknown(const char* field) {
    throw Failure(Failure::Kind::missing,
                  std::string(field) + " must name a member of the space, and you must be one",
                  "MEMBER_NOT_FOUND");
}

bool members_last_owner(base::Transaction& transaction, const Member& member) {
    return is_owner(member.role) &&
           transaction.run(count_owners, {member.organization_id})[0].integer("n") <= 1;
}

void members_delete(base::Transaction& transaction, const Member& member) {
    transaction.run(delete_member_row, {member.id});
    transaction.run(leave_in_sessions, {member.user_id, member.organization_id});
    cancel_invitations_by(transaction, member.organization_id, member.user_id, "");
}

Member members_find(base::Transaction& transaction, std::string_view organization_id,
                    std::string_view who, const char* field) {
    const auto row =
        transaction.run(member_by_id_or_email, {organization_id, who, base::lower_ascii(who)})
            .first();
    if (!row) members_refuse_unknown(field);
    return members_row(*row);
}

[[noreturn]] void members_refuse_last_owner() {
    throw Failure(Failure::Kind::invalid,
                  "the only owner cannot go: make another member owner first, or delete the space",
                  "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER");
}

}  // namespace

base::Json member_json(const Member& member) {
    return {{"organizationId", member.organization_id},
            {"userId", member.user_id},
            {"role", member.role},
            {"createdAt", base::to_iso(member.created_at)},
            {"id", member.id}};
}

base::Json member_json_with_user(const Member& member) {
    base::Json shown = member_json(member);
    shown["user"] = {{"id", member.user_id},
                     {"name", member.name},
                     {"email", member.email},
                     {"image", member.image ? base::Json(*member.image) : base::Json(nullptr)}};
    return shown;
}

std::optional<Member> find_member(base::Transaction& transaction, std::string_view organization_id,
                                  std::string_view user_id) {
    const auto row = transaction.run(member_of_user, {organization_id, user_id}).first();
    if (!row) return std::nullopt;
    return members_row(*row);
}

Member own_membership(base::Transaction& transaction, const User& user,
                      std::string_view organization_id, const char* code, Failure::Kind kind) {
    auto member = find_member(transaction, organization_id, user.user_id());
    if (!member) {
        throw Failure(kind, "organizationId must name a space that you are a member of", code);
    }
    return std::move(*member);
}

Member own_membership(base::Transaction& transaction, const User& user,
                      std::string_view organization_id) {
    return own_membership(transaction, user, organization_id, "MEMBER_NOT_FOUND",
                          Failure::Kind::missing);
}

std::vector<Member> list_members_of(base::Transaction& transaction,
                                    std::string_view organization_id) {
    std::vector<Member> members;
    for (const auto& row : transaction.run(members_of_space, {organization_id})) {
        members.push_back(members_row(row));
    }
    return members;
}

Member add_member(base::Transaction& transaction, std::string_view organization_id,
                  std::string_view user_id, std::string_view role, base::Moment now) {
    if (transaction.run(count_members, {organization_id})[0].integer("n") >= members_of_space_max) {
        throw Failure(Failure::Kind::forbidden, "the space has as many members as it may have",
                      "ORGANIZATION_MEMBERSHIP_LIMIT_REACHED");
    }
    const auto made = transaction.run(insert_member_row,
                                      {base::random_id(), organization_id, user_id, role, now});
    if (made.empty()) {
        throw Failure(Failure::Kind::invalid, "she is a member of the space already",
                      "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION");
    }
    return *find_member(transaction, organization_id, user_id);
}

Member remove_member(base::Transaction& transaction, const User& user,
                     std::string_view organization_id, std::string_view who) {
    own_membership(transaction, user, organization_id);
    lock_space(transaction, organization_id);
    // Read again behind the lock: her role may just have changed.
    const Member caller = own_membership(transaction, user, organization_id);
    const Member member = members_find(transaction, organization_id, who, "memberIdOrEmail");
    if (!may(caller.role, Right::remove_member) ||
        (is_owner(member.role) && !is_owner(caller.role))) {
        throw Failure(Failure::Kind::forbidden,
                      "removing members needs an owner or admin, removing an owner needs an owner",
                      "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_MEMBER");
    }
    if (members_last_owner(transaction, member)) members_refuse_last_owner();
    members_delete(transaction, member);
    return member;
}

Member leave_space(base::Transaction& transaction, const User& user,
                   std::string_view organization_id) {
    own_membership(transaction, user, organization_id);
    lock_space(transaction, organization_id);
    const Member member = own_membership(transaction, user, organization_id);
    if (members_last_owner(transaction, member)) members_refuse_last_owner();
    members_delete(transaction, member);
    return member;
}

Member update_member_role(base::Transaction& transaction, const User& user,
                          std::string_view organization_id, std::string_view member_id,
                          const std::string& roles) {
    own_membership(transaction, user, organization_id);
    const Space space = lock_space(transaction, organization_id);
    const Member caller = own_membership(transaction, user, organization_id);
    Member member = members_find(transaction, organization_id, member_id, "memberId");
    const bool of_owners = is_owner(member.role) || is_owner(roles);
    if (!may(caller.role, Right::update_member) || (of_owners && !is_owner(caller.role))) {
        throw Failure(
            Failure::Kind::forbidden,
            "changing roles needs an owner or admin, making or changing an owner an owner",
            "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER");
    }
    // A personal space has one owner: the user whose it is.
    if (!space.personal_user_id.empty() && is_owner(roles) &&
        member.user_id != space.personal_user_id) {
        throw Failure(Failure::Kind::forbidden, "a personal space has no other owner",
                      "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER");
    }
    if (!is_owner(roles) && members_last_owner(transaction, member)) {
        throw Failure(Failure::Kind::invalid,
                      "role must keep owner: the space would have no owner any more",
                      "YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER");
    }
    transaction.run(update_role_row, {member.id, roles});
    member.role = roles;
    // What she could invite to before, she may not be able to now.
    cancel_invitations_by(transaction, organization_id, member.user_id, roles);
    return member;
}

}  // namespace auth
