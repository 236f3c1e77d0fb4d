#include "sim/manual.hpp"

#include <string_view>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "sim/faults.hpp"

namespace sim {

namespace {

constexpr std::string_view manual_wire = R"(Endpoints
  POST /v1/messages                the Messages API, streamed or whole; refuses what the API does
  POST /v1/messages/count_tokens   GET /v1/models   GET /v1/models/ID
  POST /sim/faults                 {"faults":[{"fault","match","skip","times","probability"}]}
                                   match: only bodies that contain it; skip: so many pass first;
                                   times: then so many are struck (usual 1; 0: all);
                                   probability: a share of them
  DELETE /sim/faults               no more faults
  GET /sim/requests                what was asked: bodies, times, statuses, usage
  GET, DELETE /sim/verdict         the judge, see below; DELETE forgets requests and verdict
  GET /health
Headers of a request
  x-api-key or authorization: Bearer   any key; sk-sim-invalid… gets 401, sk-sim-forbidden 403
  anthropic-version                    2026-10-21 or 2023-06-01
  x-sim-fault                          one fault for this request; it wins over all rules
Limits: token buckets per key and model; anthropic-ratelimit-* on each answer; 429 with retry-after.
)";

constexpr std::string_view manual_faults = R"(
Faults are written NAME[=VALUE][;DETAIL=VALUE]…
  by header    x-sim-fault: status=529;retry-after=2
  by rule      POST /sim/faults, see above
  by chance    --fault 'status=529@0.05' --fault 'cut-frame@0.02' (or "probability"): the share
               of requests that is struck; --seed decides which: the same seed strikes the same
               requests in every run. Without @SHARE every request is struck. The first rule that
               strikes wins.
A fault that needs a stream or tools leaves other requests alone; as a header it is refused (400).
Values: POSITION is the number of an event in the stream (0 is the first), or first, start (behind
message_start), input (before the last piece of a tool input), delta (behind message_delta).
Details: retry-after=TEXT sent as it stands (date+N: the HTTP date in N seconds), should-retry=true
or false, type=error type, code=error code, html (a proxy's page instead of JSON).
)";

constexpr std::string_view manual_verdict = R"(
The judge, GET /sim/verdict: totals, then the same per conversation
  clean        nothing of the next four
  rewritten    requests that did not begin with the bytes of the conversation's request before
               (tools, system, messages; cache marks aside)
  early        retries before the demanded wait (retry-after) was over; retryTimes lists when
  concurrent   attempts of one item (equal bytes) while another one was under way
  doubled      tool calls that came back with a second, other result
  pressing     requests of a key while a demanded wait of that key ran
  requests replies refused broken retries attemptsMost tokens
  costUsd      of whole replies, by the simulator's own price table; brokenCostUsd at most for
               broken ones; unpriced counts replies of models without a known price
  findings     the first hundred, in words
)";

constexpr std::string_view manual_proxies = R"(
Proxies before anything that speaks TCP (an MCP server, an auth service, PostgreSQL)
  --proxy auth=4001:127.0.0.1:3001          NAME=PORT:HOST:PORT; port 0 takes any free one
  --proxy db=5433:/run/postgresql/.s.PGSQL.5432
  GET /sim/proxies                          ports, faults, connections, bytes
  POST /sim/proxies/NAME                    {"fault":"cut=100"}, in force for open connections too
  DELETE /sim/proxies/NAME                  forwards everything again
  refuse                nobody listens: new connections are refused, open ones reset
  delay=MS              bytes wait, both ways
  cut                   open connections are reset now; later ones pass
  cut=BYTES             a connection is reset behind its next BYTES of answer
  half-open             connections are accepted, nothing is forwarded or said
  garble=BYTES          the top bit of every so-manieth byte of answers is flipped; usual 100
  none                  as DELETE
Detail of delay, cut=BYTES, half-open and garble: way=up (to the target), way=down (to the client)
or way=both. half-open;way=down: requests still arrive, answers never do.
)";

std::string_view manual_value(FaultValue value) {
    switch (value) {
        case FaultValue::none: return "";
        case FaultValue::status: return "=STATUS";
        case FaultValue::seconds: return "=SECONDS";
        case FaultValue::milliseconds: return "=MS";
        case FaultValue::count: return "=COUNT";
        case FaultValue::bytes: return "=BYTES";
        case FaultValue::position: return "=POSITION";
    }
    base::unreachable("fault value");
}

std::string_view manual_needs(FaultNeeds needs) {
    switch (needs) {
        case FaultNeeds::nothing: return "";
        case FaultNeeds::stream: return " [stream]";
        case FaultNeeds::tools: return " [tools]";
        case FaultNeeds::stream_and_tools: return " [stream, tools]";
    }
    base::unreachable("fault needs");
}

std::string manual_entry(const FaultEntry& entry) {
    std::string line = fmt::format(
        "    {:<26} {}", fmt::format("{}{}", entry.name, manual_value(entry.value)), entry.meaning);
    if (entry.value != FaultValue::none && entry.usual >= 0) {
        line += fmt::format("; usual {}", entry.usual);
    }
    line += manual_needs(entry.needs);
    if (!entry.details.empty()) line += fmt::format("\n{:31}details: {}", "", entry.details);
    return line + "\n";
}

}  // namespace

// Each mode of the verb has sections of its own; those of the stand-in for Claude come first.
std::string manual() {
    std::string text(manual_wire);
    text += manual_faults;
    for (const FaultGroup& group : fault_menu()) {
        text += fmt::format("  {}\n", group.title);
        for (const FaultEntry& entry : group.entries) text += manual_entry(entry);
    }
    text += manual_verdict;
    text += manual_proxies;
    return text;
}

}  // namespace sim
