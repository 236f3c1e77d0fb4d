// What a product's refusal of a request means: an HTTP status, and what the body says. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/failure.hpp"

namespace clients {

// Codes of the failures, besides those of base::Http (not_sent, outcome_unknown).
inline constexpr std::string_view mcp_session_lost = "session_lost";  // The request did not run.
inline constexpr std::string_view mcp_refused = "refused";            // It did not run either.
// Nor did it then: the headers or revision of a stateless request were not taken.
inline constexpr std::string_view mcp_era_refused = "era_refused";
inline constexpr std::string_view mcp_outcome_unknown = "outcome_unknown";

struct HttpRefusal {
    int status = 0;
    std::string body;
    std::string challenge;     // WWW-Authenticate
    bool had_session = false;  // The request carried our session's id.
};

base::Failure failure_of_refusal(const HttpRefusal& refusal);

}  // namespace clients
