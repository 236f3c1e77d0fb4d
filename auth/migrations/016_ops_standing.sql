-- What operators read about holds and the ledger; visits and health know them too. New columns stand
-- at the end, so that the views can be replaced in place.

create view ops.skipped_slots as
select u.name as persona, u.email, p.archetype, s.slot, s.slots, s.reason, s.attempts,
    s.given_up_at
from auth.skipped_slots s
join auth.users u on u.id = s.user_id
join auth.personas p on p.user_id = s.user_id;

comment on view ops.skipped_slots is
    'The ledger of slots that were given up: one row per persona and slot.';
comment on column ops.skipped_slots.persona is 'Name of the persona.';
comment on column ops.skipped_slots.email is 'Address of the persona.';
comment on column ops.skipped_slots.archetype is 'Archetype of the persona.';
comment on column ops.skipped_slots.slot is 'The due time that nobody lived.';
comment on column ops.skipped_slots.slots is
    'Almost always 1. After a very long stop the oldest slots are one row: this one and the next '
    'ones, so many together.';
comment on column ops.skipped_slots.reason is
    'attempts_exhausted: three visits failed; next_slot_first: a retry would have come after the '
    'next slot; missed: no daemon came in time; paused, quarantined: she was held at that time; '
    'lived_already: a visit that was taken for lost had acted; cadence_changed: before its retry.';
comment on column ops.skipped_slots.attempts is 'Visits that were tried for it.';
comment on column ops.skipped_slots.given_up_at is 'When the service gave it up.';

create view ops.holds as
select h.cause, h.scope, h.archetype, u.name as persona, u.email, h.slot, h.since, h.until,
    h.until is null as open
from auth.holds h
left join auth.users u on u.id = h.user_id;

comment on view ops.holds is
    'Pauses and quarantines, open and lifted: while one is open, no claim takes its personas.';
comment on column ops.holds.cause is
    'paused: an operator''s word; quarantined: a slot lost its runner three times.';
comment on column ops.holds.scope is 'all, archetype or persona.';
comment on column ops.holds.archetype is 'Scope archetype: which one.';
comment on column ops.holds.persona is 'Scope persona: her name.';
comment on column ops.holds.email is 'Scope persona: her address.';
comment on column ops.holds.slot is 'Quarantined: the slot that crashed.';
comment on column ops.holds.since is 'When it began.';
comment on column ops.holds.until is 'When it was lifted; null while it is open.';
comment on column ops.holds.open is 'Whether it holds now.';

create or replace view ops.visits as
select v.tick_id as visit, u.name as persona, u.email, p.archetype, v.status, v.attempt, v.slot,
    v.started_at, v.deadline, v.ended_at,
    round(extract(epoch from v.ended_at - v.started_at)::numeric, 1) as seconds,
    v.turns, v.tool_calls, a.ok as actions_ok, a.error as actions_error,
    a.unknown as actions_unknown, f.rated as ratings, f.unrated as ratings_unrated,
    v.tokens_input, v.tokens_output, v.tokens_cache_write, v.tokens_cache_read, v.cost_usd,
    v.model, v.product_name, v.product_version, v.reason, v.error_source, v.summary,
    v.runner_id as runner, r.node, v.handed_back
from auth.persona_visits v
join auth.users u on u.id = v.user_id
join auth.personas p on p.user_id = v.user_id
left join auth.runners r on r.runner_id = v.runner_id
cross join lateral (
    select count(*) filter (where outcome = 'ok') as ok,
        count(*) filter (where outcome = 'error') as error,
        count(*) filter (where outcome = 'unknown') as unknown
    from auth.persona_actions where persona_id = v.user_id and tick_id = v.tick_id) a
cross join lateral (
    select count(*) filter (where status = 'rated') as rated,
        count(*) filter (where status <> 'rated') as unrated
    from auth.persona_feedback where persona_id = v.user_id and tick_id = v.tick_id) f;

comment on column ops.visits.handed_back is
    'Cut by a stopping daemon before it acted; the attempt was not used up.';

create or replace view ops.health as
select (select count(*) from auth.runners
        where not dead and lease_until >= now()) as runners_alive,
    (select count(*) from auth.persona_visits where status = 'running') as visits_running,
    (select count(*) from auth.persona_visits
        where status = 'running' and deadline < now()) as visits_late,
    (select count(*) from auth.personas p join auth.users u on u.id = p.user_id
        where u.deleted_at is null) as personas,
    (select count(*) from auth.personas p join auth.users u on u.id = p.user_id
        where u.deleted_at is null and p.next_due_at <= now()
            and not exists (select from auth.persona_visits v
                where v.user_id = p.user_id and v.status = 'running')
            and not exists (select from auth.holds h where h.until is null
                and (h.scope = 'all' or h.archetype = p.archetype or h.user_id = p.user_id)))
        as personas_overdue,
    (select min(p.next_due_at) from auth.personas p) as next_due_at,
    (select max(started_at) from auth.persona_visits) as last_visit_at,
    (select count(*) from auth.persona_visits
        where status = 'failed' and not handed_back
            and ended_at > now() - interval '24 hours') as failed_24h,
    (select count(*) from auth.persona_visits
        where status = 'lost' and ended_at > now() - interval '24 hours') as lost_24h,
    (select count(*) from auth.holds where until is null and cause = 'paused') as pauses,
    (select count(*) from auth.holds
        where until is null and cause = 'quarantined') as quarantined,
    (select coalesce(sum(slots), 0)::bigint from auth.skipped_slots
        where given_up_at > now() - interval '24 hours') as skipped_24h;

comment on column ops.health.personas_overdue is
    'Personas whose slot has come and who are neither visiting, paused nor quarantined '
    '(weekdays personas wait over a weekend).';
comment on column ops.health.failed_24h is
    'Visits that failed in the last 24 hours; not those handed back by a stopping daemon.';
comment on column ops.health.pauses is 'Pauses that are open: of everybody, archetypes, personas.';
comment on column ops.health.quarantined is 'Personas in quarantine.';
comment on column ops.health.skipped_24h is 'Slots given up in the last 24 hours.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant select on ops.skipped_slots, ops.holds to mana_ops;
    end if;
end $$;
