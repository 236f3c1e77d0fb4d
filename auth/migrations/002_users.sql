-- Users and the accounts they log in with.

create table if not exists auth.users (
    id text primary key,
    name text not null,
    email text not null constraint users_email_unique unique,
    email_verified boolean not null default false,
    image text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    role auth.user_role not null default 'user',
    access_tier auth.access_tier not null default 'public',
    kind auth.user_kind not null default 'human',
    two_factor_enabled boolean default false,
    deleted_at timestamptz,
    onboarding_completed_at timestamptz,
    feedback_show_real_name boolean not null default false,
    feedback_karma integer not null default 0
);

alter table auth.users
    add column if not exists role auth.user_role not null default 'user',
    add column if not exists access_tier auth.access_tier not null default 'public',
    add column if not exists kind auth.user_kind not null default 'human',
    add column if not exists two_factor_enabled boolean default false,
    add column if not exists deleted_at timestamptz,
    add column if not exists onboarding_completed_at timestamptz,
    add column if not exists feedback_show_real_name boolean not null default false,
    add column if not exists feedback_karma integer not null default 0;

-- Addresses are compared as plain text, so every row must hold the lower-case form. A spelling that
-- would collide with another account is left alone for an operator to settle.
update auth.users u set email = lower(u.email)
 where u.email <> lower(u.email)
   and not exists (select from auth.users o where o.id <> u.id and lower(o.email) = lower(u.email));

-- The daily sign-up cap counts users of one UTC day.
create index if not exists users_created_at_idx on auth.users (created_at);

create table if not exists auth.accounts (
    id text primary key,
    account_id text not null,
    provider_id text not null,
    user_id text not null references auth.users (id) on delete cascade,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expires_at timestamptz,
    refresh_token_expires_at timestamptz,
    scope text,
    password text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- One password account per user: of duplicates the one changed last is the one that works.
delete from auth.accounts a using auth.accounts b
 where a.provider_id = b.provider_id and a.account_id = b.account_id
   and (a.updated_at, a.id) < (b.updated_at, b.id);
create unique index if not exists accounts_provider_account_key
    on auth.accounts (provider_id, account_id);
-- Login reads the password of one user.
create index if not exists accounts_user_id_idx on auth.accounts (user_id);

comment on column auth.accounts.password is
    'scrypt: <32 hex of salt text>:<128 hex of key>; N=16384 r=16 p=1';
