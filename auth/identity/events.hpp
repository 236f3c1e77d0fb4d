// Store: what happened to accounts, for audits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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
};

void record_event(base::Transaction& transaction, const SecurityEvent& event, base::Moment now);

}  // namespace auth
