-- Who may not be claimed (holds: pauses and quarantines), and the ledger of slots that nobody lived.

create table auth.holds (
    hold_id bigint generated always as identity primary key,
    cause text not null check (cause in ('paused', 'quarantined')),
    scope text not null check (scope in ('all', 'archetype', 'persona')),
    archetype text check ((scope = 'archetype') = (archetype is not null)),
    user_id text references auth.personas (user_id) on delete cascade
        check ((scope = 'persona') = (user_id is not null)),
    slot timestamptz check ((cause = 'quarantined') = (slot is not null)),
    since timestamptz not null,
    until timestamptz check (until >= since),
    check (cause = 'paused' or scope = 'persona')
);
-- Every claim asks whether everybody or an archetype is paused; one open pause of each.
create unique index holds_open_wide_idx on auth.holds (scope, coalesce(archetype, ''))
    where until is null and scope <> 'persona';
-- Every claim asks for its candidates' own holds; one open hold of each cause.
create unique index holds_open_persona_idx on auth.holds (user_id, cause)
    where until is null and scope = 'persona';
-- Deleting a persona, and why she was not there at a time.
create index holds_persona_idx on auth.holds (user_id) where user_id is not null;
create index holds_until_idx on auth.holds (until);

comment on table auth.holds is
    'Pauses and quarantines: as long as one is open, no claim takes the personas it is about. '
    'Running visits go on. Closed ones stay, to tell why a slot was given up.';
comment on column auth.holds.slot is 'Quarantined: the slot that crashed.';
comment on column auth.holds.until is 'When it was lifted; null: still open.';

create table auth.skipped_slots (
    user_id text not null references auth.personas (user_id) on delete cascade,
    slot timestamptz not null,
    slots integer not null check (slots >= 1),
    reason text not null check (reason in ('attempts_exhausted', 'next_slot_first', 'missed',
        'paused', 'quarantined', 'lived_already', 'cadence_changed')),
    attempts integer not null check (attempts >= 0),
    given_up_at timestamptz not null,
    primary key (user_id, slot)
);
-- Operators read the latest ones.
create index skipped_slots_given_up_idx on auth.skipped_slots (given_up_at desc);

comment on table auth.skipped_slots is
    'The ledger of slots that were given up: one row per persona and slot.';
comment on column auth.skipped_slots.slots is
    'Almost always 1. After a very long stop the oldest slots are one row: this one and the next '
    'ones, so many together.';
comment on column auth.skipped_slots.attempts is 'Visits that were tried for it.';

alter table auth.personas add column following_slot timestamptz
    check (following_slot is null or retry_slot is not null);
comment on column auth.personas.following_slot is
    'While next_due_at is a retry: her next slot after the one that is tried again.';

-- Many personas share one due time (a catalog is seeded at once), so the order of the claim, due
-- time and id, is the index's own.
create index personas_due_order_idx on auth.personas (next_due_at, user_id);
create index personas_due_daily_order_idx on auth.personas (next_due_at, user_id)
    where tick_cadence <> 'weekdays';
drop index auth.personas_due_idx;
drop index auth.personas_due_daily_idx;

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_app') then
        grant select, insert, update, delete on auth.holds, auth.skipped_slots to mana_app;
    end if;
end $$;
