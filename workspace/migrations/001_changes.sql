-- The workspace's data: an append-only change log and the records that result from it. A row
-- is visible only inside the one space that the transaction names (app.current_space), and that
-- setting is made only after the caller's membership was verified. Everything is forced on the owner
-- as well, so that a forgotten setting shows nothing instead of everything.
create schema workspace;
grant usage on schema workspace to mana_app;

create function workspace.caller() returns text language sql stable
    as $$ select nullif(current_setting('app.current_user_id', true), '') $$;
create function workspace.space() returns text language sql stable
    as $$ select nullif(current_setting('app.current_space', true), '') $$;
-- The user whose rows the clean-up of the service may see and delete; null in every other transaction.
create function workspace.departing() returns text language sql stable
    as $$ select nullif(current_setting('app.departing_user_id', true), '') $$;

create table workspace.changes (
    seq bigint generated always as identity primary key,
    id uuid not null unique,  -- Supplied by the writer, so that a resent change is recognised.
    app_id text not null check (length(app_id) between 1 and 64),
    table_name text not null check (length(table_name) between 1 and 64),
    record_id text not null check (length(record_id) between 1 and 128),
    user_id text not null check (user_id <> ''),   -- Who wrote this change.
    owner_id text not null check (owner_id <> ''), -- Who created the record.
    space_id text not null check (space_id <> ''),
    op text not null check (op in ('insert', 'update', 'delete')),
    data jsonb not null check (jsonb_typeof(data) = 'object'),
    field_meta jsonb not null check (jsonb_typeof(field_meta) = 'object'),  -- Field -> ISO time.
    schema_version integer not null default 1,
    actor jsonb not null check (jsonb_typeof(actor) = 'object'),
    origin text not null check (origin in ('user', 'agent', 'system', 'migration')),
    visit_id text,
    visit_seq integer,
    -- Lets a reader of the log stop below the oldest open transaction: seq alone has gaps in time.
    transaction_id xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    check ((visit_id is null) = (visit_seq is null))
);
comment on table workspace.changes is 'Append-only log of every change of every record';
-- The history of one record.
create index changes_record on workspace.changes (space_id, app_id, table_name, record_id, seq);
-- Clean-up of a departing user, by both of her roles.
create index changes_user on workspace.changes (user_id);
create index changes_owner on workspace.changes (owner_id);
-- Audit: the changes of one visit.
create index changes_visit on workspace.changes (visit_id, visit_seq) where visit_id is not null;

create table workspace.records (
    space_id text not null check (space_id <> ''),
    app_id text not null check (length(app_id) between 1 and 64),
    table_name text not null check (length(table_name) between 1 and 64),
    record_id text not null check (length(record_id) between 1 and 128),
    created_by text not null check (created_by <> ''),
    updated_by text not null check (updated_by <> ''),
    data jsonb not null check (jsonb_typeof(data) = 'object'),
    field_times jsonb not null check (jsonb_typeof(field_times) = 'object'),
    position bigint,  -- Place in the table, for tables that are kept in an order.
    created_seq bigint not null,
    changed_seq bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (space_id, app_id, table_name, record_id),
    -- Two concurrent creations can never share a place.
    constraint records_position unique (space_id, app_id, table_name, position)
);
comment on table workspace.records is 'Current state of every record: the change log, replayed';
-- Lists read the newest rows of one table that are not deleted.
create index records_newest on workspace.records (space_id, app_id, table_name, created_seq desc)
    where deleted_at is null;
-- Clean-up of a departing user.
create index records_creator on workspace.records (created_by);

create table workspace.calls (
    id bigint generated always as identity primary key,
    user_id text not null check (user_id <> ''),
    space_id text not null check (space_id <> ''),
    visit_id text,
    visit_seq integer,
    tool text not null,
    input_hash text not null,
    outcome text not null check (outcome in ('ok', 'error')),
    answer jsonb not null,  -- Repeated when the same call of the same visit is delivered again.
    changes integer not null check (changes >= 0),
    created_at timestamptz not null default now(),
    check ((visit_id is null) = (visit_seq is null)),
    -- One visit makes one call per number. The user is part of it: nobody can occupy another's.
    constraint calls_once unique (user_id, visit_id, visit_seq)
);
comment on table workspace.calls is 'One row per tool call, committed together with its changes';

alter table workspace.changes enable row level security;
alter table workspace.changes force row level security;
alter table workspace.records enable row level security;
alter table workspace.records force row level security;
alter table workspace.calls enable row level security;
alter table workspace.calls force row level security;

create policy changes_read on workspace.changes for select
    using (space_id = workspace.space() and workspace.caller() is not null);
create policy changes_write on workspace.changes for insert
    with check (space_id = workspace.space() and user_id = workspace.caller());
create policy changes_leave_read on workspace.changes for select
    using (user_id = workspace.departing() or owner_id = workspace.departing());
create policy changes_leave on workspace.changes for delete
    using (user_id = workspace.departing() or owner_id = workspace.departing());

create policy records_read on workspace.records for select
    using (space_id = workspace.space() and workspace.caller() is not null);
create policy records_create on workspace.records for insert
    with check (space_id = workspace.space() and created_by = workspace.caller()
                and updated_by = workspace.caller());
create policy records_change on workspace.records for update
    using (space_id = workspace.space() and workspace.caller() is not null)
    with check (space_id = workspace.space() and updated_by = workspace.caller());
create policy records_leave_read on workspace.records for select
    using (created_by = workspace.departing());
create policy records_leave on workspace.records for delete
    using (created_by = workspace.departing());

create policy calls_read on workspace.calls for select using (user_id = workspace.caller());
create policy calls_write on workspace.calls for insert
    with check (space_id = workspace.space() and user_id = workspace.caller());
create policy calls_leave_read on workspace.calls for select
    using (user_id = workspace.departing());
create policy calls_leave on workspace.calls for delete using (user_id = workspace.departing());

-- No grant updates the log, or changes a record's creator or space; deleting is left to the policies
-- above, which allow it for a departing user's rows only.
grant select, insert, delete on workspace.changes to mana_app;
grant select, insert, delete on workspace.records to mana_app;
grant update (data, field_times, updated_by, updated_at, changed_seq, deleted_at)
    on workspace.records to mana_app;
grant select, insert, delete on workspace.calls to mana_app;
