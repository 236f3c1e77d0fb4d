-- What users set: for everything, per application, per device.

create table if not exists auth.user_settings (
    user_id text primary key references auth.users (id) on delete cascade,
    global_settings jsonb not null default '{"nav": {"desktopPosition": "top",
        "sidebarCollapsed": false}, "theme": {"mode": "system", "colorScheme": "ocean"},
        "locale": "de"}',
    app_overrides jsonb not null default '{}',
    device_settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Anything was accepted once; what is no object says nothing.
update auth.user_settings set global_settings = default where jsonb_typeof(global_settings) <> 'object';
update auth.user_settings set app_overrides = '{}' where jsonb_typeof(app_overrides) <> 'object';
update auth.user_settings set device_settings = '{}' where jsonb_typeof(device_settings) <> 'object';
alter table auth.user_settings drop constraint if exists user_settings_are_objects;
alter table auth.user_settings add constraint user_settings_are_objects check (
    jsonb_typeof(global_settings) = 'object' and jsonb_typeof(app_overrides) = 'object'
    and jsonb_typeof(device_settings) = 'object');

-- Searching users by a part of their address or name reads the newest first.
create index if not exists users_created_at_id_idx on auth.users (created_at desc, id);
-- Deleting a user finds her invitations and members by index already; who was active today goes by
-- the sessions' last use.
create index if not exists sessions_last_activity_idx on auth.sessions (last_activity_at);
