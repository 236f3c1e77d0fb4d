#include "clients/mcp_message.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "clients/mcp_stateless.hpp"

namespace clients {

namespace {

constexpr std::array<std::string_view, 3> mcp_revisions{"2025-11-25", "2025-06-18", "2025-03-26"};
constexpr std::size_t mcp_word_bytes_max = 200;

std::string mcp_text(const base::Json& object, std::string_view name) {
    if (!object.is_object()) return {};
    const auto member = object.find(name);
    return member != object.end() && member->is_string() ? member->get<std::string>()
                                                         : std::string{};
}

bool mcp_flag(const base::Json& object, std::string_view name, bool otherwise) {
    if (!object.is_object()) return otherwise;
    const auto member = object.find(name);
    return member != object.end() && member->is_boolean() ? member->get<bool>() : otherwise;
}

bool is_answer_to(const base::Json& message, std::int64_t id) {
    const auto member = message.find("id");
    if (member == message.end()) return false;
    // Some servers turn numbers into texts.
    return member->is_number_integer() ? member->get<std::int64_t>() == id
                                       : *member == std::to_string(id);
}

[[noreturn]] void fail_rpc(const std::string& what) {
    throw base::Failure{base::Failure::Kind::unavailable, "the product answered " + what,
                        "outcome_unknown"};
}

// Notices of no concern to us are passed over.
void sort_notice(const base::Json& message, std::int64_t id, RpcArrival& arrival) {
    const std::string method = mcp_text(message, "method");
    if (method == "notifications/tools/list_changed") arrival.tools_changed = true;
    if (method != "notifications/progress") return;
    const auto params = message.find("params");
    if (params == message.end() || !params->is_object()) return;
    const auto token = params->find("progressToken");
    if (token == params->end()) return;
    arrival.progressed =
        arrival.progressed || (token->is_number_integer() ? token->get<std::int64_t>() == id
                                                          : *token == std::to_string(id));
}

void sort_rpc(base::Json& message, std::int64_t id, RpcArrival& arrival) {
    if (!message.is_object()) fail_rpc("something that is no JSON-RPC message");
    if (message.contains("method")) {
        if (message.contains("id")) {
            arrival.server_requests.push_back(std::move(message));
        } else {
            sort_notice(message, id, arrival);
        }
        return;
    }
    if (!is_answer_to(message, id)) return;
    RpcAnswer answer;
    const auto error = message.find("error");
    if (error != message.end() && error->is_object()) {
        const auto code = error->find("code");
        const bool numbered = code != error->end() && code->is_number_integer();
        answer.error_code = numbered ? code->get<std::int64_t>() : -32603;
        answer.error_message = base::clean_utf8(mcp_text(*error, "message"));
    } else if (message.contains("result")) {
        answer.result = std::move(message["result"]);
    } else {
        fail_rpc("a message with neither result nor error");
    }
    arrival.answer = std::move(answer);
}

std::string binary_note(const base::Json& item, std::string_view kind) {
    const std::string type = base::cut(mcp_text(item, "mimeType"), mcp_word_bytes_max);
    const std::size_t bytes = mcp_text(item, "data").size() + mcp_text(item, "blob").size();
    return "[" + std::string{kind} + (type.empty() ? "" : " " + type) + ", about " +
           std::to_string(bytes / 4 * 3) + " bytes, not shown]";
}

std::string link_line(const base::Json& item) {
    std::string line = "[link";
    for (const std::string_view name : {"name", "uri", "description"}) {
        const std::string value = mcp_text(item, name);
        if (!value.empty()) line += " " + base::cut(value, 1'000);
    }
    return line + "]";
}

std::string text_of_item(const base::Json& item) {
    const std::string type = mcp_text(item, "type");
    if (type == "text") return mcp_text(item, "text");
    if (type == "image" || type == "audio") return binary_note(item, type);
    if (type == "resource_link") return link_line(item);
    if (type == "resource" && item.contains("resource") && item["resource"].is_object()) {
        const base::Json& resource = item["resource"];
        const std::string text = mcp_text(resource, "text");
        return text.empty() ? binary_note(resource, "resource " + mcp_text(resource, "uri")) : text;
    }
    return "[content of the unknown type \"" + base::cut(type, mcp_word_bytes_max) +
           "\", not shown]";
}

// Fills in what every result has: clean text that is never empty and never too long.
CallResult capped_result(CallResult::Outcome outcome, std::string_view text,
                         std::size_t bytes_max) {
    CallResult result{.outcome = outcome};
    result.text = base::clean_utf8(text);
    if (base::trim(result.text).empty()) result.text = "(no output)";
    if (result.text.size() > bytes_max) {
        const std::size_t whole = result.text.size();
        result.text = base::cut(result.text, bytes_max);
        result.text += "\n[cut: only the first " + std::to_string(bytes_max) + " of " +
                       std::to_string(whole) + " bytes are shown]";
        result.truncated = true;
    }
    return result;
}

}  // namespace

bool is_known_revision(std::string_view revision) {
    return std::find(mcp_revisions.begin(), mcp_revisions.end(), revision) != mcp_revisions.end();
}

std::string known_revisions() {
    std::string text;
    for (const std::string_view revision : mcp_revisions) {
        text += (text.empty() ? "" : ", ") + std::string{revision};
    }
    return text;
}

base::Json initialize_params() {
    base::Json params = base::Json::object();
    params["protocolVersion"] = mcp_revisions.front();
    params["capabilities"] = base::Json::object();
    params["clientInfo"] = {{"name", "persona-runner"}, {"version", PERSONA_RUNNER_VERSION}};
    return params;
}

std::string rpc_request(std::int64_t id, std::string_view method, const base::Json& params) {
    std::string message = R"({"jsonrpc":"2.0","id":)" + std::to_string(id);
    message += R"(,"method":)" + base::quoted(method);
    if (!params.is_null()) message += R"(,"params":)" + base::to_text(params);
    return message + '}';
}

std::string rpc_notification(std::string_view method, const base::Json& params) {
    std::string message = R"({"jsonrpc":"2.0","method":)" + base::quoted(method);
    if (!params.is_null()) message += R"(,"params":)" + base::to_text(params);
    return message + '}';
}

std::string rpc_reply_to(const base::Json& server_request) {
    base::Json reply = {{"jsonrpc", "2.0"}, {"id", server_request.at("id")}};
    const std::string method = base::cut(mcp_text(server_request, "method"), mcp_word_bytes_max);
    if (method == "ping") {
        reply["result"] = base::Json::object();
    } else {
        reply["error"] = {{"code", -32601}, {"message", "Method not found: " + method}};
    }
    return base::to_text(reply);
}

RpcArrival read_rpc(std::string_view text, std::int64_t id) {
    std::optional<base::Json> message = base::try_parse_json(text);
    if (!message) fail_rpc("something that is no JSON");
    RpcArrival arrival;
    if (message->is_array()) {
        for (base::Json& each : *message) sort_rpc(each, id, arrival);
    } else {
        sort_rpc(*message, id, arrival);
    }
    return arrival;
}

ToolPage read_tool_page(const base::Json& result, bool stateless) {
    const auto tools = result.is_object() ? result.find("tools") : result.end();
    if (!result.is_object() || tools == result.end() || !tools->is_array()) {
        fail_rpc("tools/list without a list of tools");
    }
    ToolPage page;
    for (const base::Json& each : *tools) {
        McpTool tool;
        tool.name = mcp_text(each, "name");
        const base::Json none = base::Json::object();
        const auto part = [&each, &none](std::string_view name) -> const base::Json& {
            return each.is_object() && each.contains(name) ? *each.find(name) : none;
        };
        if (mcp_text(part("execution"), "taskSupport") == "required") {
            page.left_out.push_back(base::cut(tool.name, mcp_word_bytes_max) +
                                    ": it can only be called as a task");
            continue;
        }
        if (stateless) {
            ParamHeaders marks = read_param_headers(part("inputSchema"));
            if (!marks.fault.empty()) {
                page.left_out.push_back(base::cut(tool.name, mcp_word_bytes_max) + ": " +
                                        marks.fault);
                continue;
            }
            tool.param_headers = std::move(marks.headers);
        }
        const base::Json& hints = part("annotations");
        tool.title = mcp_text(each, "title");
        if (tool.title.empty()) tool.title = mcp_text(hints, "title");
        tool.description = mcp_text(each, "description");
        tool.input_schema = part("inputSchema");
        tool.read_only = mcp_flag(hints, "readOnlyHint", false);
        // These two mean something only for tools that change something.
        tool.destructive = !tool.read_only && mcp_flag(hints, "destructiveHint", true);
        tool.idempotent = tool.read_only || mcp_flag(hints, "idempotentHint", false);
        page.tools.push_back(std::move(tool));
    }
    const auto cursor = result.find("nextCursor");
    if (cursor != result.end() && cursor->is_string()) page.next_cursor = *cursor;
    return page;
}

CallStep read_call_step(const base::Json& result) {
    CallStep step;
    const std::string type = mcp_text(result, "resultType");
    if (type.empty() || type == "complete") return step;
    step.complete = false;
    if (type != "input_required") {
        step.fault = "the product answered with a result of the unknown type \"" +
                     base::cut(base::clean_utf8(type), mcp_word_bytes_max) + "\"";
        return step;
    }
    const auto wishes = result.find("inputRequests");
    const bool asks = wishes != result.end() && !wishes->is_null() && !wishes->empty();
    const auto state = result.find("requestState");
    if (state != result.end() && state->is_string()) step.request_state = *state;
    if (asks || !step.request_state) {
        step.fault = "the product asks for input that this client said it cannot give";
    }
    return step;
}

CallResult read_call_result(const base::Json& result, std::size_t bytes_max) {
    if (!result.is_object()) {
        return capped_result(CallResult::Outcome::unknown,
                             "the product answered something that is no tool result", bytes_max);
    }
    std::string text;
    const auto content = result.find("content");
    if (content != result.end() && content->is_array()) {
        for (const base::Json& item : *content) {
            const std::string part = text_of_item(item);
            if (base::trim(part).empty()) continue;
            if (!text.empty()) text += '\n';
            text += part;
        }
    }
    const auto structured = result.find("structuredContent");
    if (text.empty() && structured != result.end()) text = base::to_text(*structured);
    const bool failed = mcp_flag(result, "isError", false);
    CallResult answer = capped_result(failed ? CallResult::Outcome::error : CallResult::Outcome::ok,
                                      text, bytes_max);
    answer.answered = true;
    return answer;
}

CallResult call_result_of_error(const RpcAnswer& answer, std::size_t bytes_max) {
    const std::string message =
        answer.error_message.empty() ? "no reason given" : answer.error_message;
    CallResult refusal = capped_result(
        CallResult::Outcome::error,
        "error " + std::to_string(answer.error_code.value_or(0)) + ": " + message, bytes_max);
    refusal.answered = true;
    return refusal;
}

}  // namespace clients
