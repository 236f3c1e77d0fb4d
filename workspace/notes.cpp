// Notes: written in markdown, found by their text, changed, deleted.
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 6> notes_fields = {"title", "content",  "color",
                                                          "tags",  "isPinned", "isArchived"};
const Json& notes_form();
constexpr Table notes_notes{
    .app = "notes", .name = "notes", .fields = notes_fields, .form = notes_form};

std::string notes_record() {
    return record_schema(R"({
        "id": {"type": "string", "format": "uuid"},
        "title": {"type": "string"},
        "content": {"type": "string"},
        "color": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "isPinned": {"type": "boolean"},
        "isArchived": {"type": "boolean"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"}})",
                         {"tags", "createdAt", "updatedAt"});
}

const Json& notes_form() {
    static const Json form = parsed_schema(notes_record());
    return form;
}

Json notes_create(Call& call) {
    Json note = call.chosen({"title", "content", "color", "tags", "isPinned"});
    note["isArchived"] = false;
    return {{"note", call.records.insert(notes_notes, std::move(note))}};
}

Json notes_search(Call& call) {
    return {{"notes", call.records.list(notes_notes, call.asked_flags(), call.asked())}};
}

Json notes_update(Call& call) {
    const Json fields =
        call.chosen({"title", "content", "color", "tags", "isPinned", "isArchived"});
    if (fields.empty()) {
        return call.refuse("notes.update needs at least one field besides id, e.g. content.");
    }
    return call.change(notes_notes, fields, {"note", "note", "notes.search"});
}

Json notes_archive(Call& call) {
    return call.change(notes_notes, {{"isArchived", call.args["archived"]}},
                       {"note", "note", "notes.search"});
}

Json notes_delete(Call& call) {
    if (!call.records.remove(notes_notes, call.text("id"))) {
        return call.refuse_missing("note", "notes.search");
    }
    return {{"ok", true}};
}

}  // namespace

void add_notes(Registry& registry) {
    registry.add({.name = "notes.create",
                  .title = "Create a note",
                  .description = "Keeps a note in markdown and answers it with its id.",
                  .input = object_schema(R"({
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "content": {"type": "string", "maxLength": 200000, "default": ""},
            "color": {"type": ["string", "null"], "pattern": "^#[0-9a-fA-F]{6}$", "default": null},
            "isPinned": {"type": "boolean", "default": false}, )" +
                                             words_piece("tags", 20, R"(, "default": [])") + "}",
                                         {"title"}),
                  .output = answer_schema("note", notes_record()),
                  .effect = Effect::adds,
                  .run = notes_create});
    registry.add({.name = "notes.search",
                  .title = "Search notes",
                  .description = "Answers the notes with the query in title, content or tags, "
                                 "newest first. An empty query answers all.",
                  .input = object_schema(R"({
            )" + query_piece(false) + R"(,
            "includeArchived": {"type": "boolean", "default": false},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}})"),
                  .output = list_schema("notes", notes_record()),
                  .effect = Effect::reads,
                  .run = notes_search});
    registry.add({.name = "notes.update",
                  .title = "Change a note",
                  .description = "Changes only the given fields; content replaces the whole text, "
                                 "isArchived true puts the note away.",
                  .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From notes.search"},
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "content": {"type": "string", "maxLength": 200000},
            "color": {"type": ["string", "null"], "pattern": "^#[0-9a-fA-F]{6}$"},
            "isPinned": {"type": "boolean"},
            "isArchived": {"type": "boolean"}, )" +
                                             words_piece("tags", 20) + "}",
                                         {"id"}),
                  .output = answer_schema("note", notes_record()),
                  .effect = Effect::overwrites,
                  .run = notes_update});
    registry.add({.name = "notes.archive",
                  .title = "Archive a note",
                  .description = "Puts a note away, or takes it back with archived false.",
                  .input = archive_schema("notes.search"),
                  .output = answer_schema("note", notes_record()),
                  .effect = Effect::marks,
                  .run = notes_archive});
    registry.add({.name = "notes.delete",
                  .title = "Delete a note",
                  .description = "Removes a note for good. To put it away, use notes.archive.",
                  .input = object_schema(R"({"id": {"type": "string", "format": "uuid",
                                                    "description": "From notes.search"}})",
                                         {"id"}),
                  .output = done_schema(),
                  .effect = Effect::removes,
                  .run = notes_delete});
}

}  // namespace workspace
