-- Who tried to log in, who is locked out, and what happened to accounts.

create table if not exists auth.login_attempts (
    id serial primary key,
    email text not null,
    ip_address text,
    successful boolean not null default false,
    attempted_at timestamptz not null default now(),
    method text not null default 'password'
);
alter table auth.login_attempts
    add column if not exists method text not null default 'password';
update auth.login_attempts set email = lower(email) where email <> lower(email);
-- "Has she logged in from this address before?"; failures are read by age only.
create index if not exists login_attempts_email_method_time_idx
    on auth.login_attempts (email, method, attempted_at);
create index if not exists login_attempts_attempted_at_idx on auth.login_attempts (attempted_at);

-- Wrong passwords in a row, per address and place. A place is an address the user logged in from
-- before, or '' for everywhere else, so that a stranger cannot lock her out at home.
create table if not exists auth.login_locks (
    email text not null,
    place text not null,
    failed_at timestamptz[] not null default '{}',  -- Those of the last 15 minutes.
    touched_at timestamptz not null,
    locked_until timestamptz,
    primary key (email, place)
);
-- Rows that nobody touched for a day are cleaned up.
create index if not exists login_locks_touched_at_idx on auth.login_locks (touched_at);

create table if not exists auth.security_events (
    id uuid primary key default gen_random_uuid(),
    user_id text,
    event_type text not null,
    ip_address text,
    user_agent text,
    metadata jsonb,
    created_at timestamptz not null default now()
);
-- Events outlive their user, without her name: whoever deletes a user clears address and metadata.
do $$
declare
    old text;
begin
    for old in select conname from pg_constraint
                where conrelid = 'auth.security_events'::regclass and contype = 'f'
    loop
        execute format('alter table auth.security_events drop constraint %I', old);
    end loop;
end $$;
alter table auth.security_events add constraint security_events_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete set null;
-- A user's own list of events, newest first.
create index if not exists security_events_user_time_idx
    on auth.security_events (user_id, created_at);
