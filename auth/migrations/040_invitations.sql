-- Invitations into spaces, and which space a login session works in.

create table if not exists auth.invitations (
    id text primary key,
    organization_id text not null references auth.organizations (id) on delete cascade,
    email text not null,
    role text not null,
    status text not null,
    expires_at timestamptz not null,
    inviter_id text,
    created_at timestamptz not null default now()
);

-- Addresses are compared as plain text.
update auth.invitations set email = lower(email) where email <> lower(email);
-- What the ancestor left behind: unknown words, invitations whose inviter is gone, and the second
-- open invitation of one address into one space, of which the newest stays.
update auth.invitations set status = 'canceled'
 where status not in ('pending', 'accepted', 'rejected', 'canceled');
update auth.invitations i set inviter_id = null
 where inviter_id is not null and not exists (select from auth.users u where u.id = i.inviter_id);
update auth.invitations set status = 'canceled'
 where status = 'pending' and (expires_at <= now() or inviter_id is null);
update auth.invitations set status = 'canceled'
 where id in (select id from (
    select id, row_number() over (partition by organization_id, email
                                  order by created_at desc, id) as place
      from auth.invitations where status = 'pending') ranked where place > 1);

alter table auth.invitations drop constraint if exists invitations_status_is_known;
alter table auth.invitations add constraint invitations_status_is_known
    check (status in ('pending', 'accepted', 'rejected', 'canceled'));
alter table auth.invitations drop constraint if exists invitations_inviter_id_fkey;
alter table auth.invitations add constraint invitations_inviter_id_fkey
    foreign key (inviter_id) references auth.users (id) on delete set null;
-- One open invitation per address and space, whoever invites at the same time.
create unique index if not exists invitations_pending_key
    on auth.invitations (organization_id, email) where status = 'pending';
-- All invitations of one space; those that wait for one address; those of one inviter.
create index if not exists invitations_organization_idx
    on auth.invitations (organization_id, created_at);
create index if not exists invitations_email_idx on auth.invitations (email, status);
create index if not exists invitations_inviter_idx on auth.invitations (inviter_id);

-- The space that a session works in; a deleted space is nobody's active one.
alter table auth.sessions add column if not exists active_organization_id text;
update auth.sessions s set active_organization_id = null
 where active_organization_id is not null
   and not exists (select from auth.organizations o where o.id = s.active_organization_id);
alter table auth.sessions drop constraint if exists sessions_active_organization_fkey;
alter table auth.sessions add constraint sessions_active_organization_fkey
    foreign key (active_organization_id) references auth.organizations (id) on delete set null;
-- Deleting a space finds the sessions that work in it.
create index if not exists sessions_active_organization_idx
    on auth.sessions (active_organization_id) where active_organization_id is not null;
