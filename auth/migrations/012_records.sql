-- What visits leave behind: actions and ratings. Both tables may exist already, filled by the
-- service that we take over; nothing of it is refused, what cannot be a rating loses its number.

create table if not exists auth.persona_actions (
    id text primary key,
    persona_id text not null references auth.personas (user_id) on delete cascade,
    tick_id text not null,
    tool_name text not null,
    input_hash text,
    result text not null,
    error_message text,
    latency_ms integer,
    created_at timestamptz not null default now()
);

alter table auth.persona_actions
    add column if not exists seq integer,
    add column if not exists started_at timestamptz,
    add column if not exists module text,
    add column if not exists input jsonb,
    add column if not exists outcome text,
    alter column latency_ms type bigint;

update auth.persona_actions set result = 'error' where result not in ('ok', 'error');
update auth.persona_actions set outcome = result where outcome is null;
alter table auth.persona_actions alter column outcome set not null;

alter table auth.persona_actions drop constraint if exists persona_actions_outcome_agrees;
alter table auth.persona_actions add constraint persona_actions_outcome_agrees check (
    outcome in ('ok', 'error', 'unknown')
    and result = case outcome when 'ok' then 'ok' else 'error' end);
alter table auth.persona_actions drop constraint if exists persona_actions_seq_positive;
alter table auth.persona_actions add constraint persona_actions_seq_positive check (seq >= 1);

-- The key of an action; old clients send none and are told apart by their id.
create unique index if not exists persona_actions_key_idx
    on auth.persona_actions (persona_id, tick_id, seq) where seq is not null;
-- Counts of the last days and the newest actions of a persona.
create index if not exists persona_actions_persona_idx
    on auth.persona_actions (persona_id, created_at);
create index if not exists persona_actions_tick_idx on auth.persona_actions (tick_id);

create table if not exists auth.persona_feedback (
    id text primary key,
    persona_id text not null references auth.personas (user_id) on delete cascade,
    tick_id text not null,
    module text not null,
    rating smallint,
    notes text,
    created_at timestamptz not null default now()
);

alter table auth.persona_feedback
    alter column rating drop not null,
    add column if not exists status text,
    add column if not exists evidence integer[] not null default '{}';

-- Numbers outside the scale and the marker "__parse" never were ratings.
update auth.persona_feedback set status = 'unparsed', rating = null
where status is null and (module = '__parse' or rating is null or rating not between 1 and 5);
update auth.persona_feedback set status = 'rated' where status is null;
alter table auth.persona_feedback alter column status set not null;

alter table auth.persona_feedback drop constraint if exists persona_feedback_status_known;
alter table auth.persona_feedback add constraint persona_feedback_status_known
    check (status in ('rated', 'unparsed', 'refused', 'missing'));
alter table auth.persona_feedback drop constraint if exists persona_feedback_rating_real;
alter table auth.persona_feedback add constraint persona_feedback_rating_real check (
    (status = 'rated') = (rating is not null) and (rating is null or rating between 1 and 5));

-- The key of a rating. The former id held tick and module, so old rows satisfy it.
create unique index if not exists persona_feedback_key_idx
    on auth.persona_feedback (persona_id, tick_id, module);
create index if not exists persona_feedback_persona_idx
    on auth.persona_feedback (persona_id, created_at);
-- Averages by module over time.
create index if not exists persona_feedback_module_idx
    on auth.persona_feedback (module, created_at);

comment on column auth.persona_actions.outcome is
    'ok, error or unknown (the call left and its answer never came; result is then "error").';
comment on column auth.persona_feedback.rating is '1 to 5, set exactly when status is rated.';
comment on column auth.persona_feedback.evidence is 'Seqs of the actions that the note rests on.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_app') then
        grant select, insert, update, delete
            on auth.persona_actions, auth.persona_feedback to mana_app;
    end if;
end $$;
