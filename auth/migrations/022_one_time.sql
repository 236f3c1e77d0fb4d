-- What is good once: mailed links and the like. They go with their user, and what they are about
-- (a new address, where the link leads) stays in the row instead of somebody's memory.

alter table auth.verification
    add column if not exists user_id text references auth.users (id) on delete cascade,
    add column if not exists detail jsonb;

update auth.verification v set user_id = v.value
 where v.identifier like 'verify-email:%' and exists (select from auth.users u where u.id = v.value);

comment on column auth.verification.identifier is
    'Purpose, a colon and, of what we made ourselves, the SHA-256 (hex) of the secret.';
comment on column auth.verification.detail is 'What the link is about, e.g. the new address.';

-- What a user has open: not mailing twice, deleting with her.
create index if not exists verification_user_idx on auth.verification (user_id)
    where user_id is not null;
-- Old rows are cleaned up by age.
create index if not exists verification_expires_idx on auth.verification (expires_at);
