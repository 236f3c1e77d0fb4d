#include "auth/identity/events.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::size_t event_agent_bytes_max = 512;

constexpr std::string_view insert_event = R"(
    insert into auth.security_events (user_id, event_type, ip_address, user_agent, metadata,
                                      created_at)
    values ($1, $2, $3, $4, $5::jsonb, $6::timestamptz))";

}  // namespace

void record_event(base::Transaction& transaction, const SecurityEvent& event, base::Moment now) {
    base::Json metadata = base::Json::object();
    if (event.code) metadata["code"] = *event.code;
    if (event.endpoint) metadata["endpoint"] = *event.endpoint;
    if (event.email) metadata["email"] = *event.email;
    const std::string agent = base::cut(base::clean_utf8(event.user_agent), event_agent_bytes_max);
    transaction.run(insert_event, {event.user_id, event.type, event.address, agent, metadata, now});
}

}  // namespace auth
