-- Of the records' indexes two fitted a look-up of one record: the primary key and the constraint on
-- positions, which begins with the same three columns. Before a table has statistics the planner
-- cannot tell them apart, and reads all of the table by the wrong one. An index of the numbered
-- records alone guards the same thing, cannot be mistaken, and is smaller.
alter table workspace.records drop constraint records_position;
create unique index records_position on workspace.records (space_id, app_id, table_name, position)
    where position is not null;
