#include "auth/identity/events.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::size_t event_agent_bytes_max = 512;

constexpr std::string_view insert_event = R"(
    insert into auth.security_events (user_id, event_type, ip_address, user_agent, metadata,
                                      created_at)
    values ($1, $2, $3, $4, $5::jsonb, $6::timestamptz))";

constexpr std::string_view events_of_user = R"(
    select id::text as id, event_type, ip_address, user_agent, metadata, created_at
      from auth.security_events
     where user_id = $1
       and ($3::text is null or (created_at, id) < (
            select b.created_at, b.id from auth.security_events b
             where b.id::text = $3 and b.user_id = $1))
     order by created_at desc, id desc limit $2::integer)";

constexpr std::string_view event_of_user =
    "select id from auth.security_events where id::text = $1 and user_id = $2";

// What others' events, and those of nobody, say of her: the people she was invited by, tries at her
// address before she had an account. Each statement has its index.
constexpr auto name_in_events = std::to_array<std::string_view>({
    R"(update auth.security_events set metadata = metadata || jsonb_build_object('member', $2::text)
        where metadata ->> 'member' = $1)",
    R"(update auth.security_events set metadata = metadata || jsonb_build_object('email', $2::text)
        where metadata ->> 'email' = $1)",
    R"(update auth.security_events
          set metadata = metadata || jsonb_build_object('newEmail', $2::text)
        where metadata ->> 'newEmail' = $1)",
});

constexpr std::string_view blank_events = R"(
    update auth.security_events
       set ip_address = null, user_agent = null, metadata = null, pseudonym = $2
     where user_id = $1)";

base::Json event_text(const std::optional<std::string>& text) {
    return text ? base::Json(*text) : base::Json(nullptr);
}

}  // namespace

void record_event(base::Transaction& transaction, const SecurityEvent& event, base::Moment now) {
    base::Json metadata = base::Json::object();
    if (event.code) metadata["code"] = *event.code;
    if (event.endpoint) metadata["endpoint"] = *event.endpoint;
    if (event.email) metadata["email"] = *event.email;
    if (event.more.is_object()) metadata.update(event.more);
    const std::string agent = base::cut(base::clean_utf8(event.user_agent), event_agent_bytes_max);
    transaction.run(insert_event, {event.user_id, event.type, event.address, agent, metadata, now});
}

void record_act(base::Transaction& transaction, std::string_view type, std::string_view user_id,
                const Client& client, base::Moment now, const base::Json& more) {
    record_event(transaction,
                 {.type = type,
                  .user_id = std::string(user_id),
                  .address = client.address,
                  .user_agent = client.user_agent,
                  .more = more},
                 now);
}

base::Json list_events(base::Transaction& transaction, std::string_view user_id, int limit,
                       const std::optional<std::string>& before) {
    if (before && transaction.run(event_of_user, {*before, user_id}).empty()) {
        throw base::Failure(base::Failure::Kind::invalid,
                            "before: must be the id of an event of yours");
    }
    base::Json events = base::Json::array();
    for (const auto& row : transaction.run(events_of_user, {user_id, limit, before})) {
        events.push_back(
            {{"id", row.text("id")},
             {"userId", std::string(user_id)},
             {"eventType", row.text("event_type")},
             {"ipAddress", event_text(row.text_or_none("ip_address"))},
             {"userAgent", event_text(row.text_or_none("user_agent"))},
             {"metadata", row.is_null("metadata") ? base::Json::object() : row.json("metadata")},
             {"createdAt", base::to_iso(row.moment("created_at"))}});
    }
    return events;
}

void pseudonymise_events(base::Transaction& transaction, std::string_view user_id,
                         std::string_view email) {
    const std::string pseudonym = "deleted-" + base::random_id();
    transaction.run(blank_events, {user_id, pseudonym});
    for (const std::string_view statement : name_in_events) {
        transaction.run(statement, {email, pseudonym});
    }
}

}  // namespace auth
