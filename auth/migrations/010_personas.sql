-- Personas: the people we play. The first form of this table may exist already, filled by the
-- service that we take over; what it let through is repaired here once, then refused.

create table if not exists auth.personas (
    user_id text primary key references auth.users (id) on delete cascade,
    archetype text not null,
    system_prompt text not null,
    module_mix jsonb not null,
    tick_cadence text not null default 'daily',
    last_active_at timestamptz,
    created_at timestamptz not null default now()
);

alter table auth.personas
    add column if not exists next_due_at timestamptz,
    add column if not exists retry_slot timestamptz,
    add column if not exists retry_attempt integer;

-- Cadences were unchecked; an unknown one meant "never", which nobody could have asked for.
update auth.personas set tick_cadence = 'daily'
where tick_cadence not in ('hourly', 'daily', 'weekdays');

-- Arrays and weights that are no numbers were accepted; only usable weights stay.
update auth.personas p
set module_mix = case
    when jsonb_typeof(p.module_mix) = 'object' then (
        select coalesce(jsonb_object_agg(w.key, w.value), '{}'::jsonb)
        from jsonb_each(p.module_mix) w
        where case when jsonb_typeof(w.value) = 'number'
            then (w.value #>> '{}')::numeric >= 0 else false end)
    else '{}'::jsonb end
where jsonb_typeof(p.module_mix) <> 'object'
    or exists (
        select from jsonb_each(
            case when jsonb_typeof(p.module_mix) = 'object'
                then p.module_mix else '{}'::jsonb end) w
        where case when jsonb_typeof(w.value) = 'number'
            then (w.value #>> '{}')::numeric < 0 else true end);

-- Her first slot here is the one her last visit there would have led to (UTC; the claim moves the
-- following ones by the configured zone). A slot of a weekdays persona is never at a weekend.
update auth.personas p
set next_due_at = s.slot + case
    when p.tick_cadence <> 'weekdays' then interval '0'
    when extract(isodow from s.slot at time zone 'UTC') = 6 then interval '2 days'
    when extract(isodow from s.slot at time zone 'UTC') = 7 then interval '1 day'
    else interval '0' end
from (
    select user_id, coalesce(
        last_active_at + case tick_cadence when 'hourly' then interval '1 hour'
            else interval '24 hours' end,
        now()) as slot
    from auth.personas) s
where s.user_id = p.user_id and p.next_due_at is null;

alter table auth.personas
    alter column next_due_at set default now(),
    alter column next_due_at set not null;

alter table auth.personas drop constraint if exists personas_cadence_known;
alter table auth.personas add constraint personas_cadence_known
    check (tick_cadence in ('hourly', 'daily', 'weekdays'));
alter table auth.personas drop constraint if exists personas_module_mix_object;
alter table auth.personas add constraint personas_module_mix_object
    check (jsonb_typeof(module_mix) = 'object');
alter table auth.personas drop constraint if exists personas_retry_whole;
alter table auth.personas add constraint personas_retry_whole
    check ((retry_slot is null) = (retry_attempt is null) and retry_attempt > 1);

-- The claim walks the due ones oldest first, however many personas there are.
create index if not exists personas_due_idx on auth.personas (next_due_at);
-- The same walk on a day off, when weekdays personas stay where they are.
create index if not exists personas_due_daily_idx on auth.personas (next_due_at)
    where tick_cadence <> 'weekdays';
-- The read-only list of due personas, longest idle first.
create index if not exists personas_idle_idx on auth.personas (last_active_at nulls first);
-- The list of the admin pages, newest first.
create index if not exists personas_created_idx on auth.personas (created_at desc, user_id desc);
create index if not exists personas_archetype_idx on auth.personas (archetype);

comment on column auth.personas.next_due_at is
    'When the claim may take her; the only rule of due-ness. Moved by claims and retries only.';
comment on column auth.personas.retry_slot is
    'The slot that next_due_at tries again; null when next_due_at is a slot of its own.';
comment on column auth.personas.retry_attempt is 'Number of the attempt that is to come (2 or 3).';
comment on column auth.personas.last_active_at is
    'Start of the last visit that ended or acted.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_app') then
        grant select, insert, update, delete on auth.personas to mana_app;
    end if;
end $$;
