-- What proves a user beside her password: second factors, trusted devices, mailed links, passkeys.
-- Ids that somebody presents are stored as 'sha256:<hex>', so a leaked table opens nothing.

create table if not exists auth.two_factor_auth (
    user_id text primary key references auth.users (id) on delete cascade,
    secret text not null,
    enabled boolean not null default false,
    backup_codes text not null,
    created_at timestamptz not null default now(),
    enabled_at timestamptz
);
alter table auth.two_factor_auth
    add column if not exists totp_verified boolean not null default false,
    add column if not exists last_step bigint,
    add column if not exists failures integer not null default 0,
    add column if not exists locked_until timestamptz,
    add column if not exists pending_secret text,
    add column if not exists pending_backup_codes text;
-- Some databases of the ancestor gave the table an id of its own.
do $$
begin
    if exists (select from information_schema.columns
                where table_schema = 'auth' and table_name = 'two_factor_auth'
                  and column_name = 'id') then
        alter table auth.two_factor_auth alter column id set default gen_random_uuid()::text;
        delete from auth.two_factor_auth a using auth.two_factor_auth b
         where a.user_id = b.user_id and (a.created_at, a.id) < (b.created_at, b.id);
        create unique index if not exists two_factor_auth_user_key
            on auth.two_factor_auth (user_id);
    end if;
end $$;
-- The ancestor never wrote `enabled`: its truth was the user's own flag.
update auth.two_factor_auth f
   set enabled = true, totp_verified = true, enabled_at = coalesce(f.enabled_at, f.created_at)
  from auth.users u
 where u.id = f.user_id and u.two_factor_enabled and not f.enabled;
comment on column auth.two_factor_auth.secret is
    'Sealed TOTP secret: "v1:<hex>" by a key of its own, else hex by SHA-256 of the secret';
comment on column auth.two_factor_auth.last_step is
    'The newest 30-second step whose code was taken: it and older ones are worth nothing';
comment on column auth.two_factor_auth.pending_secret is
    'Of an enrolment anew: it takes the place of secret when a code of it was shown';

-- A login that waits for its second factor.
create table auth.login_challenges (
    id text primary key check (id ~ '^sha256:[0-9a-f]{64}$'),
    user_id text not null references auth.users (id) on delete cascade,
    first_factor text not null check (first_factor in ('password', 'magic_link', 'passkey')),
    remember boolean not null,
    attempts integer not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
-- Cleaning up goes by age.
create index login_challenges_expires_at_idx on auth.login_challenges (expires_at);
create index login_challenges_user_id_idx on auth.login_challenges (user_id);

-- Codes that were mailed as second factor, one per challenge or session.
create table auth.mailed_codes (
    holder text primary key check (holder ~ '^sha256:[0-9a-f]{64}$'),
    user_id text not null references auth.users (id) on delete cascade,
    code text not null,
    attempts integer not null default 0,
    sends integer not null default 1,
    expires_at timestamptz not null
);
create index mailed_codes_expires_at_idx on auth.mailed_codes (expires_at);
comment on column auth.mailed_codes.code is 'Hex of an HMAC: six digits alone would be guessed';

-- Devices that need no second factor for 30 days.
create table auth.trusted_devices (
    id text primary key check (id ~ '^sha256:[0-9a-f]{64}$'),
    user_id text not null references auth.users (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index trusted_devices_expires_at_idx on auth.trusted_devices (expires_at);
create index trusted_devices_user_id_idx on auth.trusted_devices (user_id);
-- The ancestor kept them among its one-time rows, in clear.
insert into auth.trusted_devices (id, user_id, created_at, expires_at)
select 'sha256:' || encode(sha256(convert_to(v.identifier, 'UTF8')), 'hex'), u.id, v.created_at,
       v.expires_at
  from auth.verification v join auth.users u on u.id = v.value
 where v.identifier like 'trust-device-%'
on conflict do nothing;
delete from auth.verification
 where identifier like 'trust-device-%' or identifier like '2fa-%';

create table auth.magic_links (
    token text primary key check (token ~ '^sha256:[0-9a-f]{64}$'),
    email text not null,
    name text,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index magic_links_expires_at_idx on auth.magic_links (expires_at);

create table if not exists auth.passkeys (
    id text primary key,
    user_id text not null references auth.users (id) on delete cascade,
    credential_id text not null constraint passkeys_credential_id_unique unique,
    public_key text not null,
    counter bigint not null default 0,
    device_type text not null,
    backed_up boolean not null default false,
    transports text,
    name text,
    aaguid text,
    last_used_at timestamptz,
    created_at timestamptz not null default now()
);
do $$
begin
    if exists (select from information_schema.columns
                where table_schema = 'auth' and table_name = 'passkeys'
                  and column_name = 'friendly_name') then
        alter table auth.passkeys rename column friendly_name to name;
    end if;
    if exists (select from information_schema.columns
                where table_schema = 'auth' and table_name = 'passkeys'
                  and column_name = 'transports' and data_type = 'jsonb') then
        alter table auth.passkeys
            alter column transports type text using translate(transports::text, '[]" ', '');
    end if;
end $$;
alter table auth.passkeys alter column counter type bigint;
alter table auth.passkeys
    add column if not exists aaguid text,
    add column if not exists failures integer not null default 0,
    add column if not exists failures_since timestamptz,
    add column if not exists blocked_until timestamptz;
create index if not exists passkeys_user_id_idx on auth.passkeys (user_id);
comment on column auth.passkeys.public_key is 'Base64 of the COSE key';

-- What a browser was asked to sign; good once.
create table auth.passkey_challenges (
    id text primary key check (id ~ '^sha256:[0-9a-f]{64}$'),
    ceremony text not null check (ceremony in ('registration', 'authentication')),
    challenge text not null,
    user_id text references auth.users (id) on delete cascade,
    expires_at timestamptz not null
);
create index passkey_challenges_expires_at_idx on auth.passkey_challenges (expires_at);
create index passkey_challenges_user_id_idx on auth.passkey_challenges (user_id);
