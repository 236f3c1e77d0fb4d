// What a client pushes, read and put into one form: every field with its value and its time, times
// in the wire's form and never in the future. Pure.
//
//   insert  data: the whole record; times: fieldMeta's, else updatedAt, else createdAt, else now
//   update  fields: {name: {value, at}}
//   delete  deletedAt, else now; a field like any other, so that the last writer wins here, too
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace workspace {

struct PushedChange {
    std::string event_id;  // UUID; a resent change has the same one.
    std::string table, record_id, op;
    std::string space_id;  // As the client says; empty: the user's personal space.
    base::Json values;     // Field -> value.
    base::Json times;      // Field -> time; the same members.
    base::Json actor;      // Object.
    std::string origin;
    int schema_version = 1;
};

struct ChangeSet {
    std::string client_id, since;
    std::vector<PushedChange> changes;
};

struct PushContext {
    std::string user_id, app_id;
    std::string client_header;  // X-Client-Id; wins over the body's.
    base::Moment now;
};

// Throws Failure::invalid naming the change and the field; then nothing of the set counts.
ChangeSet read_change_set(const base::Json& body, const PushContext& context);

// Applies fields to a record, each where it is not older than what is there; true: something
// changed. The time "deletedAt" is kept like any other field's.
bool merge_change(base::Json& data, base::Json& times, const PushedChange& change);

void check_sync_word(std::string_view what, std::string_view word);  // [A-Za-z0-9_.-]{1,64}

}  // namespace workspace
