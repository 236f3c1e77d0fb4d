-- What other services must hear of: mails to send and calls to make, written in the transaction of
-- the act they follow from and delivered after it, with retries.

create table auth.outbound (
    id text primary key,
    kind text not null check (kind ~ '^[a-z]+\.[a-z_]+$'),
    once_key text unique,
    body text not null,
    attempts integer not null default 0 check (attempts >= 0),
    created_at timestamptz not null,
    next_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    outcome text check (outcome in ('delivered', 'refused', 'expired')),
    last_error text,
    check ((ended_at is null) = (outcome is null))
);
comment on table auth.outbound is 'Mails and calls to other services that wait for delivery.';
comment on column auth.outbound.once_key is
    'Queueing the same key again does nothing, as long as the row is kept.';
comment on column auth.outbound.body is
    'Sealed (XChaCha20-Poly1305, hex): mailed links let in whoever reads them. Empty once it ended.';
comment on column auth.outbound.next_at is
    'When it is tried next; while it is under way, when others may take it for lost.';

-- The worker takes what is due.
create index outbound_due_idx on auth.outbound (next_at) where ended_at is null;
-- Ended rows are cleaned up by age.
create index outbound_ended_idx on auth.outbound (ended_at) where ended_at is not null;

create view ops.outbound as
select id, kind, coalesce(outcome, 'waiting') as state, attempts, created_at, next_at, expires_at,
    ended_at, last_error
from auth.outbound;

comment on view ops.outbound is
    'Mails and calls to other services: those that wait, and those of the last week.';
comment on column ops.outbound.id is 'Id, sent along as Idempotency-Key.';
comment on column ops.outbound.kind is 'What it is, e.g. mail.verify_email or credits.init.';
comment on column ops.outbound.state is
    'waiting; delivered; refused: the other service will never take it; expired: it was too late.';
comment on column ops.outbound.attempts is 'How often it was tried.';
comment on column ops.outbound.created_at is 'When it was queued.';
comment on column ops.outbound.next_at is 'When it is tried next.';
comment on column ops.outbound.expires_at is 'When it is given up.';
comment on column ops.outbound.ended_at is 'When it was delivered or given up.';
comment on column ops.outbound.last_error is 'Why the last attempt failed.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant select on ops.outbound to mana_ops;
    end if;
end $$;
