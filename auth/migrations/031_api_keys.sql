-- Keys that users give to programs of theirs.

create table if not exists auth.api_keys (
    id text primary key,
    user_id text not null references auth.users (id) on delete cascade,
    name text not null,
    key_prefix text not null,
    key_hash text not null,
    scopes jsonb not null default '["stt", "tts"]'::jsonb,
    rate_limit_requests integer not null default 60,
    rate_limit_window integer not null default 60,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
);
-- Uses within the current window; `used_since` is its start.
alter table auth.api_keys
    add column if not exists used integer not null default 0,
    add column if not exists used_since timestamptz;
create index if not exists api_keys_user_id_idx on auth.api_keys (user_id);
-- A key is looked up by what it hashes to, and belongs to one user.
create unique index if not exists api_keys_key_hash_key on auth.api_keys (key_hash);
comment on column auth.api_keys.key_hash is 'Hex of SHA-256 of the whole key';
