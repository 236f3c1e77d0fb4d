-- A slot whose visit acted was lived, also when its action rows came after it had been given up.

update auth.personas p set last_active_at = greatest(p.last_active_at, l.started_at)
from (
    select s.user_id, max(v.started_at) as started_at
    from auth.skipped_slots s
    join auth.persona_visits v on v.user_id = s.user_id and v.slot = s.slot
    where s.slots = 1 and exists (select from auth.persona_actions a
        where a.persona_id = v.user_id and a.tick_id = v.tick_id)
    group by s.user_id) l
where p.user_id = l.user_id;

delete from auth.skipped_slots s
where s.slots = 1 and exists (
    select from auth.persona_visits v
    join auth.persona_actions a on a.persona_id = v.user_id and a.tick_id = v.tick_id
    where v.user_id = s.user_id and v.slot = s.slot);

comment on column ops.skipped_slots.reason is
    'attempts_exhausted: three visits failed; next_slot_first: a retry would have come after the '
    'next slot; missed: no daemon came in time; paused, quarantined: she was held at that time; '
    'budget: her money of the day was used up and the next slot came first; '
    'lived_already: a runner without claims reported a day; cadence_changed: before its retry.';
