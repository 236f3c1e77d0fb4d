-- The schema of the auth service, its words, and who may touch it. Every file of this set works on
-- an empty database and on a filled database of the service that came before.

create schema if not exists auth;

do $$
declare
    foreign_table text;
begin
    select c.oid::regclass::text into foreign_table
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'auth' and c.relkind in ('r', 'p')
       and not pg_has_role(current_user, c.relowner, 'USAGE')
     limit 1;
    if foreign_table is not null then
        raise exception 'table % belongs to another role', foreign_table
            using hint = 'Run as superuser, in this database: REASSIGN OWNED BY <old role> TO '
                         || current_user;
    end if;
end $$;

-- The words may already exist, in this schema or (older databases) in public.
do $$
declare
    word record;
begin
    for word in select * from (values
        ('user_role', array['user', 'admin', 'service']),
        ('access_tier', array['guest', 'public', 'beta', 'alpha', 'founder']),
        ('user_kind', array['human', 'persona', 'system'])) as words(name, labels)
    loop
        if to_regtype('auth.' || word.name) is not null then
            continue;
        elsif to_regtype('public.' || word.name) is not null then
            execute format('alter type public.%I set schema auth', word.name);
        else
            execute format('create type auth.%I as enum (%s)', word.name,
                (select string_agg(quote_literal(label), ', ' order by place)
                   from unnest(word.labels) with ordinality as l(label, place)));
        end if;
    end loop;
end $$;

-- The serving role reads and writes rows and can do nothing else; the read-only role sees nothing
-- here (password hashes, sessions and keys live in this schema).
do $$
begin
    if exists (select from pg_roles where rolname = 'mana_app') then
        grant usage on schema auth to mana_app;
        alter default privileges in schema auth
            grant select, insert, update, delete on tables to mana_app;
        alter default privileges in schema auth grant usage, select on sequences to mana_app;
        grant select, insert, update, delete on all tables in schema auth to mana_app;
        grant usage, select on all sequences in schema auth to mana_app;
    end if;
end $$;
