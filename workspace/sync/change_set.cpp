#include "workspace/sync/change_set.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::size_t push_changes_max = 1'000;
constexpr std::size_t push_fields_max = 500;
constexpr std::size_t push_name_bytes_max = 128;
constexpr std::size_t push_actor_bytes_max = 4'096;
constexpr std::size_t push_values_bytes_max = 1024 * 1024;  // Of one change.
constexpr int push_schema_version = 1;
// A device whose clock is ahead would win for ever.
constexpr std::chrono::seconds push_skew_max{60};
constexpr std::array<std::string_view, 3> push_ops{"insert", "update", "delete"};
constexpr std::array<std::string_view, 4> push_origins{"user", "agent", "system", "migration"};

// What the row says beside the record, and what the server says itself.
bool is_row_field(std::string_view name) {
    return name == "spaceId" || name == "id" || name == "__fieldMeta";
}

bool is_event_id(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        const char each = text[at];
        const bool hex = (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f') ||
                         (each >= 'A' && each <= 'F');
        if (dash ? each != '-' : !hex) return false;
    }
    return true;
}

// The database's JSON holds none.
bool has_nul(const Json& value) {
    if (value.is_string())
        return value.get_ref<const std::string&>().find('\0') != std::string::npos;
    if (value.is_array()) return std::any_of(value.begin(), value.end(), has_nul);
    if (!value.is_object()) return false;
    const auto& members = value.items();
    return std::any_of(members.begin(), members.end(), [](const auto& member) {
        return member.key().find('\0') != std::string::npos || has_nul(member.value());
    });
}

void check_field_name(const base::Fields& change, std::string_view member, std::string_view name) {
    if (name.empty() || name.size() > push_name_bytes_max || name.starts_with("__")) {
        change.fail(member, "named with 1 to 128 characters, not beginning with __");
    }
}

std::string push_time(const base::Fields& owner, std::string_view name, base::Moment now) {
    const auto moment = base::from_iso(owner.text(name, 1, 64));
    if (!moment) owner.fail(name, "an ISO 8601 time with zone");
    return base::to_iso(std::min(*moment, now + push_skew_max));
}

void read_update(const base::Fields& change, PushedChange& out, base::Moment now) {
    const Json& fields = change.object("fields");
    if (fields.empty() || fields.size() > push_fields_max) {
        change.fail("fields", "an object of 1 to 500 fields");
    }
    for (const auto& [name, field] : fields.items()) {
        const base::Fields one(field, change.path_of("fields") + "." + base::cut(name, 64));
        check_field_name(change, "fields", name);
        const std::string at = push_time(one, "at", now);
        const auto value = field.find("value");
        if (value == field.end()) one.fail("value", "given (null is a value)");
        if (is_row_field(name)) continue;
        out.values[name] = *value;
        out.times[name] = at;
    }
    if (out.values.empty()) change.fail("fields", "an object with a field of the record");
}

void read_insert(const base::Fields& change, PushedChange& out, base::Moment now) {
    const Json& data = change.object("data");
    if (data.empty() || data.size() > push_fields_max) {
        change.fail("data", "an object of 1 to 500 fields");
    }
    const base::Fields record(data, change.path_of("data"));
    std::string common = base::to_iso(now);
    for (const char* name : {"updatedAt", "createdAt"}) {
        if (!record.has(name)) continue;
        common = push_time(record, name, now);
        break;
    }
    const Json none = Json::object();
    const base::Fields given(change.has("fieldMeta") ? change.object("fieldMeta") : none,
                             change.path_of("fieldMeta"));
    for (const auto& [name, value] : data.items()) {
        if (is_row_field(name)) continue;
        check_field_name(change, "data", name);
        out.values[name] = value;
        out.times[name] = given.has(name) ? push_time(given, name, now) : common;
    }
    if (out.values.empty()) change.fail("data", "an object with a field of the record");
}

// The ancestor's three places for it, in its order.
std::string space_of(const base::Fields& change, const PushContext& context) {
    std::string space = change.text_or_none("spaceId", 128).value_or("");
    if (space.empty() && change.has("data")) {
        space = base::Fields(change.object("data")).text_or_none("spaceId", 128).value_or("");
    }
    if (space.empty() && change.has("fields")) {
        const base::Fields fields(change.object("fields"), change.path_of("fields"));
        if (fields.has("spaceId")) {
            space = base::Fields(fields.object("spaceId")).text_or_none("value", 128).value_or("");
        }
    }
    return space == "_personal:" + context.user_id ? std::string() : space;
}

// A name for a change that its client gave none: the same change, sent again, has the same one.
std::string derived_id(const PushedChange& change, const std::string& client_id,
                       const PushContext& context) {
    const Json all =
        Json::array({context.user_id, client_id, context.app_id, change.space_id, change.table,
                     change.record_id, change.op, change.values, change.times});
    std::string hex = base::to_hex(base::sha256(base::to_text(all))).substr(0, 32);
    hex[12] = '8';  // Version 8: made by a rule of one's own.
    hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
    for (const std::size_t at : {20, 16, 12, 8}) hex.insert(at, "-");
    return hex;
}

PushedChange read_change(const base::Fields& change, const std::string& client_id,
                         const PushContext& context, int set_version) {
    PushedChange out;
    out.op = push_ops[change.word("op", push_ops)];
    out.table = change.text("table", 1, 64);
    check_sync_word(change.path_of("table"), out.table);
    out.record_id = change.text("id", 1, 128);
    out.space_id = space_of(change, context);
    out.schema_version =
        static_cast<int>(change.integer_or_none("schemaVersion", 0, 1'000).value_or(set_version));
    if (out.schema_version == 0) out.schema_version = push_schema_version;
    if (out.schema_version > push_schema_version) {
        change.fail("schemaVersion", "1, the newest that this server knows");
    }
    out.origin = push_origins[change.word_or_none("origin", push_origins).value_or(0)];
    out.values = out.times = Json::object();
    if (change.has("actor")) {
        out.actor = change.object("actor");
        if (base::to_text(out.actor).size() > push_actor_bytes_max) {
            change.fail("actor", "an object of at most 4096 bytes");
        }
    } else {
        out.actor["kind"] = "user";
        out.actor["principalId"] = context.user_id;
    }
    if (out.op == "update") read_update(change, out, context.now);
    if (out.op == "insert") read_insert(change, out, context.now);
    if (out.op == "delete") {
        const std::string at = change.has("deletedAt") ? push_time(change, "deletedAt", context.now)
                                                       : base::to_iso(context.now);
        out.values["deletedAt"] = out.times["deletedAt"] = at;
    }
    for (const char* name : {"data", "fields", "actor"}) {
        if (change.has(name) && has_nul(change.object(name))) {
            change.fail(name, "without the character U+0000");
        }
    }
    if (base::to_text(out.values).size() > push_values_bytes_max) {
        change.fail(out.op == "insert" ? "data" : "fields", "at most 1 MiB of JSON");
    }
    const auto event_id = change.text_or_none("eventId", 64);
    if (event_id && !is_event_id(*event_id)) change.fail("eventId", "a UUID");
    out.event_id = event_id ? base::lower_ascii(*event_id) : derived_id(out, client_id, context);
    return out;
}

}  // namespace

void check_sync_word(std::string_view what, std::string_view word) {
    const bool good =
        !word.empty() && word.size() <= 64 && std::all_of(word.begin(), word.end(), [](char each) {
            return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                   (each >= '0' && each <= '9') || each == '_' || each == '-' || each == '.';
        });
    if (good) return;
    throw base::Failure(
        base::Failure::Kind::invalid,
        fmt::format("{} must be 1 to 64 letters, digits, dots, dashes or underscores", what));
}

ChangeSet read_change_set(const Json& body, const PushContext& context) {
    const base::Fields set(body);
    ChangeSet out;
    out.client_id =
        context.client_header.empty() ? set.text("clientId", 1, 128) : context.client_header;
    out.since = set.text_or_none("since", 256 * 1024).value_or("");
    const auto version = set.integer_or_none("schemaVersion", 0, 1'000);
    if (version.value_or(0) > push_schema_version) {
        set.fail("schemaVersion", "1, the newest that this server knows");
    }
    std::size_t place = 0;
    for (const Json& entry : set.array("changes", push_changes_max)) {
        const base::Fields change(entry, fmt::format("changes[{}]", place++));
        out.changes.push_back(read_change(change, out.client_id, context, push_schema_version));
    }
    return out;
}

bool merge_change(Json& data, Json& times, const PushedChange& change) {
    bool changed = false;
    for (const auto& [name, value] : change.values.items()) {
        const auto& at = change.times[name].get_ref<const std::string&>();
        if (at < times.value(name, std::string())) continue;
        data[name] = value;
        times[name] = at;
        changed = true;
    }
    return changed;
}

}  // namespace workspace
