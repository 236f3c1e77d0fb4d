#include "workspace/singletons.hpp"

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "workspace/sync/replica.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::string_view singleton_writer = "system:bootstrap";

constexpr std::string_view singleton_enter = R"(
    select set_config('app.current_user_id', $1, true), set_config('app.current_space', $2, true))";

// Deleted records count: nobody wants back what she removed.
constexpr std::string_view singleton_exists = R"(
    select exists (select from workspace.records
                    where space_id = $1 and app_id = $2 and table_name = $3
                      and ($4 = '' or record_id = $4)) as made)";

// The same for everybody who makes it: of callers at the same time the second finds it made.
std::string singleton_record_id(const std::string& space) {
    std::string hex = base::to_hex(base::sha256("singleton kontextDoc " + space)).substr(0, 32);
    hex[12] = '8';  // A version and a variant that are free for names of one's own.
    hex[16] = 'a';
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
           hex.substr(16, 4) + "-" + hex.substr(20);
}

PushedChange singleton_change(std::string_view table, const std::string& record_id,
                              const std::string& space, Json values, base::Moment now) {
    PushedChange change;
    change.event_id = base::random_uuid();
    change.table = table;
    change.record_id = record_id;
    change.op = "insert";
    change.space_id = space;
    change.times = Json::object();
    for (const auto& [name, value] : values.items()) change.times[name] = base::to_iso(now);
    change.values = std::move(values);
    change.actor = {
        {"kind", "system"}, {"principalId", singleton_writer}, {"displayName", "Bootstrap"}};
    change.origin = "system";
    return change;
}

// `record_id` empty: any record of the table is the one.
bool singleton_is_made(base::Postgres& database, const std::string& user_id,
                       const std::string& space, std::string_view app, std::string_view table,
                       std::string_view record_id) {
    return database.transact([&](base::Transaction& transaction) {
        transaction.run(singleton_enter, {user_id, space});
        return transaction.run(singleton_exists, {space, app, table, record_id})[0].flag("made");
    });
}

const char* singleton_push(base::Postgres& database, const std::string& user_id, const char* app,
                           PushedChange change, base::Moment now) {
    Replica replica(database);
    const std::size_t fresh = replica.push({.user_id = user_id,
                                            .client_id = std::string(singleton_writer),
                                            .app_id = app,
                                            .now = now,
                                            .only_new = true},
                                           {std::move(change)});
    return fresh > 0 ? "written" : "existed";
}

const char* singleton_of_user(base::Postgres& database, const SingletonWish& wish,
                              base::Moment now) {
    const std::string& space = wish.personal_space;
    if (singleton_is_made(database, wish.user_id, space, "profile", "userContext", "singleton")) {
        return "existed";
    }
    const Json empty = Json::object(), none = Json::array();
    Json values = {{"about", empty},
                   {"interests", none},
                   {"routine", empty},
                   {"nutrition", empty},
                   {"leisure", empty},
                   {"goals", none},
                   {"social", empty},
                   {"freeform", ""},
                   {"interview", {{"answeredIds", none}, {"skippedIds", none}}},
                   {"userId", wish.user_id}};
    return singleton_push(
        database, wish.user_id, "profile",
        singleton_change("userContext", "singleton", space, std::move(values), now), now);
}

const char* singleton_of_space(base::Postgres& database, const std::string& user_id,
                               const std::string& space, base::Moment now) {
    if (singleton_is_made(database, user_id, space, "kontext", "kontextDoc", "")) return "existed";
    return singleton_push(
        database, user_id, "kontext",
        singleton_change("kontextDoc", singleton_record_id(space), space, {{"content", ""}}, now),
        now);
}

}  // namespace

Json ensure_singletons(base::Postgres& database, const SingletonWish& wish, base::Moment now) {
    Json answer = {{"userContext", singleton_of_user(database, wish, now)},
                   {"spaces", Json::object()}};
    for (const std::string& space : wish.spaces) {
        answer["spaces"][space] = singleton_of_space(database, wish.user_id, space, now);
    }
    return answer;
}

}  // namespace workspace
