#include "workspace/calls.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;

constexpr std::string_view calls_repeated = "call_repeated";
constexpr std::string_view calls_unsure = "commit_unknown";  // From base::Postgres.

// Listing pg_timezone_names instead would read hundreds of files, a fifth of a second at each
// start.
constexpr std::string_view try_zone = "select now() at time zone $1::text";
constexpr std::string_view zone_refused = "22023";

constexpr std::string_view record_call = R"sql(
insert into workspace.calls (user_id, space_id, visit_id, visit_seq, tool, input_hash, outcome,
                             answer, changes, created_at)
values ($1, $2, $3, $4::integer, $5, $6, $7, $8::jsonb, $9::integer, $10::timestamptz)
on conflict on constraint calls_once do nothing
)sql";

constexpr std::string_view find_call = R"sql(
select tool, input_hash, space_id, outcome, answer from workspace.calls
where user_id = $1 and visit_id = $2 and visit_seq = $3::integer
)sql";

Failure calls_made_before() {
    return {Failure::Kind::conflict, "this call was made before", std::string(calls_repeated)};
}

Failure calls_outcome_unknown(const Failure& cause) {
    return {Failure::Kind::internal, cause.what(), std::string(calls_unsure)};
}

}  // namespace

struct Calls::Outcome {
    Json structured;
    std::optional<std::string> refusal;
    bool was_cut = false;
    int left_out = 0;
    int changes = 0;
    GateVerdict verdict;
};

struct Calls::Work {
    const Tool& tool;
    const Json& arguments;
    const Json& asked;
    const Scope& scope;
    const std::vector<std::string>& faults;
    base::Moment now;

    std::string input_hash() const { return base::to_hex(base::sha256(base::to_text(arguments))); }
};

Calls::Calls(base::Postgres& database, base::Clock& clock, base::Metrics& metrics,
             CallOptions options)
    : database_(database),
      clock_(clock),
      metrics_(metrics),
      zone_(std::move(options.zone)),
      feeds_(std::move(options.feeds), clock),
      gate_(std::move(options.gate), metrics) {}

void Calls::check_zone() {
    try {
        database_.transact(
            [&](base::Transaction& transaction) { transaction.run(try_zone, {zone_}); });
    } catch (const Failure& failure) {
        // PostgreSQL's own words would not say where the zone came from.
        if (failure.code() != zone_refused) throw;
        throw Failure(
            Failure::Kind::invalid,
            fmt::format("the time zone \"{}\" is not known; give a name like UTC or Europe/Berlin",
                        zone_));
    }
}

Json Calls::perform(const Tool& tool, Json arguments, const Scope& scope, Outside& outside) {
    const base::Steady began_at = clock_.steady();
    fill_in(*tool.input, arguments);
    const std::vector<std::string> faults = check(*tool.input, arguments);
    Json asked;
    if (tool.ask && faults.empty()) asked = tool.ask(outside);
    if (outside.cancelled()) {
        throw Failure(Failure::Kind::conflict, "cancelled by the caller before anything was done");
    }
    const Work work{tool, arguments, asked, scope, faults, clock_.now()};

    Outcome outcome;
    try {
        outcome = database_.transact([&](base::Transaction& transaction) {
            const std::string local = enter(transaction, scope, work.now, zone_);
            GateVerdict verdict = gate_.examine(transaction, tool, arguments, scope, work.now);
            if (!verdict.refusal.empty() && gate_.enforces()) {
                // A call that was done before has an answer already.
                if (was_made(transaction, scope)) throw calls_made_before();
                Outcome refused;
                refused.refusal = verdict.refusal;
                refused.verdict = std::move(verdict);
                return refused;
            }
            Outcome done = run(transaction, work, local);
            done.verdict = std::move(verdict);
            if (!done.refusal) {
                gate_.examine_answer(transaction, tool, done.structured, scope, work.now,
                                     done.verdict);
            }
            if (!record(transaction, work, done)) {
                throw calls_made_before();
            }
            return done;
        });
    } catch (const Failure& failure) {
        // A call that was delivered before has just been rolled back; its first answer still
        // stands.
        if (failure.code() == calls_unsure) throw calls_outcome_unknown(failure);
        if (failure.code() != calls_repeated) throw;
        outcome = repeated(work);
    }

    gate_.count(outcome.verdict, tool);
    Json result;
    if (outcome.refusal && *outcome.refusal == outcome.verdict.refusal) {
        // Denied calls are no invocations; the gate has counted them.
        result["content"].push_back({{"type", "text"}, {"text", *outcome.refusal}});
        result["isError"] = true;
        return result;
    }
    if (outcome.refusal) {
        measure(tool, faults.empty() ? "handler-error" : "input-invalid", began_at);
        result["content"].push_back({{"type", "text"}, {"text", *outcome.refusal}});
        result["isError"] = true;
        return result;
    }
    measure(tool, "success", began_at);
    return told(std::move(outcome));
}

// The answer of a tool that did what it was asked, and what is to be said besides.
Json Calls::told(Outcome outcome) {
    Json result;
    result["content"].push_back({{"type", "text"}, {"text", base::to_text(outcome.structured)}});
    if (outcome.was_cut) {
        result["content"].push_back(
            {{"type", "text"},
             {"text",
              "More was found than fits into one answer. Narrow the request, or ask for "
              "less with limit."}});
    }
    if (outcome.left_out > 0) {
        result["content"].push_back(
            {{"type", "text"},
             {"text", fmt::format("Left out: {} that another app wrote in a form that this tool "
                                  "does not know.",
                                  outcome.left_out)}});
    }
    if (const std::string remark = gate_remark(outcome.verdict); !remark.empty()) {
        result["content"].push_back({{"type", "text"}, {"text", remark}});
    }
    result["structuredContent"] = std::move(outcome.structured);
    return result;
}

Calls::Outcome Calls::repeated(const Work& work) {
    try {
        return database_.transact(
            [&](base::Transaction& transaction) { return repeat(transaction, work); });
    } catch (const Failure& failure) {
        // It was done once, so "not done" would be a lie.
        if (failure.kind() != Failure::Kind::unavailable) throw;
        throw calls_outcome_unknown(failure);
    }
}

Calls::Outcome Calls::run(base::Transaction& transaction, const Work& work,
                          const std::string& local) {
    Outcome outcome;
    if (!work.faults.empty()) {
        outcome.refusal = refusal_of_arguments(work.tool, work.faults);
        return outcome;
    }
    Records records(transaction, work.scope, work.now);
    Call call(work.arguments, work.asked, records,
              {.user_id = work.scope.user_id,
               .space_id = work.scope.space_id,
               .zone = zone_,
               .today = local.substr(0, 10),
               .time = local.substr(11),
               .now = work.now});
    outcome.structured = work.tool.run(call);
    outcome.refusal = call.refusal();
    outcome.was_cut = records.was_cut();
    outcome.left_out = records.left_out();
    outcome.changes = records.written();
    if (outcome.refusal) return outcome;
    // Clients refuse an answer that does not keep its schema, so it is no answer for us either.
    const std::vector<std::string> faults = check(*work.tool.output, outcome.structured);
    if (!faults.empty()) {
        throw Failure(Failure::Kind::internal,
                      fmt::format("{} made an answer that breaks its own schema: {}",
                                  work.tool.name, faults.front()));
    }
    return outcome;
}

bool Calls::record(base::Transaction& transaction, const Work& work, const Outcome& outcome) {
    // What a reading tool answered can be read again; what a writing tool answered is kept.
    Json answer = Json::object();
    if (outcome.refusal) {
        answer["refusal"] = *outcome.refusal;
    } else if (work.tool.effect != Effect::reads) {
        answer = outcome.structured;
    }
    const Scope& scope = work.scope;
    return transaction
               .run(record_call,
                    {scope.user_id, scope.space_id, scope.visit_id, scope.visit_seq, work.tool.name,
                     work.input_hash(), outcome.refusal ? "error" : "ok", answer, outcome.changes,
                     work.now})
               .affected() == 1;
}

bool Calls::was_made(base::Transaction& transaction, const Scope& scope) {
    if (!scope.visit_id) return false;
    return !transaction.run(find_call, {scope.user_id, scope.visit_id, scope.visit_seq}).empty();
}

Calls::Outcome Calls::repeat(base::Transaction& transaction, const Work& work) {
    const Scope& scope = work.scope;
    const std::string local = enter(transaction, scope, work.now, zone_);
    const auto row =
        transaction.run(find_call, {scope.user_id, scope.visit_id, scope.visit_seq}).first();
    if (!row) base::strange_answer("a repeated call has no first row");
    if (row->text("tool") != work.tool.name || row->text("input_hash") != work.input_hash() ||
        row->text("space_id") != scope.space_id) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("call {} of this visit was another one ({}); give each call its "
                                  "own persona-runner/seq",
                                  *scope.visit_seq, row->text("tool")));
    }
    Outcome outcome;
    const Json answer = row->json("answer");
    if (row->text("outcome") == "error") {
        outcome.refusal = answer.value("refusal", "The call was refused.");
    } else if (work.tool.effect == Effect::reads) {
        outcome = run(transaction, work, local);
    } else {
        outcome.structured = answer;
    }
    return outcome;
}

void Calls::measure(const Tool& tool, std::string_view outcome, base::Steady began_at) {
    const base::MetricLabels labels = {{"tool", tool.name}, {"outcome", std::string(outcome)}};
    const std::chrono::duration<double> seconds = clock_.steady() - began_at;
    metrics_.counter("mana_mcp_tool_invocations_total", "Tool calls by tool and outcome", labels)
        .add();
    metrics_
        .histogram("mana_mcp_tool_duration_seconds", "Seconds of tool calls",
                   {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, labels)
        .observe(seconds.count());
    base::log_debug("tool call", {{"module", tool.module()},
                                  {"tool", tool.name},
                                  {"outcome", outcome},
                                  {"ms", seconds.count() * 1000}});
}

}  // namespace workspace
