-- Full-text search. The words of each record stand in a table of their own, kept up by a trigger,
-- so that whoever writes a record need not think of it. The application's role has no right on that
-- table: it asks workspace.found(), which answers ids of the one space that the transaction names,
-- and reads the records themselves under their own policies. (A policy on the words would forbid
-- the index: the operator @@ is not leak-proof, so it would run after the policy, row by row.)
--
-- Words are kept as they are, as German and as English stems. A query finds a record that has each
-- of its words in one of those forms or as the beginning of a word.

-- Which fields of which table are searched.
create table workspace.searched (
    app_id text not null,
    table_name text not null,
    fields text[] not null,
    primary key (app_id, table_name)
);
comment on table workspace.searched is 'The fields whose texts are found by search, per table';
insert into workspace.searched values
    ('todo', 'tasks', '{title,description,subtasks}'),
    ('calendar', 'events', '{title,description,location}'),
    ('journal', 'journalEntries', '{title,content,tags}'),
    ('notes', 'notes', '{title,content,tags}'),
    ('mood', 'moodEntries', '{notes,withWhom,tags,emotion,activity}'),
    ('contacts', 'contacts',
     '{firstName,lastName,company,jobTitle,email,phone,mobile,street,city,country,notes,tags}'),
    ('articles', 'articles', '{title,excerpt,content,author,siteName,originalUrl,userNote}'),
    ('articles', 'highlights', '{text,note}'),
    ('dreams', 'dreams',
     '{title,content,interpretation,location,people,emotions,symbols}'),
    ('library', 'libraryEntries', '{title,originalTitle,creators,review,tags,genres}'),
    ('invoices', 'invoices', '{number,subject,notes,clientSnapshot,lines}');

create table workspace.record_words (
    space_id text not null,
    app_id text not null,
    table_name text not null,
    record_id text not null,
    created_seq bigint not null,
    words tsvector not null,
    primary key (space_id, app_id, table_name, record_id)
);
comment on table workspace.record_words is
    'The words of every searched record that is not deleted; read through workspace.found() only';
-- The first lexeme of each row names its space and table, so that one index answers both questions.
create index record_words_found on workspace.record_words using gin (words) with (fastupdate = off);
-- A frequent word is found by walking back from the newest record.
create index record_words_newest
    on workspace.record_words (space_id, app_id, table_name, created_seq desc);

-- A lexeme that no text can hold: the parser makes none that begins with a control character.
create function workspace.place_lexeme(space text, app text, tab text) returns text
language sql immutable as $$
    select E'\x01' || md5(space || E'\x01' || app || E'\x01' || tab)
$$;

create function workspace.words_of(content text, place text) returns tsvector
language sql immutable as $$
    select strip(to_tsvector('simple', folded) || to_tsvector('german', folded)
                 || to_tsvector('english', folded)) || array_to_tsvector(array[place])
    from lower(content collate "und-x-icu") folded
$$;

create function workspace.keep_words() returns trigger
language plpgsql security definer set search_path = pg_catalog, workspace as $$
declare
    listed text[];
    content text;
    place text;
    kept tsvector;
begin
    if tg_op = 'DELETE' then
        delete from workspace.record_words where space_id = old.space_id and app_id = old.app_id
            and table_name = old.table_name and record_id = old.record_id;
        return old;
    end if;
    select s.fields into listed from workspace.searched s
        where s.app_id = new.app_id and s.table_name = new.table_name;
    if not found then
        return new;
    end if;
    if new.deleted_at is not null then
        delete from workspace.record_words where space_id = new.space_id and app_id = new.app_id
            and table_name = new.table_name and record_id = new.record_id;
        return new;
    end if;
    -- What a client has encrypted is no text.
    select string_agg(new.data ->> field, ' ') into content from unnest(listed) field
        where not starts_with(coalesce(new.data ->> field, ''), 'enc:1:');
    content := coalesce(content, '');
    place := workspace.place_lexeme(new.space_id, new.app_id, new.table_name);
    begin
        kept := workspace.words_of(content, place);
    exception when program_limit_exceeded then
        -- More words than one row can hold: the beginning of the text is found.
        kept := workspace.words_of(left(content, 50000), place);
    end;
    insert into workspace.record_words
        values (new.space_id, new.app_id, new.table_name, new.record_id, new.created_seq, kept)
        on conflict (space_id, app_id, table_name, record_id) do update set words = excluded.words;
    return new;
end $$;

create function workspace.query_of(asked text) returns tsquery
language plpgsql immutable set search_path = pg_catalog, workspace as $$
declare
    one text;
    built tsquery;
begin
    for one in
        select distinct token from ts_parse('default', lower(asked collate "und-x-icu")) parsed
        where parsed.tokid <> 12  -- Blanks and punctuation.
          and length(token) < 500
        limit 30
    loop
        built := coalesce(built && workspace.word_query(one), workspace.word_query(one));
    end loop;
    return built;
end $$;

create function workspace.word_query(word text) returns tsquery
language sql immutable set search_path = pg_catalog as $$
    select ('''' || replace(replace(word, '\', '\\'), '''', '''''') || ''':*')::tsquery
        || plainto_tsquery('german', word) || plainto_tsquery('english', word)
$$;

-- The newest `most` records of the table, in the space that the transaction names, with every word
-- of `asked`; none for a text without words.
create function workspace.found(app text, tab text, asked text, most bigint)
returns table (record_id text)
language plpgsql stable security definer rows 100
set search_path = pg_catalog, workspace
set plan_cache_mode = force_custom_plan as $$
declare
    wanted tsquery := workspace.query_of(asked);
    place text := workspace.space();
begin
    if wanted is null or numnode(wanted) = 0 or place is null or workspace.caller() is null then
        return;
    end if;
    wanted := (quote_literal(workspace.place_lexeme(place, app, tab)))::tsquery && wanted;
    return query
        select w.record_id from workspace.record_words w
        where w.space_id = place and w.app_id = app and w.table_name = tab and w.words @@ wanted
        order by w.created_seq desc limit most;
end $$;

revoke all on function workspace.found(text, text, text, bigint) from public;
revoke all on function workspace.keep_words() from public;
grant execute on function workspace.found(text, text, text, bigint) to mana_app;

create trigger records_words after insert or update of data, deleted_at or delete
    on workspace.records for each row execute function workspace.keep_words();

-- The owner is bound by the policies too, and no space is named here.
alter table workspace.records no force row level security;
insert into workspace.record_words
select r.space_id, r.app_id, r.table_name, r.record_id, r.created_seq,
       workspace.words_of(left(coalesce(t.content, ''), 50000),
                          workspace.place_lexeme(r.space_id, r.app_id, r.table_name))
from workspace.records r
join workspace.searched s using (app_id, table_name)
cross join lateral (select string_agg(r.data ->> field, ' ') as content from unnest(s.fields) field
                    where not starts_with(coalesce(r.data ->> field, ''), 'enc:1:')) t
where r.deleted_at is null;
alter table workspace.records force row level security;
