-- The policy gate: what it denied or flagged, who may call destructive tools, and how fast it can
-- count the calls of the last minute, over all daemons.
create index calls_rate on workspace.calls (user_id, tool, created_at desc);

create table workspace.policy_events (
    id bigint generated always as identity primary key,
    user_id text not null check (user_id <> ''),
    space_id text not null check (space_id <> ''),
    tool text not null,
    decision text not null check (decision in ('deny', 'flagged')),
    reason text not null,
    marker text,  -- Which injection marker, for flagged ones.
    place text check (place in ('arguments', 'answer')),
    mode text not null check (mode in ('log-only', 'enforce')),
    visit_id text,
    visit_seq integer,
    created_at timestamptz not null default now()
);
comment on table workspace.policy_events is 'Audit: every call that the policy gate denied or flagged';
create index policy_events_newest on workspace.policy_events (created_at desc);
create index policy_events_user on workspace.policy_events (user_id);

create table workspace.permissions (
    user_id text primary key check (user_id <> ''),
    allow_destructive text[] not null default '{}',  -- Tool names, "module.*" or "*".
    updated_at timestamptz not null default now()
);
comment on table workspace.permissions is 'Destructive tools that a user has agreed to';

alter table workspace.policy_events enable row level security;
alter table workspace.policy_events force row level security;
alter table workspace.permissions enable row level security;
alter table workspace.permissions force row level security;

create policy policy_events_write on workspace.policy_events for insert
    with check (space_id = workspace.space() and user_id = workspace.caller());
create policy policy_events_leave_read on workspace.policy_events for select
    using (user_id = workspace.departing());
create policy policy_events_leave on workspace.policy_events for delete
    using (user_id = workspace.departing());
create policy permissions_own on workspace.permissions
    using (user_id = workspace.caller() or user_id = workspace.departing())
    with check (user_id = workspace.caller());

grant select, insert, delete on workspace.policy_events to mana_app;
grant select, insert, update, delete on workspace.permissions to mana_app;

-- Operators read across users: the view runs with its owner's rights, whom a policy of its own lets
-- see the rows. The owner is nobody that a service connects as.
create policy policy_events_ops on workspace.policy_events for select to current_user using (true);

create schema if not exists ops;
create view ops.policy_events as
select created_at, user_id, space_id, tool, decision, reason, marker, place, mode, visit_id as visit,
    visit_seq as seq
from workspace.policy_events;

comment on view ops.policy_events is 'One row per tool call that the workspace denied or flagged.';
comment on column ops.policy_events.created_at is 'When it was called.';
comment on column ops.policy_events.user_id is 'Who called.';
comment on column ops.policy_events.space_id is 'In which space.';
comment on column ops.policy_events.tool is 'The tool.';
comment on column ops.policy_events.decision is
    'deny: not allowed (in mode log-only it was run all the same); flagged: run, but looked at.';
comment on column ops.policy_events.reason is
    'rate-limit-exceeded, destructive-not-allowed or injection-marker.';
comment on column ops.policy_events.marker is 'Which marker, for flagged calls.';
comment on column ops.policy_events.place is 'Where the marker stood: arguments or answer.';
comment on column ops.policy_events.mode is 'Mode of the gate: log-only or enforce.';
comment on column ops.policy_events.visit is 'Id of the visit that called; null: no visit.';
comment on column ops.policy_events.seq is 'Number of the action within the visit.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant usage on schema ops to mana_ops;
        grant select on ops.policy_events to mana_ops;
    end if;
end $$;
