-- What runners have spent and reserved and no finished visit tells yet, for budgets that several
-- daemons share; and what operators read about money.

alter table auth.runners
    add column open_usd numeric(16, 6) not null default 0 check (open_usd >= 0),
    add column open_since timestamptz;

comment on column auth.runners.open_usd is
    'Spent and reserved by its visits whose end has not arrived, as its last heartbeat said.';
comment on column auth.runners.open_since is 'The start of the day that open_usd belongs to.';

-- The day''s sum reads the index alone.
create index persona_visits_cost_idx on auth.persona_visits (started_at)
    include (runner_id, cost_usd) where cost_usd is not null;

create view ops.costs as
select (v.started_at at time zone 'UTC')::date as day, v.model,
    count(*) as visits,
    count(*) filter (where v.cost_usd is null) as unpriced,
    round(sum(v.cost_usd), 4) as cost_usd,
    round(avg(v.cost_usd), 6) as mean_cost_usd,
    sum(v.turns) as turns,
    sum(v.tokens_input) as tokens_input,
    sum(v.tokens_output) as tokens_output,
    sum(v.tokens_cache_write) as tokens_cache_write,
    sum(v.tokens_cache_read) as tokens_cache_read,
    round(sum(v.tokens_cache_read)::numeric
        / nullif(sum(v.tokens_input + v.tokens_cache_write + v.tokens_cache_read), 0), 4)
        as cache_read_share
from auth.persona_visits v
where v.model is not null
group by 1, 2;

comment on view ops.costs is 'One row per day (UTC) and model: what the visits that started cost.';
comment on column ops.costs.day is 'Day on which the visits started, in UTC.';
comment on column ops.costs.model is 'Model that lived the days.';
comment on column ops.costs.visits is 'Visits whose end has arrived.';
comment on column ops.costs.unpriced is
    'Those of them whose cost is unknown: the price file names no price. They are in no sum.';
comment on column ops.costs.cost_usd is 'Sum in US dollars; null when every visit is unpriced.';
comment on column ops.costs.mean_cost_usd is 'Mean of the priced visits.';
comment on column ops.costs.turns is 'Model requests with a complete reply.';
comment on column ops.costs.tokens_input is 'Input tokens not read from or written to the cache.';
comment on column ops.costs.tokens_output is 'Output tokens.';
comment on column ops.costs.tokens_cache_write is 'Input tokens written to the prompt cache.';
comment on column ops.costs.tokens_cache_read is 'Input tokens read from the prompt cache.';
comment on column ops.costs.cache_read_share is 'Share of all prompt tokens read from the cache.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant select on ops.costs to mana_ops;
    end if;
end $$;
