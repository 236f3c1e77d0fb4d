#include "auth/administration/directory.hpp"

#include <nlohmann/json.hpp>

namespace auth {

namespace {

constexpr std::string_view stats_of_service = R"(
    select
        (select count(*) from auth.users where deleted_at is null) as users,
        (select count(*) from auth.users where deleted_at is null
            and created_at > $1::timestamptz - interval '7 days') as users_7d,
        (select count(*) from auth.users where deleted_at is null
            and created_at > $1::timestamptz - interval '30 days') as users_30d,
        (select count(*) from auth.sessions
          where expires_at >= $1::timestamptz and revoked_at is null) as sessions,
        (select count(distinct user_id) from auth.sessions
          where last_activity_at > $1::timestamptz - interval '24 hours') as users_24h,
        (select count(*) from auth.security_events where event_type = 'LOGIN_SUCCESS'
            and created_at > $1::timestamptz - interval '7 days') as logins_7d,
        (select count(*) from auth.security_events where event_type = 'LOGIN_FAILURE'
            and created_at > $1::timestamptz - interval '7 days') as failures_7d)";

// $1 is a pattern of LIKE, escaped. The last activity is read only for the users of the page.
constexpr std::string_view directory_page = R"(
    select u.id, u.email, u.name, u.role::text as role, u.created_at,
           (select max(s.last_activity_at) from auth.sessions s where s.user_id = u.id)
               as last_active_at
      from auth.users u
     where u.deleted_at is null and ($1 = '' or u.email ilike $1 or u.name ilike $1)
     order by u.created_at desc, u.id limit $2::bigint offset $3::bigint)";

constexpr std::string_view directory_total = R"(
    select count(*) as n from auth.users u
     where u.deleted_at is null and ($1 = '' or u.email ilike $1 or u.name ilike $1))";

constexpr std::string_view users_of_tier = R"(
    select id, email, name, role::text as role, access_tier::text as tier, created_at
      from auth.users where deleted_at is null and access_tier = $1::auth.access_tier
     order by created_at desc, id limit 1000)";

constexpr std::string_view count_of_tier = R"(
    select count(*) as n from auth.users
     where deleted_at is null and access_tier = $1::auth.access_tier)";

constexpr std::string_view tier_of_user = R"(
    select id, email, access_tier::text as tier from auth.users
     where id = $1 and deleted_at is null)";

constexpr std::string_view update_tier = R"(
    update auth.users set access_tier = $2::auth.access_tier, updated_at = $3::timestamptz
     where id = $1 and deleted_at is null
    returning id, email, access_tier::text as tier)";

constexpr std::string_view update_space_tier = R"(
    update auth.organizations
       set metadata = jsonb_set(metadata, '{tier}', to_jsonb($2::text)),
           updated_at = $3::timestamptz
     where personal_user_id = $1)";

// "50%" -> "%50\%%"
std::string directory_pattern(std::string_view search) {
    if (search.empty()) return "";
    std::string pattern = "%";
    for (const char letter : search) {
        if (letter == '%' || letter == '_' || letter == '\\') pattern += '\\';
        pattern += letter;
    }
    return pattern + '%';
}

base::Json directory_user(const base::SqlRow& row) {
    return {{"id", row.text("id")},
            {"email", row.text("email")},
            {"name", row.text("name")},
            {"role", row.text("role")}};
}

base::Json directory_tier(const base::SqlRow& row) {
    return {{"id", row.text("id")}, {"email", row.text("email")}, {"accessTier", row.text("tier")}};
}

}  // namespace

base::Json service_stats(base::Transaction& transaction, base::Moment now) {
    const auto row = transaction.run(stats_of_service, {now})[0];
    return {
        {"totalUsers", row.integer("users")},          {"newUsers7d", row.integer("users_7d")},
        {"newUsers30d", row.integer("users_30d")},     {"activeSessions", row.integer("sessions")},
        {"uniqueUsers24h", row.integer("users_24h")},  {"loginSuccess7d", row.integer("logins_7d")},
        {"loginFailed7d", row.integer("failures_7d")}, {"generatedAt", base::to_iso(now)}};
}

base::Json list_directory(base::Transaction& transaction, const DirectoryQuery& query) {
    const std::string pattern = directory_pattern(query.search);
    base::Json users = base::Json::array();
    for (const auto& row :
         transaction.run(directory_page, {pattern, query.limit, (query.page - 1) * query.limit})) {
        base::Json user = directory_user(row);
        user["createdAt"] = base::to_iso(row.moment("created_at"));
        if (const auto at = row.moment_or_none("last_active_at")) {
            user["lastActiveAt"] = base::to_iso(*at);
        }
        users.push_back(std::move(user));
    }
    return {{"users", std::move(users)},
            {"total", transaction.run(directory_total, {pattern})[0].integer("n")},
            {"page", query.page},
            {"limit", query.limit}};
}

base::Json list_tier(base::Transaction& transaction, std::string_view tier) {
    base::Json users = base::Json::array();
    for (const auto& row : transaction.run(users_of_tier, {tier})) {
        base::Json user = directory_user(row);
        user["accessTier"] = row.text("tier");
        user["createdAt"] = base::to_iso(row.moment("created_at"));
        users.push_back(std::move(user));
    }
    return {{"users", std::move(users)},
            {"count", transaction.run(count_of_tier, {tier})[0].integer("n")}};
}

std::optional<base::Json> tier_of(base::Transaction& transaction, std::string_view user_id) {
    const auto row = transaction.run(tier_of_user, {user_id}).first();
    if (!row) return std::nullopt;
    return directory_tier(*row);
}

std::optional<base::Json> change_tier(base::Transaction& transaction, std::string_view user_id,
                                      std::string_view tier, base::Moment now) {
    const auto row = transaction.run(update_tier, {user_id, tier, now}).first();
    if (!row) return std::nullopt;
    transaction.run(update_space_tier, {user_id, tier, now});
    return directory_tier(*row);
}

}  // namespace auth
