-- Audit: events stay when their user goes, under a pseudonym that holds them together and leads to
-- nobody; and what operators read of them.

alter table auth.security_events add column if not exists pseudonym text;
comment on column auth.security_events.pseudonym is
    'Of a deleted user: random, the same for all of her events, kept nowhere else.';

-- Operators look for the newest events of a kind.
create index if not exists security_events_time_idx on auth.security_events (created_at);

create view ops.security_events as
select e.id, e.created_at as at, e.event_type as event, e.user_id, e.pseudonym,
    u.kind::text as kind, coalesce(u.email, e.metadata ->> 'email') as email,
    e.ip_address as address, e.user_agent as agent, e.metadata ->> 'code' as code,
    e.metadata ->> 'endpoint' as endpoint, e.metadata as detail
from auth.security_events e
left join auth.users u on u.id = e.user_id;

comment on view ops.security_events is 'What happened to accounts: one row per event.';
comment on column ops.security_events.id is 'Id of the event.';
comment on column ops.security_events.at is 'When it happened.';
comment on column ops.security_events.event is
    'What: REGISTER, LOGIN_SUCCESS, LOGIN_FAILURE, ACCOUNT_LOCKED, LOGOUT, PASSWORD_CHANGED, …';
comment on column ops.security_events.user_id is
    'Whose account; null when there is none, or not any more.';
comment on column ops.security_events.pseudonym is
    'Stands for a deleted user: the same for all of her events, and leads to nobody.';
comment on column ops.security_events.kind is 'human, persona or system; null without a user.';
comment on column ops.security_events.email is
    'Address of the account, or the one that was tried when there is no such account.';
comment on column ops.security_events.address is 'Where the client was (network address).';
comment on column ops.security_events.agent is 'What the client called itself.';
comment on column ops.security_events.code is 'Why something was refused.';
comment on column ops.security_events.endpoint is 'Where it was refused.';
comment on column ops.security_events.detail is 'All that is known of the event, as JSON.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant select on ops.security_events to mana_ops;
    end if;
end $$;
