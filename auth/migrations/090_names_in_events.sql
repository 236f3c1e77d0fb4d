-- Events of others name a user by her address: when she goes, her pseudonym takes its place. Few
-- events have such a name, and a user's going must not read all of them.

create index security_events_member_idx on auth.security_events ((metadata ->> 'member'))
 where metadata ->> 'member' is not null;
create index security_events_email_idx on auth.security_events ((metadata ->> 'email'))
 where metadata ->> 'email' is not null;
create index security_events_new_email_idx on auth.security_events ((metadata ->> 'newEmail'))
 where metadata ->> 'newEmail' is not null;

comment on column auth.security_events.metadata is
    'What is known beside; addresses of users who are gone are replaced by their pseudonym.';
