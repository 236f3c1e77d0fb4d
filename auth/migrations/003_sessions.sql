-- Login sessions, one-time verification rows and signing keys.

create table if not exists auth.sessions (
    id text primary key,
    expires_at timestamptz not null,
    token text not null constraint sessions_token_unique unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    ip_address text,
    user_agent text,
    user_id text not null references auth.users (id) on delete cascade,
    refresh_token text,
    refresh_token_expires_at timestamptz,
    device_id text,
    device_name text,
    last_activity_at timestamptz default now(),
    revoked_at timestamptz,
    remember_me boolean default false
);

alter table auth.sessions
    add column if not exists revoked_at timestamptz,
    add column if not exists short_lived boolean not null default false;

-- A database that leaks must not hand out live sessions: clear tokens become digests, once. Holders
-- of such a token stay logged in, since presenting it is hashed in the same way.
update auth.sessions
   set token = 'sha256:' || encode(sha256(convert_to(token, 'UTF8')), 'hex')
 where token not like 'sha256:%';
update auth.sessions set refresh_token = null where refresh_token is not null;

alter table auth.sessions drop constraint if exists sessions_token_is_digest;
alter table auth.sessions
    add constraint sessions_token_is_digest check (token ~ '^sha256:[0-9a-f]{64}$');

-- Deleting a user and listing her sessions go by user.
create index if not exists sessions_user_id_idx on auth.sessions (user_id);
-- Expired sessions are cleaned up by age.
create index if not exists sessions_expires_at_idx on auth.sessions (expires_at);

comment on column auth.sessions.token is
    'sha256:<hex of SHA-256 of the session token>; the token itself is never stored';
comment on column auth.sessions.short_lived is
    'Signed in without "remember me": 24 hours, never renewed';

create table if not exists auth.verification (
    id text primary key,
    identifier text not null,
    value text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
-- Links are looked up by what they carry.
create index if not exists verification_identifier_idx on auth.verification (identifier);
-- What waits for one user: not mailing twice, deleting with her.
create index if not exists verification_value_idx on auth.verification (value);

create table if not exists auth.jwks (
    id text primary key,
    public_key text not null,
    private_key text not null,
    created_at timestamptz not null default now()
);
comment on column auth.jwks.private_key is
    'JSON string of hex of the sealed private JWK; the key of the box is SHA-256 of the secret';
