// The inside of the simulator: what its endpoints share. Only the sources of sim/claude include it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/server.hpp"
#include "sim/answer.hpp"
#include "sim/claude.hpp"
#include "sim/identity.hpp"
#include "sim/listener.hpp"
#include "sim/usage.hpp"

namespace sim {

// A request to the model before it is checked: what faults look at.
struct Asked {
    std::optional<base::Json> body;  // Nothing when it is no JSON object.
    std::string why_not;
    bool streamed = false;
    bool tools = false;
};

Asked read_asked(const base::ServerRequest& request);

// The listener's thread serves; the public calls come from any thread and touch only what locks.
struct Claude::State {
    State(SimOptions given, base::Clock& given_clock);

    // One accepted request on its way to an answer.
    struct Exchange {
        std::string key;
        std::string account;       // Whose limits count.
        std::uint64_t number = 0;  // The oracle's; 0: it was no conversation.
        RecordedRequest record;
        CachePlan plan;
        base::Json message;
        std::optional<Fault> fault;
    };

    SimOptions options;
    base::Clock& clock;
    FaultRules faults;  // Thread-safe.
    Identities identities;
    Limits limits;
    PrefixCache cache;
    RequestLog log;  // Thread-safe.
    Oracle oracle;   // Thread-safe.
    base::Steady storm_until{};
    Fault storm;
    Listener listener;  // Last: its answers refer to all of the above.

    Answer answer(Incoming incoming);
    Answer route(const base::ServerRequest& request);
    Answer messages(const base::ServerRequest& request);
    Answer reply(const std::shared_ptr<Exchange>& exchange, base::Json body);
    base::ServerResponse count_tokens(const base::ServerRequest& request);
    base::ServerResponse list_models(const base::ServerRequest& request) const;
    base::ServerResponse one_model(const base::ServerRequest& request, const std::string& id) const;
    base::ServerResponse put_faults(const base::ServerRequest& request);
    base::ServerResponse show_requests() const;

    std::optional<Fault> fault_for(const base::ServerRequest& request, const Asked& asked);
    void observe(Exchange& exchange, const Asked& asked);
    Answer refusal(const std::shared_ptr<Exchange>& exchange, base::ServerResponse response);
    // The answer that stands instead of a reply, if any.
    struct Refused {
        base::ServerResponse response;
        std::optional<std::chrono::milliseconds> demanded;
    };
    std::optional<Refused> struck(const std::optional<Fault>& fault);
    base::Json accept(const base::ServerRequest& request, Asked asked, bool counting) const;
    void take_effect(const Exchange& exchange);
    void add_limit_headers(const std::string& account, base::ServerResponse& response);
};

}  // namespace sim
