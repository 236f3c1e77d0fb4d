-- Signing keys have a life: published before they sign, good for verifying while tokens of theirs
-- live, then gone.

alter table auth.jwks
    add column if not exists signs_from timestamptz,
    add column if not exists verifies_until timestamptz;
update auth.jwks set signs_from = created_at where signs_from is null;
alter table auth.jwks
    alter column signs_from set not null,
    alter column signs_from set default now();

comment on column auth.jwks.private_key is
    'JSON string of hex of the sealed private JWK; the box''s key is derived from the secret for '
    'this purpose alone (rows of the service before us: SHA-256 of the secret).';
comment on column auth.jwks.signs_from is
    'The newest key whose time has come signs; until then it is only published.';
comment on column auth.jwks.verifies_until is
    'When the key is forgotten; null while no newer key has been made.';

create view ops.signing_keys as
select id as key, created_at, signs_from, verifies_until,
    case when verifies_until <= now() then 'ended'
         when signs_from > now() then 'published'
         when exists (select from auth.jwks n where n.signs_from > k.signs_from
                         and n.signs_from <= now()) then 'verifies'
         else 'signs' end as state
from auth.jwks k;

comment on view ops.signing_keys is 'The keys that sign access tokens; no key material.';
comment on column ops.signing_keys.key is 'Id of the key (kid of the tokens it signed).';
comment on column ops.signing_keys.created_at is 'When it was made.';
comment on column ops.signing_keys.signs_from is 'From when on it signs.';
comment on column ops.signing_keys.verifies_until is
    'Until when its tokens are accepted; null: no end is set.';
comment on column ops.signing_keys.state is
    'published: will sign; signs; verifies: only older tokens are checked with it; ended.';

do $$
begin
    if exists (select from pg_roles where rolname = 'mana_ops') then
        grant select on ops.signing_keys to mana_ops;
    end if;
end $$;
