// Store: what happened to accounts, for audits. An event is written in the transaction of the act
// it tells of. It outlives its user under a pseudonym (see delete_user_completely).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/identity/client.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

struct SecurityEvent {
    std::string_view type;  // REGISTER, LOGIN_SUCCESS, LOGIN_FAILURE, ACCOUNT_LOCKED, LOGOUT, …
    std::optional<std::string> user_id;
    std::string address;
    std::string user_agent;
    std::optional<std::string> code;      // For failures: why.
    std::optional<std::string> endpoint;  // For failures: where.
    std::optional<std::string> email;     // For failures: whose account was meant.
    base::Json more = {};                 // An object whose members are told too; or null.
};

void record_event(base::Transaction& transaction, const SecurityEvent& event, base::Moment now);

// An act of a known user.
void record_act(base::Transaction& transaction, std::string_view type, std::string_view user_id,
                const Client& client, base::Moment now, const base::Json& more = {});

inline constexpr int events_page_max = 200;

// The user's own events, newest first, in the wire's form; after `before`, an event of hers.
// Throws Failure::invalid when it is none.
base::Json list_events(base::Transaction& transaction, std::string_view user_id, int limit,
                       const std::optional<std::string>& before);

// Takes the name off a user's events: address, agent and detail go, one random pseudonym stays. It
// also takes the place of her mail address where events of others name her.
void pseudonymise_events(base::Transaction& transaction, std::string_view user_id,
                         std::string_view email);

}  // namespace auth
