-- A stopping daemon cuts its visits and hands back those that left nothing: such an attempt is not
-- used up, so the first attempt of a slot can be to come once more.

alter table auth.persona_visits add column handed_back boolean not null default false;
alter table auth.persona_visits add constraint persona_visits_handed_back_failed
    check (not handed_back or status = 'failed');

comment on column auth.persona_visits.handed_back is
    'Cut by a stopping daemon before it left an action row; its attempt is to come again.';

alter table auth.personas drop constraint personas_retry_whole;
alter table auth.personas add constraint personas_retry_whole
    check ((retry_slot is null) = (retry_attempt is null) and retry_attempt >= 1);

comment on column auth.personas.retry_attempt is
    'Number of the attempt that is to come: 2 or 3, or the one that was handed back.';
