#include "runner/visit.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalog/cadence.hpp"

namespace runner {

namespace {

using base::Failure;
using catalog::Action;
using catalog::VisitEnd;

constexpr int login_attempts_max = 8;
constexpr std::chrono::seconds login_wait_max{30};

Action::Outcome outcome_of(clients::CallResult::Outcome outcome) {
    switch (outcome) {
        case clients::CallResult::Outcome::ok: return Action::Outcome::ok;
        case clients::CallResult::Outcome::error: return Action::Outcome::error;
        case clients::CallResult::Outcome::unknown: return Action::Outcome::unknown;
    }
    base::unreachable("call outcome");
}

std::chrono::milliseconds since(base::Steady began, base::Steady now) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - began);
}

}  // namespace

std::string_view word_of(Waiting waiting) {
    switch (waiting) {
        case Waiting::login: return "login";
        case Waiting::spaces: return "spaces";
        case Waiting::tools: return "tools";
        case Waiting::budget: return "budget";
        case Waiting::model: return "model";
        case Waiting::tool: return "tool";
        case Waiting::rating: return "rating";
        case Waiting::disk: return "disk";
    }
    base::unreachable("waiting");
}

VisitEnd::Source source_of(Waiting waiting, Failure::Kind kind) {
    switch (waiting) {
        case Waiting::login: {
            const bool ours = kind == Failure::Kind::unavailable ||
                              kind == Failure::Kind::throttled || kind == Failure::Kind::internal;
            return ours ? VisitEnd::Source::infra : VisitEnd::Source::persona;
        }
        case Waiting::spaces:
        case Waiting::budget:
        case Waiting::disk: return VisitEnd::Source::infra;
        case Waiting::tools:
        case Waiting::tool: return VisitEnd::Source::product;
        case Waiting::model:
        case Waiting::rating: return VisitEnd::Source::model;
    }
    base::unreachable("waiting");
}

Visit::Visit(Services services, const VisitOptions& options, clients::ClaimedVisit claimed)
    : services_(services),
      options_(options),
      claimed_(std::move(claimed)),
      began_(services_.loop.now()) {}

std::string Visit::persona() const {
    return catalog::short_name(claimed_.persona.email);
}

std::uint64_t Visit::seed() const {
    const std::string text = options_.seed
                                 ? fmt::format("{}/{}", *options_.seed, claimed_.persona.email)
                                 : claimed_.visit_id;
    std::uint64_t number = 0;
    std::memcpy(&number, base::sha256(text).data(), sizeof number);
    return number;
}

// Most of a visit is waiting for the model. The coroutines of other times are not inlined, lest
// their frames lie in this one all day.
base::Task<void> Visit::run() {
    co_await enter();
    inside_ = true;
    if (entered_) entered_();
    co_await live_turns();
    if (progress_.turns == 0) {
        progress_.waiting_for = Waiting::budget;
        throw Failure{Failure::Kind::throttled, over_budget_};
    }
    progress_.waiting_for = Waiting::tool;
    require_an_answer();
    const double day_cost_usd = progress_.cost_usd;
    talk_.reset();  // The rating is a conversation of its own.
    std::vector<catalog::Rating> ratings = co_await rate();
    progress_.rating_cost_usd = progress_.cost_usd - day_cost_usd;
    progress_.waiting_for = Waiting::disk;
    VisitEnd end = end_of(VisitEnd::Status::finished, reason_, VisitEnd::Source::none);
    base::Task<void> kept = services_.outbox.close(id(), std::move(ratings), std::move(end));
    is_ended_ = true;  // From here on her day stands, whatever the disk or the product say.
    co_await std::move(kept);
    progress_.waiting_for = Waiting::tools;
    co_await session_->close();
}

// Passwords are checked a few at a time; whoever comes in a crowd is told to wait a little.
[[gnu::noinline]] base::Task<clients::Login> Visit::log_in() {
    const std::string email = claimed_.persona.email;
    for (int attempt = 1;; ++attempt) {
        std::chrono::milliseconds wait{0};
        try {
            const base::Duration spent = services_.loop.now() - began_;
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(claimed_.time_left - spent);
            clients::Login login = co_await services_.logins.enter(email, left);
            co_return login;
        } catch (const Failure& failure) {
            // Only a short wait that the service itself asked for is waited out here.
            const auto asked = failure.retry_after();
            if (!asked || *asked > login_wait_max || attempt >= login_attempts_max) throw;
            wait = *asked * attempt;
        }
        co_await services_.loop.sleep(wait);
    }
}

// A token from an earlier visit may have been revoked since: this first call finds out.
[[gnu::noinline]] base::Task<std::vector<clients::Space>> Visit::find_spaces() {
    bool refused = false;
    std::vector<clients::Space> spaces;
    try {
        spaces = co_await services_.auth.spaces(login_.access_token);
    } catch (const Failure& failure) {
        if (failure.kind() != Failure::Kind::unauthenticated) throw;
        refused = true;
    }
    if (!refused) co_return spaces;
    progress_.waiting_for = Waiting::login;
    login_ = co_await services_.logins.renew(claimed_.persona.email, login_.access_token);
    progress_.waiting_for = Waiting::spaces;
    spaces = co_await services_.auth.spaces(login_.access_token);
    co_return spaces;
}

[[gnu::noinline]] base::Task<void> Visit::enter() {
    VisitRecords records;
    records.visit_id = id();
    records.user_id = claimed_.persona.user_id;
    records.persona = persona();
    records.started_at = started_at_ = services_.loop.clock().now();
    if (services_.budget) {
        services_.budget->open(id(), services_.lease.runner_id(), started_at_, claimed_.spent_usd);
    }
    progress_.waiting_for = Waiting::disk;
    co_await services_.outbox.open(std::move(records));

    progress_.waiting_for = Waiting::login;
    login_ = co_await log_in();

    progress_.waiting_for = Waiting::spaces;
    const std::vector<clients::Space> spaces = co_await find_spaces();
    if (spaces.empty()) {
        throw Failure{Failure::Kind::missing,
                      "the persona is a member of no space; seed her again"};
    }
    const auto personal =
        std::find_if(spaces.begin(), spaces.end(),
                     [](const clients::Space& space) { return space.type == "personal"; });
    const std::string space_id = personal == spaces.end() ? spaces.front().id : personal->id;

    progress_.waiting_for = Waiting::tools;
    clients::McpVisitor visitor{login_.access_token, space_id};
    session_ = co_await clients::open_servers(services_.mcp, options_.servers, std::move(visitor));
    progress_.product_name = session_->server_name();
    progress_.product_version = session_->server_version();
    told_ = &session_->tools();
    if (told_->entries().empty()) {
        throw Failure{Failure::Kind::unavailable,
                      "the product offers no tool that the model could use"};
    }

    const catalog::Persona& persona = claimed_.persona;
    plan_ = plan_day(persona.module_mix, told_->modules(), seed());
    home_ = space_id;
    places_ = draw_places(plan_.modules, spaces, seed());
    talk_.emplace(system_text(persona), told_->shared_tools_json());
    const base::Moment now = services_.loop.clock().now();
    talk_->add_user(opening_text(persona, plan_, places_, catalog::local_time(now, options_.zone)));
}

base::Task<void> Visit::live_turns() {
    const clients::TurnOptions turn{.model = options_.model,
                                    .max_tokens = options_.tokens_per_turn_max,
                                    .effort = options_.effort};
    bool carried_on = false;
    reason_ = "turn_limit";
    while (progress_.turns < options_.turns_max) {
        progress_.waiting_for = Waiting::model;
        ++progress_.turns;
        const std::optional<clients::Message> replied =
            co_await ask(*talk_, turn, next_prompt_tokens());
        if (!replied) {
            --progress_.turns;  // It never left.
            reason_ = "budget: " + over_budget_;
            co_return;
        }
        const clients::Message& reply = *replied;
        count_prefix(reply.tokens);
        if (reply.stop_reason == "refusal") {
            reason_ =
                reply.refusal_category.empty() ? "refusal" : "refusal: " + reply.refusal_category;
            co_return;
        }
        talk_->add_reply(reply);
        if (reply.tool_uses.empty()) {
            if (reply.stop_reason == "pause_turn") continue;
            if (reply.text.empty() && !std::exchange(carried_on, true)) {
                talk_->add_user(carry_on_text());
                continue;
            }
            reason_ = reply.stop_reason;
            summary_ = base::cut(reply.text, catalog::summary_bytes_max);
            co_return;
        }
        std::vector<clients::ToolAnswer> answers;
        for (const clients::ToolUse& use : reply.tool_uses) {
            clients::ToolAnswer answer = co_await run_tool(use);
            answers.push_back(std::move(answer));
        }
        progress_.waiting_for = Waiting::disk;
        co_await std::move(*outcome_written_);
        talk_->add_results(answers);
    }
}

Action Visit::intent_of(const clients::ToolUse& use, const clients::ToolMap::Entry* entry) {
    Action action;
    action.visit_id = id();
    action.seq = ++progress_.tool_calls;
    action.started_at = services_.loop.clock().now();
    action.tool = base::cut(entry ? entry->tool.name : use.name, catalog::tool_bytes_max);
    if (action.tool.empty()) action.tool = unknown_module;  // The model named none.
    // What never leaves is no call of any module, so nobody is asked to rate it.
    const bool leaves = entry && use.valid;
    action.module = base::cut(leaves ? std::string_view(entry->module) : unknown_module,
                              catalog::module_bytes_max);
    action.input_hash = base::to_hex(base::sha256(use.input_json));
    if (options_.keep_inputs && use.valid) {
        base::Json kept = catalog::masked_input(use.input);
        // A row that is too long would be refused as a whole; the hash still tells inputs apart.
        if (base::to_text(kept).size() <= catalog::input_bytes_max) action.input = std::move(kept);
    }
    return action;
}

[[gnu::noinline]] base::Task<clients::ToolAnswer> Visit::run_tool(clients::ToolUse use) {
    const clients::ToolMap::Entry* entry = told_->by_api_name(use.name);
    progress_.waiting_for = Waiting::disk;
    if (use.valid && entry) check_lease();  // Before the intent: nothing is to be recorded then.
    Action action = intent_of(use, entry);
    progress_.last_tool = action.tool;
    const base::Steady began = services_.loop.now();
    co_await services_.outbox.put_intent(
        action, end_of(VisitEnd::Status::partial, "", VisitEnd::Source::none));

    clients::CallResult result;
    if (!use.valid || !entry) {
        // Nothing left for the product; the model is told and goes on.
        result.outcome = clients::CallResult::Outcome::error;
        result.text =
            entry
                ? "The input was cut off or is not a JSON object. Send the call again, shorter."
                : fmt::format("There is no tool named {}. Use one of the listed tools.", use.name);
    } else {
        const std::string tool = entry->tool.name;
        const auto place = places_.find(entry->module);
        session_->work_in(place == places_.end() ? home_ : place->second.id);
        base::Json arguments = clients::ToolMap::product_arguments(*entry, use.input);
        result = co_await call_product(tool, std::move(arguments), action.seq);
    }
    action.outcome = outcome_of(result.outcome);
    action.latency_ms = since(began, services_.loop.now()).count();
    if (action.outcome != Action::Outcome::ok) {
        ++progress_.tool_errors;
        action.error_message = base::cut(result.text, catalog::error_message_bytes_max);
    }
    services_.metrics
        .counter(
            "persona_tool_calls_total", "Tool calls by module and outcome",
            {{"module", action.module}, {"outcome", std::string(catalog::word_of(action.outcome))}})
        .add();
    note(action, result);
    const bool is_error = action.outcome != Action::Outcome::ok;
    // It shares its way to the disk with the next intent, which comes after it in the same file.
    outcome_written_.emplace(services_.outbox.put_outcome(std::move(action)));
    co_return clients::ToolAnswer{use.id, std::move(result.text), is_error};
}

// A call must end before our right to run visits does; else it does not leave.
void Visit::check_lease() const {
    if (services_.lease.covers(options_.tool_limit)) return;
    throw Failure{
        Failure::Kind::unavailable,
        "the lease ends too soon for another tool call; the auth service does not answer"};
}

base::Task<clients::CallResult> Visit::call_product(std::string tool, base::Json arguments,
                                                    int seq) {
    for (int attempt = 1;; ++attempt) {
        check_lease();  // Again: the disk or the renewal took time.
        progress_.waiting_for = Waiting::tool;
        bool renew = false;
        try {
            clients::CallResult result = co_await session_->call(
                tool, arguments, clients::CallNote{id(), seq}, options_.tool_limit);
            co_return result;
        } catch (const Failure& failure) {
            // The access token ran out before the call was run: a new one, once.
            if (failure.kind() != Failure::Kind::unauthenticated || attempt > 1) throw;
            renew = true;
        }
        if (renew) {
            progress_.waiting_for = Waiting::login;
            login_ = co_await services_.logins.renew(claimed_.persona.email, login_.access_token);
            session_->renew(login_.access_token);
        }
    }
}

void Visit::note(const Action& action, const clients::CallResult& result) {
    digest_.push_back({action.seq, action.module, action.tool, action.outcome,
                       base::cut(result.text, digest_answer_bytes_max)});
    if (action.module == unknown_module) return;
    const auto enter = [&](std::vector<std::string>& modules) {
        if (std::find(modules.begin(), modules.end(), action.module) == modules.end())
            modules.push_back(action.module);
    };
    enter(progress_.modules);
    if (result.answered) {
        enter(answered_);
    } else {
        newest_trouble_ = result.text;
    }
}

VisitEnd Visit::end_of(VisitEnd::Status status, std::string reason, VisitEnd::Source source) const {
    VisitEnd end;
    end.status = status;
    end.reason = base::cut(reason, catalog::error_message_bytes_max);
    end.source = source;
    end.turns = progress_.turns;
    end.tool_calls = progress_.tool_calls;
    end.tokens = progress_.tokens;
    if (!progress_.unpriced) end.cost_usd = progress_.cost_usd;
    end.model = base::cut(options_.model, catalog::model_bytes_max);
    end.product_name = base::cut(progress_.product_name, catalog::product_name_bytes_max);
    end.product_version = base::cut(progress_.product_version, catalog::product_version_bytes_max);
    end.summary = summary_;
    if (!plan_.not_served.empty()) {
        end.summary = base::cut(
            fmt::format("{}\n[not served: {}]", summary_, fmt::join(plan_.not_served, ", ")),
            catalog::summary_bytes_max);
    }
    return end;
}

void Visit::give_up(const std::string& reason, VisitEnd::Source source, bool handed_back) {
    const VisitRecords* records = services_.outbox.find(id());
    if (!records || records->end) return;
    const auto status =
        records->actions.empty() ? VisitEnd::Status::failed : VisitEnd::Status::partial;
    VisitEnd end = end_of(status, reason, source);
    end.handed_back = handed_back;
    note_not_asked(end);
    services_.outbox.abandon(id(), std::move(end));
}

}  // namespace runner
