// Events: created, listed by time, changed, cancelled. The times are part of the event.
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "workspace/dates.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 9> calendar_fields = {
    "calendarId", "title",       "startTime", "endTime",  "isAllDay",
    "location",   "description", "color",     "reminders"};
const Json& calendar_form();
constexpr Table calendar_events{
    .app = "calendar", .name = "events", .fields = calendar_fields, .form = calendar_form};

constexpr std::chrono::hours calendar_usual_length{1};
constexpr int calendar_window_days_max = 366;
constexpr int calendar_overlaps_max = 5;

std::string calendar_record() {
    return record_schema(R"({
        "id": {"type": "string", "format": "uuid"},
        "calendarId": {"type": "string"},
        "title": {"type": "string"},
        "startTime": {"type": "string", "format": "date-time"},
        "endTime": {"type": "string", "format": "date-time"},
        "isAllDay": {"type": "boolean"},
        "location": {"type": ["string", "null"]},
        "description": {"type": ["string", "null"]},
        "color": {"type": ["string", "null"]},
        "reminders": {"type": "array", "items": {"type": "integer"},
                      "description": "Minutes before it begins"},
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"}})",
                         {"color", "reminders", "createdAt", "updatedAt"});
}

const Json& calendar_form() {
    static const Json form = parsed_schema(calendar_record());
    return form;
}

// {"event", "overlaps": other events at the same time}.
Schema calendar_saved_schema() {
    return object_schema(R"({"event": )" + calendar_record() +
                             R"(, "overlaps": {"type": "array", "items": {"type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "title": {"type": "string"},
                "startTime": {"type": "string", "format": "date-time"},
                "endTime": {"type": "string", "format": "date-time"}},
            "required": ["id", "title", "startTime", "endTime"], "additionalProperties": false},
            "description": "Events at the same time, at most 5"}})",
                         {"event", "overlaps"});
}

// The event that was saved, with a warning of those that it overlaps. All-day events overlap
// nothing: they stand for the day.
Json calendar_saved(Call& call, Json event) {
    Json overlaps = Json::array();
    if (!event["isAllDay"].get<bool>()) {
        RecordFilter filter;
        const base::Moment start = *base::from_iso(event["startTime"].get<std::string>());
        filter.range = {.field = "startTime", .before = event["endTime"].get<std::string>()};
        filter.second_range = {.field = "endTime",
                               .from = base::to_iso(start + std::chrono::milliseconds{1})};
        filter.order = "startTime";
        filter.ascending = true;
        filter.limit = calendar_overlaps_max + 1;
        for (const Json& other :
             call.records.list(calendar_events, {{"isAllDay", false}}, filter)) {
            if (other["id"] == event["id"] || overlaps.size() == calendar_overlaps_max) continue;
            Json overlap;
            for (const char* field : {"id", "title", "startTime", "endTime"}) {
                overlap[field] = other[field];
            }
            overlaps.push_back(std::move(overlap));
        }
    }
    return {{"event", std::move(event)}, {"overlaps", std::move(overlaps)}};
}

void calendar_normalize(Json& event, const char* field) {
    const auto moment = event.find(field);
    if (moment != event.end() && moment->is_string()) {
        *moment = *utc_text(moment->get<std::string>());
    }
}

// When an event ends that names no end: an hour later, or at the end of the same day.
std::string calendar_end(const std::string& start, bool all_day) {
    const base::Moment from = *base::from_iso(start);
    return base::to_iso(from + (all_day ? std::chrono::hours{24} : calendar_usual_length));
}

Json calendar_create(Call& call) {
    Json event = call.chosen({"title", "startTime", "endTime", "isAllDay", "location",
                              "description", "color", "reminders"});
    calendar_normalize(event, "startTime");
    calendar_normalize(event, "endTime");
    const auto start = event["startTime"].get<std::string>();
    if (event["endTime"].is_null()) {
        event["endTime"] = calendar_end(start, event["isAllDay"].get<bool>());
    }
    if (event["endTime"].get<std::string>() <= start) {
        return call.refuse(
            "calendar.create was not run: endTime must be after startTime. Correct "
            "it, or leave endTime out for one hour.");
    }
    event["calendarId"] = "default";
    return calendar_saved(call, call.records.insert(calendar_events, std::move(event)));
}

// Events that touch the days from `first` to `last`: begun before the window ends, ended after it
// begins.
Json calendar_window(Call& call, const std::string& first, const std::string& last, int limit) {
    base::Transaction& transaction = call.records.transaction();
    const std::string from = start_of_day(transaction, call.place.zone, first);
    const std::string before = start_of_day(transaction, call.place.zone, plus_days(last, 1));
    const std::string after = base::to_iso(*base::from_iso(from) + std::chrono::milliseconds{1});
    RecordFilter filter;
    filter.range = {.field = "startTime", .before = before};
    filter.second_range = {.field = "endTime", .from = after};
    filter.order = "startTime";
    filter.ascending = true;
    filter.limit = limit;
    return {{"events", call.records.list(calendar_events, Json::object(), filter)}};
}

Json calendar_list(Call& call) {
    const std::string from = call.given("from") ? call.text("from") : call.place.today;
    const std::string to = call.given("to") ? call.text("to") : plus_days(from, 13);
    if (to < from) {
        return call.refuse("calendar.list was not run: to (" + to + ") must not lie before from (" +
                           from + ").");
    }
    if (to > plus_days(from, calendar_window_days_max)) {
        return call.refuse(
            "calendar.list was not run: from and to may lie at most one year "
            "apart. Ask for a shorter time.");
    }
    return calendar_window(call, from, to, call.args["limit"].get<int>());
}

Json calendar_today(Call& call) {
    const std::string date = call.given("date") ? call.text("date") : call.place.today;
    return calendar_window(call, date, date, 200);
}

Json calendar_update(Call& call) {
    Json fields = call.chosen({"title", "startTime", "endTime", "isAllDay", "location",
                               "description", "color", "reminders"});
    if (fields.empty()) {
        return call.refuse("calendar.update needs at least one field besides id, e.g. startTime.");
    }
    calendar_normalize(fields, "startTime");
    calendar_normalize(fields, "endTime");
    const auto event = call.records.hold(calendar_events, call.text("id"));
    if (!event) return call.refuse_missing("event", "calendar.list");
    const auto old_start = (*event)["startTime"].get<std::string>();
    const auto start = fields.value("startTime", old_start);
    // A moved event keeps its length.
    if (start != old_start && !fields.contains("endTime")) {
        const auto length =
            *base::from_iso((*event)["endTime"].get<std::string>()) - *base::from_iso(old_start);
        fields["endTime"] = base::to_iso(*base::from_iso(start) + length);
    }
    if (fields.value("endTime", (*event)["endTime"].get<std::string>()) <= start) {
        return call.refuse("calendar.update was not run: endTime must be after startTime (" +
                           start + "). Give both.");
    }
    auto changed = call.records.update(calendar_events, call.text("id"), fields);
    if (!changed) return call.refuse_missing("event", "calendar.list");
    return calendar_saved(call, std::move(*changed));
}

Json calendar_search(Call& call) {
    RecordFilter filter = call.asked();
    filter.order = "startTime";
    return {{"events", call.records.list(calendar_events, Json::object(), filter)}};
}

Json calendar_cancel(Call& call) {
    if (!call.records.remove(calendar_events, call.text("id"))) {
        return call.refuse_missing("event", "calendar.list");
    }
    return {{"ok", true}};
}

Tool calendar_changing_tool() {
    return {
        .name = "calendar.update",
        .title = "Change an event",
        .description = "Changes only the given fields. Moving startTime alone keeps the length.",
        .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From calendar.list"},
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "startTime": {"type": "string", "format": "date-time"},
            "endTime": {"type": "string", "format": "date-time"},
            "isAllDay": {"type": "boolean"},
            "location": {"type": ["string", "null"], "maxLength": 500},
            "description": {"type": ["string", "null"], "maxLength": 10000},
            "color": {"type": ["string", "null"], "pattern": "^#[0-9a-fA-F]{6}$"},
            "reminders": {"type": "array", "maxItems": 5,
                          "items": {"type": "integer", "minimum": 0, "maximum": 40320}}})",
                               {"id"}),
        .output = calendar_saved_schema(),
        .effect = Effect::overwrites,
        .run = calendar_update};
}

}  // namespace

void add_calendar(Registry& registry) {
    registry.add({.name = "calendar.create",
                  .title = "Create an event",
                  .description = "Puts one event into the calendar and answers it with its id, and "
                                 "the events that it overlaps.",
                  .input = object_schema(R"({
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "startTime": {"type": "string", "format": "date-time",
                          "description": "E.g. 2026-11-21T14:00:00+01:00"},
            "endTime": {"type": ["string", "null"], "format": "date-time", "default": null,
                        "description": "Left out: one hour, or the whole day if isAllDay"},
            "isAllDay": {"type": "boolean", "default": false},
            "location": {"type": ["string", "null"], "maxLength": 500, "default": null},
            "description": {"type": ["string", "null"], "maxLength": 10000, "default": null},
            "color": {"type": ["string", "null"], "pattern": "^#[0-9a-fA-F]{6}$", "default": null},
            "reminders": {"type": "array", "maxItems": 5, "default": [],
                          "items": {"type": "integer", "minimum": 0, "maximum": 40320},
                          "description": "Minutes before it begins"}})",
                                         {"title", "startTime"}),
                  .output = calendar_saved_schema(),
                  .effect = Effect::adds,
                  .run = calendar_create});
    registry.add({.name = "calendar.list",
                  .title = "List events",
                  .description = "Answers the events of a span of days, earliest first. Without "
                                 "dates: today and the 13 days after it.",
                  .input = object_schema(R"({
            "from": {"type": "string", "format": "date", "description": "First day"},
            "to": {"type": "string", "format": "date", "description": "Last day, included"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}})"),
                  .output = list_schema("events", calendar_record()),
                  .effect = Effect::reads,
                  .run = calendar_list});
    registry.add(
        {.name = "calendar.today",
         .title = "Events of a day",
         .description = "Answers the events of today, or of the given day, earliest first.",
         .input = object_schema(R"({"date": {"type": "string", "format": "date"}})"),
         .output = list_schema("events", calendar_record()),
         .effect = Effect::reads,
         .run = calendar_today});
    registry.add({.name = "calendar.search",
                  .title = "Search events",
                  .description = "Answers the events of all times with the query in title, "
                                 "description or location, latest first.",
                  .input = object_schema("{" + query_piece(true) + "," + limit_piece(100, 20) + "}",
                                         {"query"}),
                  .output = list_schema("events", calendar_record()),
                  .effect = Effect::reads,
                  .run = calendar_search});
    registry.add(calendar_changing_tool());
    registry.add({.name = "calendar.cancel",
                  .title = "Cancel an event",
                  .description = "Takes an event out of the calendar.",
                  .input = object_schema(
                      R"({"id": {"type": "string", "format": "uuid",
                                 "description": "From calendar.list"}})",
                      {"id"}),
                  .output = done_schema(),
                  .effect = Effect::removes,
                  .run = calendar_cancel});
}

}  // namespace workspace
