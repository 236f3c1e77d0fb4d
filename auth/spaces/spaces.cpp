#include "auth/spaces/spaces.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view space_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t space_id_length = 21;
constexpr std::string_view slug_alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t slug_length_max = 30;

constexpr auto reserved_slugs = std::to_array<std::string_view>(
    {"me", "admin", "api", "auth", "login", "logout", "signup", "signin", "register", "settings",
     "new", "app", "www", "support", "help", "billing", "invite"});

constexpr std::string_view owner_of_new_space = R"(
    select u.name, u.email, u.access_tier::text as tier,
           exists (select from auth.organizations o where o.personal_user_id = u.id) as has_space
      from auth.users u where u.id = $1 for update)";

// Two users with one local part may come at once: the slug is taken by the insert, not by a look.
constexpr std::string_view insert_space = R"(
    insert into auth.organizations (id, name, slug, metadata, personal_user_id, created_at,
                                    updated_at)
    values ($1, $2, $3, $4::jsonb, $5, $6::timestamptz, $6::timestamptz)
    on conflict (slug) do nothing
    returning id)";

constexpr std::string_view taken_slugs = R"(
    select slug from auth.organizations where slug = $1 or slug like $1 || '-%' limit 5000)";

constexpr std::string_view insert_member = R"(
    insert into auth.members (id, organization_id, user_id, role, created_at)
    values ($1, $2, $3, $4, $5::timestamptz))";

constexpr std::string_view spaces_of_user = R"(
    select o.name, o.slug, o.logo, o.created_at, o.metadata, o.id
      from auth.members m join auth.organizations o on o.id = m.organization_id
     where m.user_id = $1 order by m.created_at, m.id limit 100)";

constexpr std::string_view memberships_of_user = R"(
    select organization_id, role from auth.members
     where user_id = $1 order by created_at, id limit 1000)";

constexpr std::string_view personal_space_of_user =
    "select id from auth.organizations where personal_user_id = $1";

// Two owners of one space who are deleted at once would each see the other stay.
constexpr std::string_view lock_spaces_of_user = R"(
    select id from auth.organizations
     where id in (select organization_id from auth.members where user_id = $1)
     order by id for update)";

constexpr std::string_view delete_lonely_spaces = R"(
    delete from auth.organizations o
     where exists (select from auth.members m where m.organization_id = o.id and m.user_id = $1
                      and 'owner' = any(string_to_array(m.role, ',')))
       and not exists (select from auth.members m where m.organization_id = o.id
                          and m.user_id <> $1 and 'owner' = any(string_to_array(m.role, ',')))
    returning o.id)";

std::string slug_candidate(const std::string& wish, int attempt) {
    if (attempt == 1) return wish;
    if (attempt <= 999) return wish + "-" + std::to_string(attempt);
    return wish + "-" + base::random_text(6, slug_alphabet);
}

// The first free slug at or after `attempt`; looks once, so that a popular name costs no thousand
// round trips.
int slug_attempt(base::Transaction& transaction, const std::string& wish, int attempt) {
    std::vector<std::string> taken;
    for (const auto& row : transaction.run(taken_slugs, {wish})) taken.push_back(row.text("slug"));
    while (attempt < 1000) {
        const std::string slug = slug_candidate(wish, attempt);
        const bool used = std::find(taken.begin(), taken.end(), slug) != taken.end();
        if (!used && !is_reserved_slug(slug)) return attempt;
        ++attempt;
    }
    return attempt;
}

}  // namespace

bool is_reserved_slug(std::string_view slug) {
    return std::find(reserved_slugs.begin(), reserved_slugs.end(), slug) != reserved_slugs.end();
}

std::string slug_of_email(std::string_view email) {
    const std::string local = base::lower_ascii(email.substr(0, email.find('@')));
    std::string slug;
    for (const char letter : local) {
        const bool plain = slug_alphabet.find(letter) != std::string_view::npos;
        if (plain) {
            slug += letter;
        } else if (!slug.ends_with('-')) {
            slug += '-';
        }
    }
    if (slug.starts_with('-')) slug.erase(0, 1);
    if (slug.ends_with('-')) slug.pop_back();
    return slug.substr(0, slug_length_max);
}

void ensure_personal_space(base::Transaction& transaction, std::string_view user_id,
                           base::Moment now) {
    const auto owner = transaction.run(owner_of_new_space, {user_id}).first();
    if (!owner) base::strange_answer("a personal space's user is not there");
    if (owner->flag("has_space")) return;

    const std::string email = owner->text("email");
    std::string name(base::trim(owner->text("name")));
    if (name.empty()) name = email.substr(0, email.find('@'));
    if (name.empty()) name = "Personal";
    const base::Json metadata = {{"tier", owner->text("tier")}, {"type", "personal"}};

    std::string wish = slug_of_email(email);
    if (wish.empty()) wish = "user-" + base::random_text(6, slug_alphabet);
    const std::string id = base::random_text(space_id_length, space_alphabet);
    int attempt = 1;
    bool made = false;
    for (int round = 0; round < 20 && !made; ++round) {
        attempt = slug_attempt(transaction, wish, attempt);
        made = !transaction
                    .run(insert_space,
                         {id, name, slug_candidate(wish, attempt), metadata, user_id, now})
                    .empty();
        ++attempt;
    }
    if (!made) {
        throw base::Failure(base::Failure::Kind::unavailable,
                            "no free name for the personal space was found; try again");
    }
    transaction.run(insert_member, {base::random_text(space_id_length, space_alphabet), id, user_id,
                                    "owner", now});
}

base::Json list_spaces(base::Transaction& transaction, std::string_view user_id) {
    base::Json spaces = base::Json::array();
    for (const auto& row : transaction.run(spaces_of_user, {user_id})) {
        const auto slug = row.text_or_none("slug");
        const auto logo = row.text_or_none("logo");
        spaces.push_back({{"name", row.text("name")},
                          {"slug", slug ? base::Json(*slug) : base::Json(nullptr)},
                          {"logo", logo ? base::Json(*logo) : base::Json(nullptr)},
                          {"createdAt", base::to_iso(row.moment("created_at"))},
                          {"metadata", row.json("metadata")},
                          {"id", row.text("id")}});
    }
    return spaces;
}

std::string personal_space_of(base::Transaction& transaction, std::string_view user_id) {
    const auto row = transaction.run(personal_space_of_user, {user_id}).first();
    return row ? row->text("id") : "";
}

std::vector<Membership> list_memberships(base::Transaction& transaction, std::string_view user_id) {
    std::vector<Membership> memberships;
    for (const auto& row : transaction.run(memberships_of_user, {user_id})) {
        memberships.push_back({row.text("organization_id"), row.text("role")});
    }
    return memberships;
}

std::vector<std::string> delete_spaces_owned_alone(base::Transaction& transaction,
                                                   std::string_view user_id) {
    transaction.run(lock_spaces_of_user, {user_id});
    std::vector<std::string> gone;
    for (const auto& row : transaction.run(delete_lonely_spaces, {user_id})) {
        gone.push_back(row.text("id"));
    }
    return gone;
}

}  // namespace auth
