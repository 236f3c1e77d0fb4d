#include "clients/mcp_connection.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "clients/mcp_message.hpp"
#include "clients/mcp_stateless.hpp"
#include "clients/trace.hpp"

namespace clients {

namespace {

constexpr std::chrono::milliseconds goodbye_limit{2'000};
constexpr std::size_t server_name_bytes_max = 128;
constexpr std::size_t tool_lists_max = 16;
constexpr std::size_t server_eras_max = 256;
constexpr std::size_t tool_maps_max = 16;  // Of one session.
constexpr int input_rounds_max = 5;
constexpr std::size_t told_bytes_usual = 256 * 1024;  // Of tools told to the model.

std::string server_word(const base::Json& owner, std::string_view key, std::string_view name) {
    if (!owner.is_object()) return {};
    const auto info = owner.find(key);
    if (info == owner.end() || !info->is_object()) return {};
    const auto word = info->find(name);
    if (word == info->end() || !word->is_string()) return {};
    return base::cut(base::clean_utf8(word->get<std::string>()), server_name_bytes_max);
}

// In the stateless era each result names its server.
void read_server(const base::Json& result, ListedTools& listed) {
    const auto meta = result.find("_meta");
    if (meta == result.end()) return;
    listed.server_name = server_word(*meta, "io.modelcontextprotocol/serverInfo", "name");
    listed.server_version = server_word(*meta, "io.modelcontextprotocol/serverInfo", "version");
}

bool is_for_the_caller(const base::Failure& failure) {
    return failure.kind() == base::Failure::Kind::unauthenticated ||
           failure.kind() == base::Failure::Kind::forbidden;
}

}  // namespace

// Whether the server speaks the stateless revision. Only what it says clearly counts: anything
// else is an older server's way of not understanding.
base::Task<bool> McpConnection::probe() {
    wire_.go_stateless();
    for (bool again = false;; again = true) {
        std::optional<base::Failure> failure;
        try {
            const RpcAnswer answer = co_await wire_.request("server/discover", base::Json::object(),
                                                            options_.probe_limit);
            tells_changes_ = !answer.error_code && tells_of_tools(answer.result);
            co_return !answer.error_code && offers_stateless(answer.result);
        } catch (const base::Failure& thrown) {
            // Settled below: no co_await may stand in a handler.
            failure = thrown;
        }
        const bool answered = failure->status() != 0;
        if (is_for_the_caller(*failure) || !answered) throw base::Failure{*failure};
        if (failure->kind() == base::Failure::Kind::throttled) throw base::Failure{*failure};
        // A server of this era that refused our revision; once more, in case it meant a header.
        if (failure->code() != mcp_era_refused || again) co_return false;
    }
}

base::Task<McpEra> McpConnection::find_era() {
    const bool stateless = co_await probe();
    const McpEra era = stateless ? McpEra::stateless : McpEra::sessions;
    if (memory_.manners.size() >= server_eras_max) memory_.manners.clear();
    memory_.manners[url_] = {.era = era, .tells_changes = stateless && tells_changes_};
    base::log_info("product's MCP era found", {{"server", alias_},
                                               {"url", base::origin_of(url_)},
                                               {"era", stateless ? "stateless" : "sessions"}});
    co_return era;
}

base::Task<void> McpConnection::begin() {
    for (;;) {
        McpEra era = wished_era_;
        bool remembered = false;
        if (const auto known = memory_.manners.find(url_);
            era == McpEra::automatic && known != memory_.manners.end()) {
            era = known->second.era;
            tells_changes_ = known->second.tells_changes;
            remembered = true;
        }
        if (era == McpEra::automatic) era = co_await find_era();
        std::optional<base::Failure> failure;
        try {
            if (era == McpEra::stateless) {
                wire_.go_stateless();
                revision_ = stateless_revision;
                has_tools_ = true;
            } else {
                co_await shake_hands();
            }
            co_await list_tools();
            listen();
            co_return;
        } catch (const base::Failure& thrown) {
            // Settled below, as in probe().
            failure = thrown;
        }
        // The server may have become another one since it was asked.
        const bool refused = failure->code() == mcp_refused || failure->code() == mcp_era_refused;
        if (!remembered || !refused || is_for_the_caller(*failure)) throw base::Failure{*failure};
        memory_.manners.erase(url_);
    }
}

base::Task<void> McpConnection::shake_hands() {
    wire_.forget_session();
    const RpcAnswer answer =
        co_await wire_.request("initialize", initialize_params(), options_.request_limit);
    if (answer.error_code || !answer.result.is_object()) {
        throw base::Failure{
            base::Failure::Kind::unavailable,
            "the product refused the MCP handshake: " + base::cut(answer.error_message, 300)};
    }
    const auto revision = answer.result.find("protocolVersion");
    const std::string spoken = revision != answer.result.end() && revision->is_string()
                                   ? revision->get<std::string>()
                                   : "";
    if (!is_known_revision(spoken)) {
        throw base::Failure{base::Failure::Kind::unavailable,
                            "the product speaks MCP revision \"" +
                                base::cut(base::clean_utf8(spoken), 32) + "\"; understood are " +
                                known_revisions()};
    }
    revision_ = spoken;
    server_name_ = server_word(answer.result, "serverInfo", "name");
    server_version_ = server_word(answer.result, "serverInfo", "version");
    const auto abilities = answer.result.find("capabilities");
    has_tools_ =
        abilities != answer.result.end() && abilities->is_object() && abilities->contains("tools");
    tells_changes_ = tells_of_tools(answer.result);
    wire_.agree(spoken);
    co_await wire_.notify("notifications/initialized", base::Json{});
    ++generation_;
}

bool McpConnection::is_wanted(std::string_view tool) const {
    return wanted_.empty() ||
           std::any_of(wanted_.begin(), wanted_.end(), [&](const std::string& pattern) {
               return catalog::fits_pattern(pattern, tool);
           });
}

void McpConnection::take(ListedTools listed) {
    if (tools_) earlier_tools_.push_back(std::move(tools_));
    tools_ = std::move(listed.map);
    if (!listed.server_name.empty()) server_name_ = std::move(listed.server_name);
    if (!listed.server_version.empty()) server_version_ = std::move(listed.server_version);
}

base::Task<void> McpConnection::list_tools() {
    std::vector<McpTool> tools;
    ListedTools listed;
    // The pages' texts, each with the request that it answers; and what else makes the map.
    std::string list = alias_ + (wire_.is_stateless() ? "\n1\n" : "\n0\n");
    for (const std::string& pattern : wanted_) list += pattern + '\n';
    const base::Steady until = wire_.loop().now() + options_.list_limit;
    std::set<std::string> cursors;
    std::optional<std::string> cursor;
    for (int page = 0; has_tools_; ++page) {
        base::Json params = base::Json::object();
        if (cursor) params["cursor"] = *cursor;
        const RpcText text =
            co_await wire_.request_text("tools/list", std::move(params), options_.request_limit);
        list += std::to_string(text.id) + text.text;
        if (const auto known = memory_.lists.find(list); known != memory_.lists.end()) {
            take(known->second);
            co_return;
        }
        const RpcAnswer answer = McpWire::answer_in(text);
        if (answer.error_code) {
            throw base::Failure{
                base::Failure::Kind::unavailable,
                "the product does not list its tools: " + base::cut(answer.error_message, 300)};
        }
        ToolPage found = read_tool_page(answer.result, wire_.is_stateless());
        for (const std::string& reason : found.left_out) {
            base::log_warning("tool left out", {{"server", alias_}, {"reason", reason}});
        }
        for (McpTool& tool : found.tools) {
            if (is_wanted(tool.name)) tools.push_back(std::move(tool));
        }
        if (wire_.is_stateless()) read_server(answer.result, listed);
        cursor = std::move(found.next_cursor);
        if (!cursor) break;
        const bool repeated = !cursors.insert(*cursor).second;
        if (repeated || page + 1 >= options_.pages_max || tools.size() >= options_.tools_max ||
            list.size() >= options_.list_bytes_max || wire_.loop().now() >= until) {
            base::log_warning("product's tool list does not end",
                              {{"server", alias_}, {"tools", tools.size()}});
            break;
        }
    }
    if (tools.size() > options_.tools_max) tools.resize(options_.tools_max);
    listed.map = std::make_shared<const ToolMap>(std::move(tools), alias_, options_.modules.get());
    for (const std::string& reason : listed.map->left_out()) {
        base::log_warning("tool left out", {{"server", alias_}, {"reason", reason}});
    }
    if (const std::size_t bytes = listed.map->tools_json().size(); bytes > told_bytes_usual) {
        base::log_warning("product's tools are many",
                          {{"server", alias_},
                           {"tools", listed.map->entries().size()},
                           {"bytes", bytes},
                           {"reason",
                            "every request to the model carries them; \"tools\" of the server in "
                            "MANA_MCP_URL names those that are wanted"}});
    }
    if (memory_.lists.size() >= tool_lists_max) memory_.lists.clear();
    memory_.lists.emplace(std::move(list), listed);
    take(std::move(listed));
}

void McpConnection::listen() {
    listening_.reset();
    if (!tells_changes_) return;
    listening_ = std::make_unique<base::Group>(wire_.loop());
    listening_->add(wire_.listen());
}

// Before a call: whether the tool is there yet, where the server said meanwhile that its tools are
// others now.
base::Task<bool> McpConnection::offers_still(std::string tool, std::chrono::milliseconds limit) {
    if (!wire_.take_tools_changed()) co_return true;
    co_await wire_.loop().within(limit, list_again());
    co_return tools_->by_tool_name(tool) != nullptr;
}

// However often the server said it meanwhile, the list is read once.
base::Task<void> McpConnection::list_again() {
    if (earlier_tools_.size() >= tool_maps_max) co_return;  // It changes without end.
    try {
        co_await list_tools();
        base::log_info("product's tools changed",
                       {{"server", alias_}, {"tools", tools_->entries().size()}});
    } catch (const base::Failure& failure) {
        // The call is done; the next one finds out what the product is up to.
        base::log_warning("product's changed tools not read",
                          {{"server", alias_}, {"reason", failure.what()}});
    }
}

// The answer to one call; a session that is lost did not run it, so it may be sent once more.
base::Task<RpcAnswer> McpConnection::ask(base::Json params, base::HttpHeaders more,
                                         base::Steady deadline) {
    std::optional<base::Failure> failure;
    for (bool again = false;; again = true) {
        const int generation = generation_;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - wire_.loop().now());
        try {
            RpcAnswer answer = co_await wire_.request("tools/call", params, left, more);
            co_return answer;
        } catch (const base::Failure& thrown) {
            // Settled below: no co_await may stand in a handler.
            failure = thrown;
        }
        if (failure->code() != mcp_session_lost || again) break;
        try {
            const bool open =
                co_await wire_.loop().within(deadline - wire_.loop().now(), reopen(generation));
            if (open) continue;
            failure.emplace(base::Failure::Kind::unavailable,
                            "the product's session was lost and did not open again in time",
                            std::string{mcp_refused});
        } catch (const base::Failure& thrown) {
            // Nothing of the handshake ran the call, whatever became of it.
            failure.emplace(thrown.kind(), thrown.what(), std::string{mcp_refused});
        }
        break;
    }
    throw base::Failure{*failure};
}

base::Task<CallResult> McpConnection::complete(base::Json params, base::HttpHeaders more,
                                               std::chrono::milliseconds limit) {
    const base::Steady deadline = wire_.loop().now() + limit;
    for (int round = 1;; ++round) {
        const RpcAnswer answer = co_await ask(params, more, deadline);
        if (answer.error_code) co_return call_result_of_error(answer, options_.result_bytes_max);
        CallStep step;
        if (wire_.is_stateless()) step = read_call_step(answer.result);
        if (step.complete) co_return read_call_result(answer.result, options_.result_bytes_max);
        if (step.fault.empty() && round < input_rounds_max) {
            params["requestState"] =
                *step.request_state;  // Byte for byte; a new id comes by itself.
            continue;
        }
        co_return CallResult{.outcome = CallResult::Outcome::error,
                             .text = step.fault.empty()
                                         ? "the product did not come to an end with this call"
                                         : step.fault,
                             .answered = true};
    }
}

base::Task<CallResult> McpConnection::call(std::string tool, base::Json arguments, CallNote note,
                                           std::chrono::milliseconds limit) {
    const base::Steady deadline = wire_.loop().now() + limit;
    const bool is_offered = co_await offers_still(tool, limit / 2);
    if (!is_offered) {
        co_return counted({.outcome = CallResult::Outcome::error,
                           .text = "not run: the product does not offer this tool any more"});
    }
    limit = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - wire_.loop().now());
    base::HttpHeaders more;
    const ToolMap::Entry* entry = tools_->by_tool_name(tool);
    if (entry != nullptr && !entry->tool.param_headers.empty()) {
        auto headers = param_headers_of(entry->tool.param_headers, arguments);
        if (!headers) {
            co_return counted(
                {.outcome = CallResult::Outcome::error,
                 .text = "not run: an argument has not the type that its schema demands"});
        }
        more = std::move(*headers);
    }
    base::Json params = base::Json::object();
    params["name"] = std::move(tool);
    params["arguments"] = arguments.is_null() ? base::Json::object() : std::move(arguments);
    params["_meta"] = {{"persona-runner/visit", note.visit_id},
                       {"persona-runner/seq", note.seq},
                       {"traceparent", traceparent_of(note.visit_id, note.seq)}};
    CallResult result;
    try {
        result = co_await complete(std::move(params), std::move(more), limit);
    } catch (const base::Failure& failure) {
        if (is_for_the_caller(failure)) throw;
        // Everything else is what became of the call.
        result = settle_failure(failure);
    }
    const bool told = wire_.take_tools_changed();
    if (std::exchange(lists_again_, false) || told) co_await list_again();
    co_return counted(std::move(result));
}

CallResult McpConnection::settle_failure(const base::Failure& failure) const {
    const bool not_run = failure.code() == mcp_session_lost || failure.code() == mcp_refused ||
                         failure.code() == mcp_era_refused || failure.code() == "not_sent";
    CallResult result;
    result.outcome = not_run ? CallResult::Outcome::error : CallResult::Outcome::unknown;
    result.text = not_run ? "not run: " : "unknown whether it was done: ";
    result.text += base::cut(base::clean_utf8(failure.what()), options_.result_bytes_max);
    return result;
}

CallResult McpConnection::counted(CallResult result) {
    const char* word = result.outcome == CallResult::Outcome::ok      ? "ok"
                       : result.outcome == CallResult::Outcome::error ? "error"
                                                                      : "unknown";
    metrics_.counter("mcp_calls_total", "Tool calls by outcome.", {{"outcome", word}}).add();
    return result;
}

base::Task<void> McpConnection::reopen(int lost_generation) {
    while (reopening_) co_await reopened_.wait();
    if (generation_ != lost_generation) co_return;  // Another call has done it.
    const Reopening guard{*this};
    base::log_info("product's session lost, opening another", {{"server", alias_}});
    metrics_.counter("mcp_sessions_reopened_total", "MCP sessions that were lost and reopened.")
        .add();
    co_await shake_hands();
    lists_again_ = true;
    listen();
}

base::Task<void> McpConnection::close() {
    listening_.reset();
    if (!wire_.has_session()) co_return;
    try {
        co_await wire_.loop().within(goodbye_limit, wire_.end_session());
    } catch (const base::Failure& failure) {
        // The server forgets idle sessions by itself.
        base::log_debug("product's session not closed", {{"reason", failure.what()}});
    }
    wire_.forget_session();
}

}  // namespace clients
