// A database that the service before us filled: its users stay logged in, its passwords and keys
// stay good, and what it left broken is mended.
#include "auth/identity/cookie.hpp"
#include "base/jwt.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

// As dumped from the running ancestor; the words stand in public, as in its older installations.
constexpr std::string_view ancestor_schema = R"(
create schema auth;
create type public.user_role as enum ('user', 'admin', 'service');
create type public.access_tier as enum ('guest', 'public', 'beta', 'alpha', 'founder');
create type auth.user_kind as enum ('human', 'persona', 'system');
create table auth.users (id text primary key, name text not null,
    email text not null constraint users_email_unique unique,
    email_verified boolean not null default false, image text,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
    role public.user_role not null default 'user',
    access_tier public.access_tier not null default 'public',
    kind auth.user_kind not null default 'human', two_factor_enabled boolean default false,
    deleted_at timestamptz, onboarding_completed_at timestamptz);
create table auth.sessions (id text primary key, expires_at timestamptz not null,
    token text not null constraint sessions_token_unique unique,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
    ip_address text, user_agent text,
    user_id text not null references auth.users (id) on delete cascade,
    refresh_token text unique, refresh_token_expires_at timestamptz, device_id text,
    device_name text, last_activity_at timestamptz default now(), revoked_at timestamptz,
    remember_me boolean default false);
create table auth.accounts (id text primary key, account_id text not null,
    provider_id text not null, user_id text not null references auth.users (id) on delete cascade,
    access_token text, refresh_token text, id_token text, access_token_expires_at timestamptz,
    refresh_token_expires_at timestamptz, scope text, password text,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now());
create table auth.verification (id text primary key, identifier text not null,
    value text not null, expires_at timestamptz not null,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now());
create table auth.jwks (id text primary key, public_key text not null, private_key text not null,
    created_at timestamptz not null default now());
create table auth.organizations (id text primary key, name text not null, slug text unique,
    logo text, metadata jsonb, created_at timestamptz not null default now(),
    updated_at timestamptz not null default now());
create index organizations_slug_idx on auth.organizations (slug);
create table auth.members (id text primary key,
    organization_id text not null references auth.organizations (id) on delete cascade,
    user_id text not null, role text not null, created_at timestamptz not null default now());
create index members_organization_id_user_id_idx on auth.members (organization_id, user_id);
create table auth.security_events (id uuid primary key default gen_random_uuid(),
    user_id text references auth.users (id) on delete cascade, event_type text not null,
    ip_address text, user_agent text, metadata jsonb,
    created_at timestamptz not null default now());
create table auth.login_attempts (id serial primary key, email text not null, ip_address text,
    successful boolean not null default false, attempted_at timestamptz not null default now(),
    method text not null default 'password');
)";

constexpr std::string_view ancestor_rows = R"(
insert into auth.users (id, name, email, email_verified, role, access_tier) values
    ('anna', 'Anna', 'anna@example.com', true, 'admin', 'founder'),
    ('ben', 'Ben', 'ben@example.com', true, 'user', 'public');
insert into auth.accounts (id, account_id, provider_id, user_id, password, updated_at) values
    ('a0', 'anna', 'credential', 'anna', 'outdated', '2026-01-01'),
    ('a1', 'anna', 'credential', 'anna', '@hash@', '2026-02-01');
insert into auth.sessions (id, expires_at, token, user_id, refresh_token) values
    ('s1', '2026-11-26 20:00:00+00', 'MLILhZrdnnbklYy2e9PgD0mTmiQ00m4r', 'anna', 'old'),
    ('s2', '2026-11-25 20:00:00+00', 'AAAAhZrdnnbklYy2e9PgD0mTmiQ00m4r', 'ben', null);
insert into auth.organizations (id, name, slug, metadata, created_at) values
    ('o1', 'Anna', 'anna', '{"tier":"public","type":"personal"}', '2026-01-01'),
    ('o2', 'Team', 'team', '"{\"type\":\"team\",\"voiceDoc\":\"x\"}"', '2026-01-02'),
    ('o3', 'Ghost', 'ghost', '{"type":"personal"}', '2026-01-03'),
    ('o4', 'Odd', 'odd', '"not json"', '2026-01-04'),
    ('o5', 'None', 'none', null, '2026-01-05'),
    ('o6', 'Second', 'anna-2', '{"type":"personal"}', '2026-01-06');
insert into auth.members (id, organization_id, user_id, role, created_at) values
    ('m1', 'o1', 'anna', 'owner', '2026-01-01'),
    ('m2', 'o2', 'anna', 'member', '2026-01-01'),
    ('m3', 'o2', 'anna', 'owner', '2026-01-02'),
    ('m4', 'o3', 'ghost', 'owner', '2026-01-03'),
    ('m5', 'o6', 'anna', 'owner', '2026-01-06');
insert into auth.security_events (user_id, event_type) values ('anna', 'REGISTER');
insert into auth.login_attempts (email) values ('Anna@Example.com');
)";

class TakeoverTest : public ServiceTest {
  protected:
    TakeoverTest() : ServiceTest(std::vector<test_support::MigrationSet>{}) {
        run(std::string(ancestor_schema));
        std::string rows(ancestor_rows);
        rows.replace(rows.find("@hash@"), 6, good_password_hash);
        run(rows);
        const base::Json jwk = {{"crv", "Ed25519"},
                                {"d", "xDkfQH1987Mk6KWBGtDNrIie0accJfIYYaBnboNFZ2E"},
                                {"x", "GPAlKY5Y39ZaxXL1a3DJ9whlRKtWv3Jje9aeSC_KCQI"},
                                {"kty", "OKP"}};
        owner_.transact([&](base::Transaction& transaction) {
            transaction.run(
                "insert into auth.jwks (id, public_key, private_key) values ($1, $2, $3)",
                {"ancestor-key",
                 base::to_text({{"crv", "Ed25519"}, {"x", jwk["x"]}, {"kty", "OKP"}}),
                 sealed_as_before(jwk)});
        });
        base::migrate(database_.owner_url(), "auth", auth::migrations());
        start();
    }

    // The box of the service before us: its key is SHA-256 of the secret.
    static std::string sealed_as_before(const base::Json& jwk) {
        return base::to_text(base::Json(
            base::to_hex(base::seal(base::sha256(service_secret.reveal()), base::to_text(jwk)))));
    }

    void run(const std::string& statements) {
        owner_.transact([&](base::Transaction& transaction) {
            for (std::size_t begin = 0; begin < statements.size();) {
                const std::size_t end = statements.find(";\n", begin);
                if (end == std::string::npos) break;
                transaction.run(statements.substr(begin, end - begin));
                begin = end + 2;
            }
        });
    }

    base::Postgres owner_{base::PostgresOptions{.url = database_.owner_url()}};
};

TEST_F(TakeoverTest, TheOldPasswordLogsInAndTheOldKeySigns) {
    const Answer in = login("anna@example.com");

    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_EQ(in.json["user"]["role"], "admin");
    EXPECT_EQ(in.json["user"]["accessTier"], "founder");
    EXPECT_EQ(base::kid_of(in.text("accessToken")), "ancestor-key");
    const base::Json jwks = get("/api/auth/jwks").json;
    ASSERT_EQ(jwks["keys"].size(), 1u);
    EXPECT_EQ(jwks["keys"][0]["x"], "GPAlKY5Y39ZaxXL1a3DJ9whlRKtWv3Jje9aeSC_KCQI");
    EXPECT_EQ(post("/api/v1/auth/validate", {{"token", in.text("accessToken")}}).json["valid"],
              true);
}

TEST_F(TakeoverTest, WhoWasLoggedInStaysLoggedIn) {
    const base::HttpHeaders cookie = {{"Cookie",
                                       "mana.session_token=MLILhZrdnnbklYy2e9PgD0mTmiQ00m4r."
                                       "qzBMUsJJGlFJylXc%2BrUNaQ44zEYky8M9iI61f0LSI8E%3D"}};

    EXPECT_EQ(get("/api/auth/get-session", cookie).json["session"]["id"], "s1");
    EXPECT_EQ(get("/api/auth/token", bearer("AAAAhZrdnnbklYy2e9PgD0mTmiQ00m4r")).status, 200);
    EXPECT_EQ(count("auth.sessions where token not like 'sha256:%'"), 0);
    EXPECT_EQ(count("auth.sessions where refresh_token is not null"), 0);
    EXPECT_THROW(sql("insert into auth.sessions (id, expires_at, token, user_id) values ('x', "
                     "now(), 'clear', 'anna')"),
                 base::Failure);
}

// auth-api-doubts B16, B64, B66
TEST_F(TakeoverTest, WhatWasBrokenIsMended) {
    EXPECT_EQ(count("auth.accounts"), 1);
    EXPECT_EQ(count("auth.organizations where jsonb_typeof(metadata) <> 'object'"), 0);
    EXPECT_EQ(count("auth.organizations where id = 'o2' and metadata ->> 'voiceDoc' = 'x'"), 1);
    EXPECT_EQ(count("auth.organizations where id = 'o3'"), 0) << "its owner is gone";
    EXPECT_EQ(sql("select role from auth.members where organization_id = 'o2'")[0].text("role"),
              "owner");
    EXPECT_EQ(count("auth.members where organization_id = 'o2'"), 1);
    EXPECT_EQ(
        sql("select id from auth.organizations where personal_user_id = 'anna'")[0].text("id"),
        "o1");
    EXPECT_EQ(count("auth.login_attempts where email = 'anna@example.com'"), 1);
    EXPECT_EQ(count("pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname = "
                    "'auth' and t.typname in ('user_role', 'access_tier', 'user_kind')"),
              3);

    const Answer spaces =
        get("/api/auth/organization/list", bearer(login("anna@example.com").text("accessToken")));
    EXPECT_EQ(spaces.json.size(), 3u);
}

TEST_F(TakeoverTest, ApplyingAgainChangesNothing) {
    EXPECT_TRUE(base::migrate(database_.owner_url(), "auth", auth::migrations()).empty());
}

TEST_F(TakeoverTest, TheReadingRoleSeesNoSecret) {
    base::Postgres ops({.url = database_.ops_url()});
    for (const std::string table : {"users", "accounts", "sessions", "jwks", "verification"}) {
        EXPECT_THROW(ops.transact([&](base::Transaction& transaction) {
            transaction.run("select * from auth." + table);
        }),
                     base::Failure)
            << table;
    }
}

}  // namespace
}  // namespace tests
