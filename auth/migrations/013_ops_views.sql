-- What operators read: four views and the averages per module, in words of the glossary. They run
-- with the owner's rights, so the read-only role sees them and nothing behind them.

create schema if not exists ops;

create view ops.visits as
select v.tick_id as visit, u.name as persona, u.email, p.archetype, v.status, v.attempt, v.slot,
    v.started_at, v.deadline, v.ended_at,
    round(extract(epoch from v.ended_at - v.started_at)::numeric, 1) as seconds,
    v.turns, v.tool_calls, a.ok as actions_ok, a.error as actions_error,
    a.unknown as actions_unknown, f.rated as ratings, f.unrated as ratings_unrated,
    v.tokens_input, v.tokens_output, v.tokens_cache_write, v.tokens_cache_read, v.cost_usd,
    v.model, v.product_name, v.product_version, v.reason, v.error_source, v.summary,
    v.runner_id as runner, r.node
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

comment on view ops.visits is 'One row per visit: one attempt of one persona to live a day.';
comment on column ops.visits.visit is 'Id of the visit (tickId on the wire).';
comment on column ops.visits.persona is 'Name of the persona.';
comment on column ops.visits.email is 'Address of the persona.';
comment on column ops.visits.archetype is 'Archetype of the persona.';
comment on column ops.visits.status is
    'running; finished: lived to the end; partial: stopped early but acted; failed: did not act; '
    'lost: its runner vanished.';
comment on column ops.visits.attempt is 'Number of the attempt within its slot, 1 to 3.';
comment on column ops.visits.slot is 'The due time that the visit serves.';
comment on column ops.visits.started_at is 'When the visit was claimed.';
comment on column ops.visits.deadline is 'When the runner has to end it.';
comment on column ops.visits.ended_at is 'When the service learned of its end; null while running.';
comment on column ops.visits.seconds is 'ended_at minus started_at.';
comment on column ops.visits.turns is 'Model requests with a complete reply.';
comment on column ops.visits.tool_calls is 'Tool calls as the runner counted them.';
comment on column ops.visits.actions_ok is 'Recorded tool calls that succeeded.';
comment on column ops.visits.actions_error is 'Recorded tool calls that failed.';
comment on column ops.visits.actions_unknown is 'Recorded tool calls whose answer never came.';
comment on column ops.visits.ratings is 'Ratings with a number.';
comment on column ops.visits.ratings_unrated is 'Ratings without one: unparsed, refused, missing.';
comment on column ops.visits.tokens_input is 'Input tokens not read from or written to the cache.';
comment on column ops.visits.tokens_output is 'Output tokens.';
comment on column ops.visits.tokens_cache_write is 'Input tokens written to the prompt cache.';
comment on column ops.visits.tokens_cache_read is 'Input tokens read from the prompt cache.';
comment on column ops.visits.cost_usd is 'Cost in US dollars; null for a model without a price.';
comment on column ops.visits.model is 'Model that lived the day.';
comment on column ops.visits.product_name is 'Name that the tool server gave itself.';
comment on column ops.visits.product_version is 'Version that the tool server gave itself.';
comment on column ops.visits.reason is 'Why it ended.';
comment on column ops.visits.error_source is
    'Whose failure it was: none, persona, product, model or infra.';
comment on column ops.visits.summary is 'The day in a few sentences.';
comment on column ops.visits.runner is 'Process that ran it.';
comment on column ops.visits.node is 'Host and state directory of that process, while still known.';

create view ops.actions as
select a.tick_id as visit, u.name as persona, u.email, a.seq, a.started_at, a.module,
    a.tool_name as tool, a.outcome, a.error_message, a.latency_ms, a.input, a.input_hash,
    a.created_at as recorded_at
from auth.persona_actions a
join auth.users u on u.id = a.persona_id;

comment on view ops.actions is 'One row per tool call.';
comment on column ops.actions.visit is 'Id of the visit (tickId on the wire).';
comment on column ops.actions.persona is 'Name of the persona.';
comment on column ops.actions.email is 'Address of the persona.';
comment on column ops.actions.seq is 'Number of the call within the visit; null from old clients.';
comment on column ops.actions.started_at is 'When the call left; null from old clients.';
comment on column ops.actions.module is 'Module of the product that owns the tool.';
comment on column ops.actions.tool is 'The product''s own name of the tool.';
comment on column ops.actions.outcome is 'ok, error or unknown (its answer never came).';
comment on column ops.actions.error_message is 'What the tool answered when it failed.';
comment on column ops.actions.latency_ms is 'Milliseconds from call to answer.';
comment on column ops.actions.input is 'What may be kept of the input: cut, keys masked.';
comment on column ops.actions.input_hash is 'SHA-256 of the whole input.';
comment on column ops.actions.recorded_at is 'When the row reached the service.';

create view ops.ratings as
select f.tick_id as visit, u.name as persona, u.email, f.module, f.status, f.rating, f.notes,
    f.evidence,
    f.status = 'rated' and (v.tick_id is null or v.status in ('finished', 'partial')) as counts,
    f.created_at as recorded_at
from auth.persona_feedback f
join auth.users u on u.id = f.persona_id
left join auth.persona_visits v on v.tick_id = f.tick_id and v.user_id = f.persona_id;

comment on view ops.ratings is 'One row per module that a persona was asked to rate.';
comment on column ops.ratings.visit is 'Id of the visit (tickId on the wire).';
comment on column ops.ratings.persona is 'Name of the persona.';
comment on column ops.ratings.email is 'Address of the persona.';
comment on column ops.ratings.module is 'Module that was rated.';
comment on column ops.ratings.status is
    'rated, or why there is no number: unparsed, refused, missing.';
comment on column ops.ratings.rating is '1 (bad) to 5 (good); null unless rated.';
comment on column ops.ratings.notes is 'The persona''s own words.';
comment on column ops.ratings.evidence is 'Seqs of the actions that the note rests on.';
comment on column ops.ratings.counts is
    'Whether averages count it: rated, and its visit is finished or partial '
    '(or unknown: old clients).';
comment on column ops.ratings.recorded_at is 'When the row reached the service.';

create view ops.module_ratings as
select module, count(*) filter (where counts) as n,
    round(avg(rating) filter (where counts), 2) as mean_rating,
    count(*) filter (where status = 'unparsed') as unparsed,
    count(*) filter (where status = 'refused') as refused,
    count(*) filter (where status = 'missing') as missing,
    max(recorded_at) as last_recorded_at
from ops.ratings
group by module;

comment on view ops.module_ratings is 'Mean rating per module; only ratings that count.';
comment on column ops.module_ratings.module is 'Module that was rated.';
comment on column ops.module_ratings.n is 'Ratings behind the mean.';
comment on column ops.module_ratings.mean_rating is 'Their mean; null when there is none.';
comment on column ops.module_ratings.unparsed is 'Answers that could not be read.';
comment on column ops.module_ratings.refused is 'Ratings that the model refused to give.';
comment on column ops.module_ratings.missing is 'Ratings that were asked for and did not come.';
comment on column ops.module_ratings.last_recorded_at is 'When the newest row was recorded.';

create view ops.health as
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
                where v.user_id = p.user_id and v.status = 'running')) as personas_overdue,
    (select min(p.next_due_at) from auth.personas p) as next_due_at,
    (select max(started_at) from auth.persona_visits) as last_visit_at,
    (select count(*) from auth.persona_visits
        where status = 'failed' and ended_at > now() - interval '24 hours') as failed_24h,
    (select count(*) from auth.persona_visits
        where status = 'lost' and ended_at > now() - interval '24 hours') as lost_24h;

comment on view ops.health is 'One row: is the fleet alive, and does it keep up?';
comment on column ops.health.runners_alive is 'Runners with a lease that holds.';
comment on column ops.health.visits_running is 'Visits under way.';
comment on column ops.health.visits_late is 'Visits under way past their deadline.';
comment on column ops.health.personas is 'Personas that are not deleted.';
comment on column ops.health.personas_overdue is
    'Personas whose slot has come and who are not visiting '
    '(weekdays personas wait over a weekend).';
comment on column ops.health.next_due_at is 'The earliest slot of all personas.';
comment on column ops.health.last_visit_at is 'Start of the newest visit.';
comment on column ops.health.failed_24h is 'Visits that failed in the last 24 hours.';
comment on column ops.health.lost_24h is 'Visits that were lost in the last 24 hours.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant usage on schema ops to mana_ops;
        grant select on ops.visits, ops.actions, ops.ratings, ops.module_ratings, ops.health
            to mana_ops;
    end if;
end $$;
