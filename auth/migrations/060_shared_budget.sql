-- Budgets over several daemons: each runner holds a part of the day's money (open_usd) that the
-- service granted before it is spent, so that all of them together never pass the limit.

alter table auth.runners add column open_seq bigint not null default 0;

comment on column auth.runners.open_usd is
    'What its visits without an end may cost at most: spent, reserved, and granted for the next '
    'requests. A dead runner''s counts until the next one of its node has reported.';
comment on column auth.runners.open_seq is
    'Number of the report that open_usd comes from; one that arrives after a newer one is ignored.';

-- Her slot was given up because her money of the day was used up and the next slot comes first.
alter table auth.skipped_slots drop constraint skipped_slots_reason_check;
alter table auth.skipped_slots add constraint skipped_slots_reason_check check (reason in
    ('attempts_exhausted', 'next_slot_first', 'missed', 'paused', 'quarantined', 'lived_already',
     'cadence_changed', 'budget'));
