-- Visits (one attempt of one persona, fenced by its tick id), the runners that hold them and the
-- claim requests that made them.

create table auth.runners (
    runner_id text primary key,
    node text not null,
    lease_until timestamptz not null,
    dead boolean not null default false,
    registered_at timestamptz not null,
    heartbeat_at timestamptz not null
);
-- Every heartbeat looks for leases that ran out.
create index runners_lease_idx on auth.runners (lease_until) where not dead;
-- A registering node looks for its earlier runners.
create index runners_node_idx on auth.runners (node) where not dead;
-- Cleaning takes the longest dead first.
create index runners_dead_idx on auth.runners (heartbeat_at) where dead;

comment on table auth.runners is
    'One row per runner process. A lease that ran out makes it dead for ever; it registers anew.';

create table auth.claims (
    runner_id text not null references auth.runners (runner_id) on delete cascade,
    request_id text not null,
    created_at timestamptz not null,
    primary key (runner_id, request_id)
);
-- Cleaning takes the oldest first.
create index claims_created_idx on auth.claims (created_at);

comment on table auth.claims is
    'Claim requests answered lately: the same request gets the same visits, even none.';

create table auth.persona_visits (
    tick_id text primary key,
    user_id text not null references auth.personas (user_id) on delete cascade,
    runner_id text not null,
    request_id text not null,
    attempt integer not null check (attempt >= 1),
    slot timestamptz not null,
    status text not null default 'running'
        check (status in ('running', 'finished', 'partial', 'failed', 'lost')),
    started_at timestamptz not null,
    deadline timestamptz not null,
    ended_at timestamptz,
    reason text,
    error_source text
        check (error_source in ('none', 'persona', 'product', 'model', 'infra')),
    turns integer check (turns >= 0),
    tool_calls integer check (tool_calls >= 0),
    tokens_input bigint check (tokens_input >= 0),
    tokens_output bigint check (tokens_output >= 0),
    tokens_cache_write bigint check (tokens_cache_write >= 0),
    tokens_cache_read bigint check (tokens_cache_read >= 0),
    cost_usd numeric(16, 6) check (cost_usd >= 0),
    model text,
    product_name text,
    product_version text,
    summary text,
    end_hash text,
    check ((status = 'running') = (ended_at is null))
);
-- At most one running visit per persona, whatever any claimer believes.
create unique index persona_visits_running_idx on auth.persona_visits (user_id)
    where status = 'running';
-- The reaper looks for visits past their deadline and for those of dead runners.
create index persona_visits_deadline_idx on auth.persona_visits (deadline)
    where status = 'running';
create index persona_visits_runner_idx on auth.persona_visits (runner_id)
    where status = 'running';
-- A repeated claim finds its visits.
create index persona_visits_request_idx on auth.persona_visits (runner_id, request_id);
-- A persona's history, newest first; also finds the attempts of one slot.
create index persona_visits_persona_idx on auth.persona_visits (user_id, started_at desc);
create index persona_visits_slot_idx on auth.persona_visits (user_id, slot);
-- Operators read the latest visits and the failures of the last day.
create index persona_visits_started_idx on auth.persona_visits (started_at desc);
create index persona_visits_trouble_idx on auth.persona_visits (ended_at)
    where status in ('failed', 'lost');

comment on table auth.persona_visits is
    'One attempt of one persona to live a day in the product. Written before it runs.';
comment on column auth.persona_visits.slot is 'The due time this attempt serves.';
comment on column auth.persona_visits.end_hash is
    'SHA-256 of the end as delivered; tells a repeated delivery from a different one.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_app') then
        grant select, insert, update, delete
            on auth.runners, auth.claims, auth.persona_visits to mana_app;
    end if;
end $$;
