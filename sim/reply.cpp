#include "sim/reply.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "sim/binding.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t reply_id_letters = 22;
constexpr std::string_view reply_summary = "Ich überlege kurz, was als Nächstes dran ist.";

bool reply_thinks(const base::Json& body, const Model& model) {
    if (!body.contains("thinking") || body["thinking"].is_null()) return model.thinks;
    return type_of(body["thinking"]) != "disabled";
}

// Newer models leave the text out unless asked; older ones summarize.
std::string_view reply_thinking_text(const base::Json& body, const Model& model) {
    std::string_view display = model.new_tokenizer ? "omitted" : "summarized";
    if (body.contains("thinking")) {
        const std::string_view asked = text_member(body["thinking"], "display");
        if (!asked.empty()) display = asked;
    }
    return display == "summarized" ? reply_summary : std::string_view{};
}

struct ReplyEnd {
    std::string reason;
    base::Json sequence = nullptr;
};

// Cuts text at the first of the caller's stop sequences.
bool reply_stop_at_sequence(base::Json& content, const base::Json& body, ReplyEnd& end) {
    if (!body.contains("stop_sequences")) return false;
    for (std::size_t at = 0; at < content.size(); ++at) {
        if (type_of(content[at]) != "text") continue;
        const std::string text(text_member(content[at], "text"));
        std::size_t first = std::string::npos;
        for (const base::Json& sequence : body["stop_sequences"]) {
            const std::size_t found = text.find(sequence.get_ref<const std::string&>());
            if (found >= first) continue;
            first = found;
            end = {.reason = "stop_sequence", .sequence = sequence};
        }
        if (first == std::string::npos) continue;
        content[at]["text"] = text.substr(0, first);
        content.erase(content.begin() + static_cast<std::ptrdiff_t>(at) + 1, content.end());
        return true;
    }
    return false;
}

// Keeps blocks while the budget lasts; the text that crosses it is cut, a call is left out whole.
bool reply_cut(base::Json& content, const Model& model, long tokens_max) {
    base::Json kept = base::Json::array();
    for (const base::Json& block : content) {
        base::Json trial = kept;
        trial.push_back(block);
        if (output_tokens(trial, model) <= tokens_max) {
            kept = std::move(trial);
            continue;
        }
        if (type_of(block) == "text") {
            std::string text(text_member(block, "text"));
            while (!text.empty() && output_tokens(trial, model) > tokens_max) {
                std::size_t end = text.size() * 3 / 4;
                while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
                text.resize(end);
                trial.back()["text"] = text;
            }
            if (!text.empty()) kept = std::move(trial);
        }
        content = std::move(kept);
        return true;
    }
    return false;
}

// The id of a server tool's call with which the conversation was paused.
std::string_view reply_awaited_tool(const base::Json& body) {
    const base::Json& last = body["messages"].back();
    if (text_member(last, "role") != "assistant" || last["content"].empty()) return {};
    const base::Json& block = last["content"].back();
    return type_of(block) == "server_tool_use" ? text_member(block, "id") : std::string_view{};
}

bool reply_calls(const base::Json& content) {
    return std::any_of(content.begin(), content.end(),
                       [](const base::Json& block) { return type_of(block) == "tool_use"; });
}

// Members in the order in which the API sends them.
base::Json reply_dress(const base::Json& block, bool after_thinking) {
    if (type_of(block) == "text") {
        return {{"type", "text"}, {"text", block["text"]}, {"citations", nullptr}};
    }
    if (type_of(block) != "tool_use") return block;
    return {{"type", "tool_use"},
            {"id", make_call_id(after_thinking)},
            {"name", block["name"]},
            {"input", block["input"]},
            {"caller", {{"type", "direct"}}}};
}

base::Json reply_supported(bool supported) {
    return {{"supported", supported}};
}

}  // namespace

std::string make_call_id(bool after_thinking) {
    const std::string_view prefix = after_thinking ? call_after_thinking : "toolu_01S";
    return std::string(prefix) + base::random_text(reply_id_letters, base::alphanumeric);
}

std::string make_id(std::string_view prefix) {
    return std::string(prefix) + "_01" + base::random_text(reply_id_letters, base::alphanumeric);
}

base::Json make_message(const base::Json& body, const Model& model, Usage usage,
                        const ReplyOptions& options) {
    const long tokens_max = body.value("max_tokens", 0L);
    base::Json content = base::Json::array();
    ReplyEnd end{.reason = "max_tokens"};
    if (tokens_max > 0) {
        const std::string_view awaited = reply_awaited_tool(body);
        if (!awaited.empty()) {
            content.push_back({{"type", "web_search_tool_result"},
                               {"tool_use_id", awaited},
                               {"content", base::Json::array()}});
        }
        const bool thinks = reply_thinks(body, model);
        if (thinks) {
            const std::string_view text = reply_thinking_text(body, model);
            content.push_back(
                {{"type", "thinking"},
                 {"thinking", text},
                 {"signature", sign_thinking(body, model, text, options.signing_key)}});
        }
        for (const base::Json& block : next_blocks(body, options.script)) {
            content.push_back(reply_dress(block, thinks));
        }
        end.reason = reply_calls(content) ? "tool_use" : "end_turn";
        const bool stopped = reply_stop_at_sequence(content, body, end);
        if (reply_cut(content, model, tokens_max)) end = {.reason = "max_tokens"};
        if (stopped)
            std::erase_if(content.get_ref<base::Json::array_t&>(), [](const auto& block) {
                return type_of(block) == "text" && text_member(block, "text").empty();
            });
        usage.output = std::min(output_tokens(content, model), tokens_max);
        usage.thinking = thinks ? std::min(60L, usage.output) : 0;
    }
    return {{"id", make_id("msg")},          {"type", "message"},
            {"role", "assistant"},           {"model", body["model"]},
            {"content", std::move(content)}, {"stop_reason", end.reason},
            {"stop_sequence", end.sequence}, {"stop_details", nullptr},
            {"container", nullptr},          {"diagnostics", nullptr},
            {"usage", to_json(usage)}};
}

base::Json describe_model(const Model& model) {
    return {{"type", "model"},
            {"id", model.id},
            {"display_name", model.name},
            {"created_at", "2026-01-01T00:00:00Z"},
            {"max_input_tokens", model.context_tokens},
            {"max_tokens", model.output_tokens_max},
            {"capabilities",
             {{"effort", reply_supported(model.effort)},
              {"structured_outputs", reply_supported(true)},
              {"thinking",
               {{"supported", true},
                {"types",
                 {{"adaptive", reply_supported(model.adaptive)},
                  {"between_tools", reply_supported(model.between_tools)},
                  {"disabled", reply_supported(model.can_stop_thinking)},
                  {"enabled", reply_supported(model.budget)}}}}}}}};
}

}  // namespace sim
