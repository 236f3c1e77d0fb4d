#include "clients/mcp_refusal.hpp"

#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::size_t mcp_reason_bytes_max = 300;

struct RefusalWords {
    std::string text;  // For people.
    std::int64_t rpc_code = 0;
};

RefusalWords words_of_refusal(const std::string& body) {
    RefusalWords words{.text = body};
    const std::optional<base::Json> json = base::try_parse_json(body);
    if (!json || !json->is_object()) return words;
    const auto error = json->find("error");
    const base::Json& said = error != json->end() && error->is_object() ? *error : *json;
    if (const auto code = said.find("code"); code != said.end() && code->is_number_integer()) {
        words.rpc_code = code->get<std::int64_t>();
    }
    for (const char* name : {"message", "error"}) {
        const auto member = said.find(name);
        if (member != said.end() && member->is_string()) {
            words.text = member->get<std::string>();
            break;
        }
    }
    return words;
}

bool speaks_of_session(const RefusalWords& words) {
    return words.rpc_code == -32000 || words.rpc_code == -32001 ||
           base::lower_ascii(words.text).find("session") != std::string::npos;
}

// HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion.
bool is_era_code(std::int64_t code) {
    return code == -32020 || code == -32021 || code == -32022;
}

}  // namespace

base::Failure failure_of_refusal(const HttpRefusal& refusal) {
    using Kind = base::Failure::Kind;
    const int status = refusal.status;
    RefusalWords words = words_of_refusal(refusal.body);
    if ((status == 401 || status == 403) && !refusal.challenge.empty()) {
        words.text += " " + refusal.challenge;
    }
    std::string reason = "the product answered " + std::to_string(status);
    const std::string said = base::clean_utf8(base::trim(words.text));
    if (!said.empty()) reason += ": " + base::cut(said, mcp_reason_bytes_max);

    std::string code{mcp_refused};
    Kind kind = base::kind_of_status(status);
    if (status == 404 && refusal.had_session) code = mcp_session_lost;
    if (status == 400 && refusal.had_session && speaks_of_session(words)) code = mcp_session_lost;
    if (status == 400 && !refusal.had_session && is_era_code(words.rpc_code))
        code = mcp_era_refused;
    // A gateway may say 502 or 504 about a request that the product has run.
    if (status >= 500 && status != 503) code = mcp_outcome_unknown;
    if (status < 300) {
        code = mcp_outcome_unknown;
        kind = Kind::unavailable;
        reason += "; an answer was due";
    } else if (status < 400) {
        kind = Kind::invalid;
        reason +=
            "; redirects to another origin are not followed, configure the product's final URL";
    }
    return base::Failure{kind, reason, code}.status(status);
}

}  // namespace clients
