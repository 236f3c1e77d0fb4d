-- A database that Better Auth laid out itself lacks columns and defaults that the service before us
-- added to it. Tables that are not there, or belong to another role (the next file says so), are
-- left alone; on a database of ours this changes nothing.

create function pg_temp.as_object(text) returns jsonb language plpgsql as $$
begin
    return $1::jsonb;
exception when others then
    return '{}'::jsonb;
end $$;

create function pg_temp.ours(name text) returns boolean language sql as $$
    select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = 'auth' and c.relname = $1 and c.relkind = 'r'
                      and pg_has_role(current_user, c.relowner, 'USAGE'));
$$;

do $$
begin
    if pg_temp.ours('users') and exists (
        select from pg_constraint where conrelid = to_regclass('auth.users')
                                    and conname = 'users_email_key') then
        alter table auth.users rename constraint users_email_key to users_email_unique;
    end if;

    if pg_temp.ours('sessions') then
        alter table auth.sessions
            add column if not exists refresh_token text,
            add column if not exists refresh_token_expires_at timestamptz,
            add column if not exists device_id text,
            add column if not exists device_name text,
            add column if not exists last_activity_at timestamptz default now(),
            add column if not exists remember_me boolean default false,
            alter column created_at set default now(),
            alter column updated_at set default now();
    end if;

    if pg_temp.ours('accounts') then
        alter table auth.accounts
            alter column created_at set default now(),
            alter column updated_at set default now();
    end if;

    if pg_temp.ours('organizations') then
        alter table auth.organizations
            add column if not exists updated_at timestamptz not null default now(),
            alter column created_at set default now(),
            alter column slug drop not null;
        if exists (select from information_schema.columns
                    where table_schema = 'auth' and table_name = 'organizations'
                      and column_name = 'metadata' and data_type = 'text') then
            alter table auth.organizations
                alter column metadata type jsonb using pg_temp.as_object(metadata);
        end if;
    end if;

    if pg_temp.ours('members') then
        alter table auth.members alter column created_at set default now();
    end if;

    if pg_temp.ours('invitations') then
        alter table auth.invitations
            alter column created_at set default now(),
            alter column inviter_id drop not null;
    end if;

    if pg_temp.ours('two_factor_auth') then
        alter table auth.two_factor_auth
            add column if not exists enabled boolean not null default false,
            add column if not exists created_at timestamptz not null default now(),
            add column if not exists enabled_at timestamptz;
    end if;

    if pg_temp.ours('passkeys') then
        alter table auth.passkeys
            add column if not exists last_used_at timestamptz,
            alter column counter set default 0,
            alter column backed_up set default false,
            alter column created_at set default now();
        update auth.passkeys set created_at = now() where created_at is null;
        alter table auth.passkeys alter column created_at set not null;
        delete from auth.passkeys a using auth.passkeys b
         where a.credential_id = b.credential_id and (a.created_at, a.id) > (b.created_at, b.id);
        if not exists (select from pg_constraint where conrelid = to_regclass('auth.passkeys')
                          and conname = 'passkeys_credential_id_unique') then
            alter table auth.passkeys
                add constraint passkeys_credential_id_unique unique (credential_id);
        end if;
    end if;
end $$;

drop function pg_temp.as_object(text);
drop function pg_temp.ours(text);
