#include "auth/account/personal_data.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace auth {

namespace {

constexpr int data_rows_max = 10'000;

constexpr std::string_view account_summary = R"(
    select u.id, u.email, u.name, u.role::text as role, u.created_at, u.email_verified,
           coalesce(u.two_factor_enabled, false) as two_factor,
           (select count(*) from auth.sessions s
             where s.user_id = u.id and s.expires_at > $2::timestamptz and s.revoked_at is null)
               as sessions,
           (select count(*) from auth.accounts a where a.user_id = u.id) as accounts,
           (select max(s.last_activity_at) from auth.sessions s where s.user_id = u.id)
               as last_login_at
      from auth.users u where u.id = $1 and u.deleted_at is null)";

constexpr std::string_view account_counts = R"(
    select (select count(*) from auth.sessions where user_id = $1) as sessions,
           (select count(*) from auth.accounts where user_id = $1) as accounts)";

constexpr auto account_parts = std::to_array<DataPart>({
    {"profile", "users", R"(
        select jsonb_build_object('id', id, 'email', email, 'name', name, 'image', image,
            'emailVerified', email_verified, 'role', role, 'accessTier', access_tier,
            'kind', kind, 'twoFactorEnabled', coalesce(two_factor_enabled, false),
            'onboardingCompletedAt', onboarding_completed_at,
            'feedbackShowRealName', feedback_show_real_name, 'feedbackKarma', feedback_karma,
            'createdAt', created_at, 'updatedAt', updated_at) as row
          from auth.users where id = $1)"},
    {"accounts", "accounts", R"(
        select jsonb_build_object('id', id, 'providerId', provider_id, 'accountId', account_id,
            'hasPassword', password is not null, 'scope', scope, 'createdAt', created_at,
            'updatedAt', updated_at) as row
          from auth.accounts where user_id = $1 order by created_at)"},
    {"sessions", "sessions", R"(
        select jsonb_build_object('id', id, 'createdAt', created_at, 'expiresAt', expires_at,
            'ipAddress', ip_address, 'userAgent', user_agent, 'deviceName', device_name,
            'lastActivityAt', last_activity_at, 'revokedAt', revoked_at,
            'activeOrganizationId', active_organization_id) as row
          from auth.sessions where user_id = $1 order by created_at desc limit 10001)"},
    {"spaces", "organizations", R"(
        select jsonb_build_object('id', o.id, 'name', o.name, 'slug', o.slug, 'logo', o.logo,
            'metadata', o.metadata, 'createdAt', o.created_at,
            'personal', o.personal_user_id is not distinct from $1) as row
          from auth.organizations o join auth.members m on m.organization_id = o.id
         where m.user_id = $1 order by o.created_at)"},
    {"memberships", "members", R"(
        select jsonb_build_object('id', id, 'organizationId', organization_id, 'role', role,
            'createdAt', created_at) as row
          from auth.members where user_id = $1 order by created_at)"},
    {"invitations", "invitations", R"(
        select jsonb_build_object('id', id, 'organizationId', organization_id, 'email', email,
            'role', role, 'status', status, 'sentByYou', inviter_id is not distinct from $1,
            'createdAt', created_at, 'expiresAt', expires_at) as row
          from auth.invitations
         where inviter_id = $1 or email = (select email from auth.users where id = $1)
         order by created_at desc limit 10001)"},
    {"passkeys", "passkeys", R"(
        select jsonb_build_object('id', id, 'name', name, 'deviceType', device_type,
            'backedUp', backed_up, 'transports', transports, 'createdAt', created_at,
            'lastUsedAt', last_used_at) as row
          from auth.passkeys where user_id = $1 order by created_at)"},
    {"apiKeys", "api_keys", R"(
        select jsonb_build_object('id', id, 'name', name, 'keyPrefix', key_prefix,
            'scopes', scopes, 'createdAt', created_at, 'lastUsedAt', last_used_at,
            'revokedAt', revoked_at) as row
          from auth.api_keys where user_id = $1 order by created_at)"},
    {"settings", "user_settings", R"(
        select jsonb_build_object('globalSettings', global_settings, 'appOverrides', app_overrides,
            'deviceSettings', device_settings, 'updatedAt', updated_at) as row
          from auth.user_settings where user_id = $1)"},
    {"securityEvents", "security_events", R"(
        select jsonb_build_object('eventType', event_type, 'ipAddress', ip_address,
            'userAgent', user_agent, 'metadata', metadata, 'createdAt', created_at) as row
          from auth.security_events where user_id = $1 order by created_at desc limit 10001)"},
    {"loginAttempts", "login_attempts", R"(
        select jsonb_build_object('ipAddress', ip_address, 'successful', successful,
            'method', method, 'attemptedAt', attempted_at) as row
          from auth.login_attempts where email = (select email from auth.users where id = $1)
         order by attempted_at desc limit 10001)"},
    {"persona", "personas", R"(
        select jsonb_build_object('archetype', archetype, 'systemPrompt', system_prompt,
            'moduleMix', module_mix, 'tickCadence', tick_cadence,
            'lastActiveAt', last_active_at, 'createdAt', created_at) as row
          from auth.personas where user_id = $1)"},
    {"personaVisits", "persona_visits", R"(
        select to_jsonb(v) as row from auth.persona_visits v
         where v.user_id = $1 order by v.slot desc limit 10001)"},
    {"personaActions", "persona_actions", R"(
        select to_jsonb(a) as row from auth.persona_actions a
         where a.persona_id = $1 order by a.created_at desc limit 10001)"},
    {"personaFeedback", "persona_feedback", R"(
        select to_jsonb(f) as row from auth.persona_feedback f
         where f.persona_id = $1 order by f.created_at desc limit 10001)"},
});

base::Json data_moment(const std::optional<base::Moment>& moment) {
    return moment ? base::Json(base::to_iso(*moment)) : base::Json(nullptr);
}

}  // namespace

std::optional<base::Json> summarise_account(base::Transaction& transaction,
                                            std::string_view user_id, base::Moment now) {
    const auto row = transaction.run(account_summary, {user_id, now}).first();
    if (!row) return std::nullopt;
    return base::Json{{"user",
                       {{"id", row->text("id")},
                        {"email", row->text("email")},
                        {"name", row->text("name")},
                        {"role", row->text("role")},
                        {"createdAt", base::to_iso(row->moment("created_at"))},
                        {"emailVerified", row->flag("email_verified")}}},
                      {"auth",
                       {{"sessionsCount", row->integer("sessions")},
                        {"accountsCount", row->integer("accounts")},
                        {"has2FA", row->flag("two_factor")},
                        {"lastLoginAt", data_moment(row->moment_or_none("last_login_at"))}}}};
}

std::span<const DataPart> data_parts() {
    return account_parts;
}

base::Json export_account(base::Transaction& transaction, std::string_view user_id) {
    base::Json details = base::Json::object();
    for (const DataPart& part : account_parts) {
        base::Json list = base::Json::array();
        bool cut = false;
        for (const auto& row : transaction.run(part.query, {user_id})) {
            cut = list.size() >= data_rows_max;
            if (cut) break;
            list.push_back(row.json("row"));
        }
        const std::string name(part.name);
        details[name] = std::move(list);
        if (cut) details[name + "Cut"] = true;
    }
    return details;
}

AccountCounts count_account(base::Transaction& transaction, std::string_view user_id) {
    const auto row = transaction.run(account_counts, {user_id})[0];
    return {row.integer("sessions"), row.integer("accounts")};
}

}  // namespace auth
