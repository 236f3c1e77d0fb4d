#include "sim/check.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "sim/binding.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 9> check_counted_fields{
    "model",    "messages",      "system",        "tools", "tool_choice",
    "thinking", "output_config", "cache_control", "speed"};
constexpr std::array<std::string_view, 8> check_message_fields{
    "max_tokens",   "stream",        "stop_sequences", "metadata",
    "service_tier", "inference_geo", "container",      "diagnostics"};
constexpr std::array<std::string_view, 3> check_sampling_fields{"temperature", "top_p", "top_k"};

bool check_has(Words words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

void check_top_fields(const base::Json& body, const Model& model, const CheckOptions& options) {
    const bool old_version = options.version == "2023-06-01";
    for (const auto& [name, value] : body.items()) {
        if (check_has(check_counted_fields, name)) continue;
        if (!options.counting && check_has(check_message_fields, name)) continue;
        if (old_version && !options.counting && check_has(check_sampling_fields, name)) {
            const bool usual = name == "temperature" ? value == 1 : value.is_null();
            if (model.sampling || usual) continue;
            refuse(fmt::format("{}: only the default value is supported for this model.", name));
        }
        refuse(fmt::format("{}: Extra inputs are not permitted", name));
    }
}

void check_max_tokens(const base::Json& body, const Model& model) {
    const auto field = body.find("max_tokens");
    if (field == body.end()) refuse("max_tokens: Field required");
    if (!field->is_number_integer()) refuse("max_tokens: Input should be a valid integer");
    const auto tokens = field->get<std::int64_t>();
    if (tokens > model.output_tokens_max) {
        refuse(
            fmt::format("max_tokens: {} > {}, which is the maximum allowed number of output "
                        "tokens for {}",
                        tokens, model.output_tokens_max, model.id));
    }
    if (tokens == 0) {
        // A pre-warm writes the cache and answers nothing.
        if (body.value("stream", false)) {
            refuse("max_tokens: must be greater than or equal to 1 when `stream` is true");
        }
        return;
    }
    if (tokens < 1) refuse("max_tokens: Input should be greater than or equal to 1");
}

void check_small_fields(const base::Json& body) {
    if (body.contains("stream") && !body["stream"].is_boolean()) {
        refuse("stream: Input should be a valid boolean");
    }
    if (body.contains("stop_sequences")) {
        const base::Json& list = body["stop_sequences"];
        if (!list.is_array()) refuse("stop_sequences: Input should be a valid list");
        for (const base::Json& text : list) {
            if (!text.is_string()) refuse("stop_sequences: Input should be a valid string");
            if (base::to_text(text).find_first_not_of(" \"\\nrt") == std::string::npos) {
                refuse("stop_sequences: each stop sequence must contain non-whitespace");
            }
        }
    }
    if (body.contains("metadata") && !body["metadata"].is_null()) {
        static constexpr std::array<std::string_view, 1> known{"user_id"};
        refuse_unknown_fields(body["metadata"], "metadata", known);
    }
    if (body.contains("service_tier")) {
        const std::string_view tier = text_member(body, "service_tier");
        if (tier != "auto" && tier != "standard_only") {
            refuse("service_tier: Input should be 'auto' or 'standard_only'");
        }
    }
    if (!body.contains("system")) return;
    const base::Json& system = body["system"];
    if (system.is_string()) return;
    if (!system.is_array()) refuse("system: Input should be a valid string or list of text blocks");
    static constexpr std::array<std::string_view, 4> known{"type", "text", "cache_control",
                                                           "citations"};
    for (std::size_t at = 0; at < system.size(); ++at) {
        const std::string path = fmt::format("system.{}", at);
        if (type_of(system[at]) != "text") refuse(path + ": only text blocks are supported");
        refuse_unknown_fields(system[at], path, known);
        if (text_member(system[at], "text").empty()) {
            refuse("system: text content blocks must be non-empty");
        }
        check_cache_mark(system[at], path);
    }
}

void check_output_config(const base::Json& body, const Model& model) {
    if (!body.contains("output_config")) return;
    const base::Json& config = body["output_config"];
    static constexpr std::array<std::string_view, 2> known{"effort", "format"};
    refuse_unknown_fields(config, "output_config", known);
    if (config.contains("effort") && !config["effort"].is_null()) {
        static constexpr std::array<std::string_view, 5> levels{"low", "medium", "high", "xhigh",
                                                                "max"};
        if (!check_has(levels, text_member(config, "effort"))) {
            refuse(
                "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or "
                "'max'");
        }
        if (!model.effort) refuse("output_config.effort: not supported on this model");
    }
    if (!config.contains("format") || config["format"].is_null()) return;
    const base::Json& format = config["format"];
    static constexpr std::array<std::string_view, 2> format_known{"type", "schema"};
    refuse_unknown_fields(format, "output_config.format", format_known);
    if (type_of(format) != "json_schema") {
        refuse("output_config.format.type: Input should be 'json_schema'");
    }
    if (!format.contains("schema")) refuse("output_config.format.schema: Field required");
    check_strict_schema(format["schema"], "output_config.format.schema");
}

void check_thinking_level(const base::Json& body, std::string_view type) {
    const std::string_view effort = body.contains("output_config")
                                        ? text_member(body["output_config"], "effort")
                                        : std::string_view{};
    if (effort != "xhigh" && effort != "max") return;
    refuse(fmt::format("thinking: type \"{}\" is not supported at effort \"{}\".", type, effort));
}

void check_thinking(const base::Json& body, const Model& model) {
    if (!body.contains("thinking") || body["thinking"].is_null()) return;
    const base::Json& thinking = body["thinking"];
    static constexpr std::array<std::string_view, 3> known{"type", "budget_tokens", "display"};
    refuse_unknown_fields(thinking, "thinking", known);
    const std::string_view type = type_of(thinking);
    if (type == "enabled") {
        if (!model.budget) {
            refuse("thinking: type \"enabled\" is not supported on this model; use \"adaptive\".");
        }
        if (!thinking.contains("budget_tokens") || !thinking["budget_tokens"].is_number_integer()) {
            refuse("thinking.enabled.budget_tokens: Field required");
        }
        const auto budget = thinking["budget_tokens"].get<std::int64_t>();
        if (budget < 1024) {
            refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
        }
        if (budget >= body.value("max_tokens", std::int64_t{1} << 40)) {
            refuse("`max_tokens` must be greater than `thinking.budget_tokens`.");
        }
    } else if (type == "adaptive") {
        if (!model.adaptive) refuse("adaptive thinking is not supported on this model");
    } else if (type == "disabled") {
        if (!model.can_stop_thinking) {
            refuse("thinking: type \"disabled\" is not supported on this model" +
                   std::string(model.between_tools ? "; use \"between_tools\"." : "."));
        }
        if (model.preserved || model.id == "claude-opus-5") check_thinking_level(body, type);
    } else if (type == "between_tools") {
        if (!model.between_tools) {
            refuse("thinking: type \"between_tools\" is not supported on this model.");
        }
        if (thinking.size() > 1) {
            refuse("thinking.between_tools: Extra inputs are not permitted");
        }
        check_thinking_level(body, type);
    } else {
        refuse(
            "thinking.type: Input should be 'adaptive', 'between_tools', 'disabled' or "
            "'enabled'");
    }
    if (type != "enabled" && thinking.contains("budget_tokens")) {
        refuse(fmt::format("thinking.{}.budget_tokens: Extra inputs are not permitted", type));
    }
    if (!thinking.contains("display")) return;
    const std::string_view display = text_member(thinking, "display");
    if (type == "disabled") refuse("thinking.disabled.display: Extra inputs are not permitted");
    if (display != "omitted" && display != "summarized") {
        refuse("thinking.display: Input should be 'omitted' or 'summarized'");
    }
}

// Marks in prompt order: tools, system, messages. An automatic mark takes one of the four places.
void check_marks(const base::Json& body) {
    std::vector<bool> hours;  // true: one hour.
    const auto add = [&hours](const base::Json& block) {
        if (!block.is_object() || !block.contains("cache_control")) return;
        const base::Json& mark = block["cache_control"];
        if (!mark.is_null()) hours.push_back(text_member(mark, "ttl") == "1h");
    };
    for (const base::Json& tool : body.value("tools", base::Json::array())) add(tool);
    if (body.contains("system")) {
        for (const base::Json& block : body["system"]) add(block);
    }
    for (const base::Json& message : body["messages"]) {
        for (const base::Json& block : message["content"]) add(block);
    }
    const std::size_t explicit_marks = hours.size();
    const bool automatic = body.contains("cache_control") && !body["cache_control"].is_null();
    if (explicit_marks > 4 || (automatic && explicit_marks == 4)) {
        refuse(fmt::format("A maximum of 4 blocks with cache_control may be provided. Found {}.",
                           explicit_marks + (automatic ? 1 : 0)));
    }
    if (automatic) hours.push_back(text_member(body["cache_control"], "ttl") == "1h");
    for (std::size_t at = 1; at < hours.size(); ++at) {
        if (hours[at] && !hours[at - 1]) {
            refuse(
                "cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block.");
        }
    }
}

}  // namespace

void refuse(const std::string& text) {
    throw base::Failure(base::Failure::Kind::invalid, text, "invalid_request_error");
}

void refuse_unknown_fields(const base::Json& object, const std::string& path, Words known) {
    if (!object.is_object()) refuse(path + ": Input should be a valid dictionary");
    for (const auto& [name, value] : object.items()) {
        if (!check_has(known, name)) {
            refuse(fmt::format("{}.{}: Extra inputs are not permitted", path, name));
        }
    }
}

void check_cache_mark(const base::Json& block, const std::string& path) {
    if (!block.contains("cache_control") || block["cache_control"].is_null()) return;
    const base::Json& mark = block["cache_control"];
    const std::string where = path.empty() ? "cache_control" : path + ".cache_control";
    static constexpr std::array<std::string_view, 2> known{"type", "ttl"};
    refuse_unknown_fields(mark, where, known);
    if (type_of(mark) != "ephemeral") refuse(where + ".type: Input should be 'ephemeral'");
    if (!mark.contains("ttl") || mark["ttl"].is_null()) return;
    const std::string_view ttl = text_member(mark, "ttl");
    if (ttl != "5m" && ttl != "1h") refuse(where + ".ttl: Input should be '5m' or '1h'");
}

void check_request(base::Json& body, const CheckOptions& options) {
    if (!body.is_object()) refuse("Input should be a valid dictionary");
    if (!body.contains("model")) refuse("model: Field required");
    const std::string_view id = text_member(body, "model");
    if (id.empty()) refuse("model: Input should be a valid string");
    const Model* model = find_model(id);
    if (model == nullptr) {
        throw base::Failure(base::Failure::Kind::missing, fmt::format("model: {}", id),
                            "not_found_error");
    }
    check_top_fields(body, *model, options);
    if (!options.counting) check_max_tokens(body, *model);
    check_small_fields(body);
    check_cache_mark(body, "");
    check_tools(body, *model);
    check_thinking(body, *model);
    check_output_config(body, *model);
    check_message_shapes(body, options);
    normalize(body);
    check_marks(body);
    const std::vector<WireTurn> turns = turns_of(body);
    check_conversation(body, turns, *model, options);
    check_bindings(body, turns, *model, {options.signing_key, options.prefix_check});
}

}  // namespace sim
