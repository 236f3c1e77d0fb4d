-- Spaces (organizations) and who belongs to them.

create table if not exists auth.organizations (
    id text primary key,
    name text not null,
    slug text constraint organizations_slug_unique unique,
    logo text,
    metadata jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table if not exists auth.members (
    id text primary key,
    organization_id text not null references auth.organizations (id) on delete cascade,
    user_id text not null,
    role text not null,
    created_at timestamptz not null default now()
);

-- Metadata was sometimes stored as a JSON string that holds JSON; it becomes the object it means.
do $$
declare
    space record;
    meaning jsonb;
begin
    for space in select id, metadata from auth.organizations where jsonb_typeof(metadata) = 'string'
    loop
        begin
            meaning := (space.metadata #>> '{}')::jsonb;
        exception when invalid_text_representation then
            meaning := '{}';
        end;
        update auth.organizations set metadata = meaning where id = space.id;
    end loop;
end $$;
update auth.organizations set metadata = '{}'
 where metadata is null or jsonb_typeof(metadata) <> 'object';
alter table auth.organizations alter column metadata set not null;
alter table auth.organizations alter column metadata set default '{}';
alter table auth.organizations drop constraint if exists organizations_metadata_is_object;
alter table auth.organizations add constraint organizations_metadata_is_object
    check (jsonb_typeof(metadata) = 'object');

-- Memberships of users who are gone, and the second membership of one user in one space: the
-- strongest role stays, of equal ones the oldest.
delete from auth.members m where not exists (select from auth.users u where u.id = m.user_id);
delete from auth.members
 where id in (select id from (
    select id, row_number() over (
        partition by organization_id, user_id
        order by case when 'owner' = any(string_to_array(role, ',')) then 0
                      when 'admin' = any(string_to_array(role, ',')) then 1 else 2 end,
                 created_at, id) as place
      from auth.members) ranked where place > 1);
-- Personal spaces whose owner is gone would keep their slugs for ever.
delete from auth.organizations o
 where o.metadata ->> 'type' = 'personal'
   and not exists (select from auth.members m where m.organization_id = o.id);

alter table auth.members drop constraint if exists members_user_id_fkey;
alter table auth.members add constraint members_user_id_fkey
    foreign key (user_id) references auth.users (id) on delete cascade;
-- One membership per user and space; also answers "is she a member?".
create unique index if not exists members_organization_user_key
    on auth.members (organization_id, user_id);
-- "Which spaces does she belong to?"
create index if not exists members_user_id_idx on auth.members (user_id);

-- A personal space belongs to one user and every user has at most one; type and owner of it are
-- known by this column, which no client can write, and not by the metadata.
alter table auth.organizations add column if not exists personal_user_id text
    constraint organizations_personal_user_key unique
    references auth.users (id) on delete cascade;
update auth.organizations o set personal_user_id = first.user_id
  from (select distinct on (m.user_id) m.user_id, m.organization_id
          from auth.members m join auth.organizations p on p.id = m.organization_id
         where p.metadata ->> 'type' = 'personal' and 'owner' = any(string_to_array(m.role, ','))
         order by m.user_id, p.created_at, p.id) first
 where first.organization_id = o.id and o.personal_user_id is null
   and not exists (select from auth.organizations t where t.personal_user_id = first.user_id);
comment on column auth.organizations.personal_user_id is
    'Set exactly for a personal space: the user whose it is';
