-- A space that is gone takes everybody's rows along. The clean-up of the service names the space, as
-- it names a departing user; in every other transaction the name is null and nothing more is seen.
create function workspace.departing_space() returns text language sql stable
    as $$ select nullif(current_setting('app.departing_space', true), '') $$;

create policy changes_space_read on workspace.changes for select
    using (space_id = workspace.departing_space());
create policy changes_space on workspace.changes for delete
    using (space_id = workspace.departing_space());
create policy records_space_read on workspace.records for select
    using (space_id = workspace.departing_space());
create policy records_space on workspace.records for delete
    using (space_id = workspace.departing_space());
create policy calls_space_read on workspace.calls for select
    using (space_id = workspace.departing_space());
create policy calls_space on workspace.calls for delete
    using (space_id = workspace.departing_space());
create policy policy_events_space_read on workspace.policy_events for select
    using (space_id = workspace.departing_space());
create policy policy_events_space on workspace.policy_events for delete
    using (space_id = workspace.departing_space());
