-- How often an address or a mail box asked lately, for the limits of requests.

create table auth.request_limits (
    rule text not null,
    who text not null,
    until timestamptz not null,
    requests integer not null check (requests > 0),
    primary key (rule, who)
);
comment on table auth.request_limits is
    'One row per rule and address (or mail box) in its running window; old ones are cleaned up.';
comment on column auth.request_limits.who is 'An address, an IPv6 network (/64) or a mail box.';
comment on column auth.request_limits.requests is 'Those in the window, at most one past the rule.';

-- Windows that are over are cleaned up.
create index request_limits_until_idx on auth.request_limits (until);
