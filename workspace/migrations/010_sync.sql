-- Sync reads the log in the order of the transactions that wrote it: (transaction_id, seq), below the
-- oldest transaction that is still open. Whatever commits later has a higher place, so a reader that
-- goes on from its last place never misses a row.
create index changes_feed on workspace.changes (space_id, app_id, transaction_id, seq);

-- Who sent a change, so that a device does not get its own back; null: a tool.
alter table workspace.changes add column client_id text check (length(client_id) between 1 and 128);

-- After a logical restore the transaction ids of old rows are those of another cluster, and may lie
-- above this one's. Run as the owner, once, before anybody writes: readers then begin anew.
create function workspace.rebase_after_restore() returns bigint language plpgsql as $$
declare moved bigint;
begin
    execute 'alter table workspace.changes no force row level security';
    update workspace.changes set transaction_id = '3'
     where transaction_id >= pg_snapshot_xmax(pg_current_snapshot());
    get diagnostics moved = row_count;
    execute 'alter table workspace.changes force row level security';
    return moved;
end $$;
revoke execute on function workspace.rebase_after_restore() from public;
