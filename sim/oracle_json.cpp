// The verdict as JSON.
#include <nlohmann/json.hpp>

#include "sim/oracle.hpp"

namespace sim {

namespace {

base::Json oracle_counts(const Counts& counts) {
    return {{"clean", counts.clean()},
            {"requests", counts.requests},
            {"replies", counts.replies},
            {"refused", counts.refused},
            {"broken", counts.broken},
            {"retries", counts.retries},
            {"rewritten", counts.rewritten},
            {"early", counts.early},
            {"concurrent", counts.concurrent},
            {"doubled", counts.doubled},
            {"tokens",
             {{"input", counts.usage.input},
              {"output", counts.usage.output},
              {"cacheWrite", counts.usage.written_5m + counts.usage.written_1h},
              {"cacheRead", counts.usage.read}}},
            {"costUsd", counts.cost_usd},
            {"brokenCostUsd", counts.broken_cost_usd},
            {"unpriced", counts.unpriced}};
}

}  // namespace

base::Json to_json(const Verdict& verdict) {
    base::Json json = oracle_counts(verdict.total);
    json["attemptsMost"] = verdict.attempts_most;
    json["pressing"] = verdict.pressing;
    base::Json& findings = json["findings"] = base::Json::array();
    for (const Finding& finding : verdict.findings) {
        findings.push_back({{"kind", finding.kind},
                            {"conversation", finding.conversation},
                            {"at", base::to_iso(finding.at)},
                            {"text", finding.text}});
    }
    base::Json& retries = json["retryTimes"] = base::Json::array();
    for (const Retry& retry : verdict.retries) {
        base::Json demanded = nullptr;
        if (retry.demanded) demanded = retry.demanded->count();
        retries.push_back({{"conversation", retry.conversation},
                           {"at", base::to_iso(retry.at)},
                           {"attempt", retry.attempt},
                           {"waitedMs", retry.waited.count()},
                           {"demandedMs", demanded}});
    }
    base::Json& conversations = json["conversations"] = base::Json::array();
    for (const Talk& talk : verdict.conversations) {
        base::Json one = {{"conversation", talk.conversation}, {"model", talk.model}};
        one.update(oracle_counts(talk.counts));
        conversations.push_back(std::move(one));
    }
    return json;
}

}  // namespace sim
