-- Of some tables one value exists once per space: a contact's mail address, an article's address.
-- The digest of that value is kept beside the record, so that an index can refuse the second of two
-- records that are saved at the same moment. Of records that were doubled before, the oldest holds
-- the value; the others stay as they are, without one.
alter table workspace.records add column once_key text check (once_key ~ '^[0-9a-f]{64}$');
comment on column workspace.records.once_key is
    'SHA-256 (hex) of the value that may exist once per space and table; null: none';

-- The owner is bound by the policies too, and no space is named here.
alter table workspace.records no force row level security;
update workspace.records r
   set once_key = encode(sha256(convert_to(first.value, 'UTF8')), 'hex')
  from (select distinct on (space_id, app_id, table_name, value)
               space_id, app_id, table_name, record_id, value
          from (select space_id, app_id, table_name, record_id, created_seq,
                       case when app_id = 'contacts' then data ->> 'email'
                            else data ->> 'originalUrl' end as value
                  from workspace.records
                 where (app_id, table_name) in (('contacts', 'contacts'), ('articles', 'articles'))
                   and deleted_at is null) kept
         where value is not null
         order by space_id, app_id, table_name, value, created_seq) first
 where (r.space_id, r.app_id, r.table_name, r.record_id)
     = (first.space_id, first.app_id, first.table_name, first.record_id);
alter table workspace.records force row level security;

-- Also how the holder of a value is found before a record is saved.
create unique index records_once on workspace.records (space_id, app_id, table_name, once_key)
    where deleted_at is null and once_key is not null;
grant update (once_key) on workspace.records to mana_app;
