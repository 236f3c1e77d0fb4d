#include "clients/message.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::size_t message_blocks_max = 1'000;
constexpr std::size_t envelope_message_bytes_max = 300;

[[noreturn]] void fail_stream(const std::string& what) {
    throw base::Failure{base::Failure::Kind::unavailable,
                        "claude's reply broke: " + what + "; ask again"};
}

std::string_view text_member(const base::Json& object, std::string_view name) {
    if (!object.is_object()) return {};
    const auto member = object.find(name);
    if (member == object.end() || !member->is_string()) return {};
    return member->get_ref<const std::string&>();
}

const base::Json& object_member(const base::Json& object, std::string_view name) {
    static const base::Json none = base::Json::object();
    if (!object.is_object()) return none;
    const auto member = object.find(name);
    return member != object.end() && member->is_object() ? *member : none;
}

base::Failure::Kind kind_of_claude_error(std::string_view type, int status) {
    using Kind = base::Failure::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 10> kinds{{
        {"invalid_request_error", Kind::invalid},
        {"request_too_large", Kind::invalid},
        {"authentication_error", Kind::unauthenticated},
        {"billing_error", Kind::forbidden},
        {"permission_error", Kind::forbidden},
        {"not_found_error", Kind::missing},
        {"rate_limit_error", Kind::throttled},
        // The model's API answers conflicts of its own locks, which pass.
        {"conflict_error", Kind::unavailable},
        {"overloaded_error", Kind::unavailable},
        {"timeout_error", Kind::unavailable},
    }};
    if (status == 402) return Kind::forbidden;
    if (status == 409) return Kind::unavailable;
    if (status >= 400) return base::kind_of_status(status);
    for (const auto& [name, kind] : kinds) {
        if (name == type) return kind;
    }
    return Kind::unavailable;
}

std::string advice_of_claude_error(base::Failure::Kind kind) {
    using Kind = base::Failure::Kind;
    switch (kind) {
        case Kind::unauthenticated: return "; check ANTHROPIC_API_KEY";
        case Kind::forbidden:
            return "; check what the account of ANTHROPIC_API_KEY may do and its billing";
        case Kind::missing: return "; check the model's name and ANTHROPIC_BASE_URL";
        default: return {};
    }
}

// `{"a":1,"input":…}` with `raw` as the text of `input`; the order of the members stays.
std::string object_with_raw_input(const base::Json& object, std::string_view raw) {
    std::string text = "{";
    bool written = false;
    for (const auto& [key, value] : object.items()) {
        if (text.size() > 1) text += ',';
        text += base::to_text(base::Json(key)) + ':';
        if (key == "input") {
            text += raw;
            written = true;
        } else {
            text += base::to_text(value);
        }
    }
    if (!written) {
        if (text.size() > 1) text += ',';
        text += "\"input\":";
        text += raw;
    }
    return text + '}';
}

}  // namespace

base::Failure claude_failure(std::string_view envelope_text, int status) {
    const std::optional<base::Json> parsed = base::try_parse_json(envelope_text);
    const base::Json envelope = parsed.value_or(base::Json::object());
    const base::Json& error = object_member(envelope, "error");
    const std::string_view type = text_member(error, "type");
    const std::string_view detail = text_member(object_member(error, "details"), "error_code");
    const base::Failure::Kind kind = kind_of_claude_error(type, status);

    std::string reason = status >= 300 ? "claude answered " + std::to_string(status)
                                       : std::string{"claude's reply ended with an error"};
    if (!type.empty()) reason += " (" + base::clean_utf8(base::cut(type, 64)) + ")";
    // What is said about a refused key may repeat parts of it.
    if (kind != base::Failure::Kind::unauthenticated && kind != base::Failure::Kind::forbidden) {
        const std::string_view said = parsed ? text_member(error, "message") : envelope_text;
        const std::string words = base::clean_utf8(base::trim(said));
        if (!words.empty()) reason += ": " + base::cut(words, envelope_message_bytes_max);
    }
    const std::string code = base::clean_utf8(base::cut(detail.empty() ? type : detail, 64));
    return base::Failure{kind, reason + advice_of_claude_error(kind), code}.status(status);
}

MessageReader::MessageReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}

void MessageReader::on_event(const SseEvent& event) {
    if (finished_ || event.data.empty() || event.name == "ping") return;
    if (started_) {
        if (const auto plain = read_plain_delta(event.data)) return apply_plain(*plain);
    }
    const std::optional<base::Json> json = base::try_parse_json(event.data);
    if (!json || !json->is_object()) fail_stream("an event is no JSON object");
    const std::string_view type = json->contains("type") ? text_member(*json, "type") : event.name;
    if (type == "error") throw claude_failure(event.data, 200);
    if (type == "message_start") return start_message(*json);

    const bool known = type == "content_block_start" || type == "content_block_delta" ||
                       type == "content_block_stop" || type == "message_delta" ||
                       type == "message_stop";
    if (!known) return;
    if (!started_) fail_stream("it does not begin with message_start");
    if (type == "content_block_start") start_block(*json);
    if (type == "content_block_delta") apply_delta(*json);
    if (type == "content_block_stop") close_block(*json);
    if (type == "message_delta") read_message_delta(*json);
    if (type == "message_stop") finished_ = true;
}

void MessageReader::start_message(const base::Json& event) {
    if (started_) fail_stream("message_start came twice");
    started_ = true;
    const base::Json& message = object_member(event, "message");
    message_.id = text_member(message, "id");
    message_.model = text_member(message, "model");
    read_usage(object_member(message, "usage"));
}

void MessageReader::start_block(const base::Json& event) {
    const auto index = event.find("index");
    if (index == event.end() || !index->is_number_integer()) {
        fail_stream("a content block has no index");
    }
    const base::Json& start = object_member(event, "content_block");
    if (blocks_.size() >= message_blocks_max) fail_stream("it has too many content blocks");
    const auto [place, fresh] = blocks_.try_emplace(index->get<int>());
    if (!fresh) fail_stream("a content block began twice");
    Block& block = place->second;
    block.start = start;
    block.type = text_member(start, "type");
    if (block.type.empty()) fail_stream("a content block has no type");
    block.text = text_member(start, block.type == "thinking" ? "thinking" : "text");
    block.signature = text_member(start, "signature");
    if (const auto citations = start.find("citations");
        citations != start.end() && citations->is_array()) {
        block.citations = *citations;
    }
    grow(base::to_text(start).size());
}

MessageReader::Block& MessageReader::block_of(const base::Json& event) {
    const auto index = event.find("index");
    if (index == event.end() || !index->is_number_integer()) {
        fail_stream("a content block event has no index");
    }
    return begun_block(index->get<int>());
}

MessageReader::Block& MessageReader::begun_block(int index) {
    const auto block = blocks_.find(index);
    if (block == blocks_.end()) fail_stream("a content block goes on that never began");
    return block->second;
}

void MessageReader::apply_plain(const PlainDelta& delta) {
    Block& block = begun_block(delta.index);
    if (block.closed) fail_stream("a content block goes on after its end");
    std::string& text = delta.type == "input_json_delta" ? block.partial_json : block.text;
    grow(append_unescaped(text, delta.escaped));
}

void MessageReader::apply_delta(const base::Json& event) {
    Block& block = block_of(event);
    if (block.closed) fail_stream("a content block goes on after its end");
    const base::Json& delta = object_member(event, "delta");
    const std::string_view type = text_member(delta, "type");
    if (type == "text_delta") {
        block.text += text_member(delta, "text");
        grow(text_member(delta, "text").size());
    } else if (type == "thinking_delta") {
        block.text += text_member(delta, "thinking");
        grow(text_member(delta, "thinking").size());
    } else if (type == "signature_delta") {
        block.signature = text_member(delta, "signature");
        grow(block.signature.size());
    } else if (type == "input_json_delta") {
        block.partial_json += text_member(delta, "partial_json");
        grow(text_member(delta, "partial_json").size());
    } else if (type == "citations_delta" && delta.contains("citation")) {
        if (!block.citations.is_array()) block.citations = base::Json::array();
        grow(base::to_text(delta["citation"]).size());
        block.citations.push_back(delta["citation"]);
    }
}

void MessageReader::close_block(const base::Json& event) {
    block_of(event).closed = true;
}

void MessageReader::read_message_delta(const base::Json& event) {
    const base::Json& delta = object_member(event, "delta");
    if (const std::string_view reason = text_member(delta, "stop_reason"); !reason.empty()) {
        message_.stop_reason = reason;
    }
    const base::Json& details = object_member(delta, "stop_details");
    if (const std::string_view category = text_member(details, "category"); !category.empty()) {
        message_.refusal_category = category;
    }
    read_usage(object_member(event, "usage"));
}

void MessageReader::read_usage(const base::Json& usage) {
    // Counters are cumulative: a later one replaces the earlier, and null says nothing.
    const auto overwrite = [&usage](std::string_view name, std::int64_t& counter) {
        const auto member = usage.find(name);
        if (member == usage.end() || !member->is_number_integer()) return;
        counter = std::max<std::int64_t>(member->get<std::int64_t>(), 0);
    };
    overwrite("input_tokens", message_.tokens.input);
    overwrite("output_tokens", message_.tokens.output);
    overwrite("cache_creation_input_tokens", message_.tokens.cache_write);
    overwrite("cache_read_input_tokens", message_.tokens.cache_read);
}

void MessageReader::grow(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > bytes_max_) {
        fail_stream("it is larger than " + std::to_string(bytes_max_) + " bytes");
    }
}

Message MessageReader::take() {
    if (!finished_) fail_stream("the stream ended before message_stop");
    message_.content_json = "[";
    for (const auto& [index, block] : blocks_) append_block(block);
    message_.content_json += ']';
    blocks_.clear();
    return std::move(message_);
}

void MessageReader::append_block(const Block& block) {
    std::string text;
    if (block.type == "text") {
        // The API refuses blank text blocks in a request, though it may answer some.
        if (base::trim(block.text).empty()) return;
        base::Json whole = block.start;
        whole["text"] = block.text;
        if (block.citations.is_array()) whole["citations"] = block.citations;
        text = base::to_text(whole);
        if (!message_.text.empty()) message_.text += "\n\n";
        message_.text += block.text;
    } else if (block.type == "thinking") {
        base::Json whole = block.start;
        whole["thinking"] = block.text;
        whole["signature"] = block.signature;
        text = base::to_text(whole);
    } else if (block.type == "tool_use") {
        return append_tool_use(block);
    } else if (!block.partial_json.empty()) {
        const bool whole = base::try_parse_json(block.partial_json).has_value();
        text = object_with_raw_input(block.start, whole ? block.partial_json : "{}");
    } else {
        text = base::to_text(block.start);
    }
    if (message_.content_json.size() > 1) message_.content_json += ',';
    message_.content_json += text;
}

void MessageReader::append_tool_use(const Block& block) {
    ToolUse use;
    use.id = text_member(block.start, "id");
    use.name = text_member(block.start, "name");
    if (use.id.empty() || !tool_ids_.insert(use.id).second) {
        fail_stream("a tool call has no id of its own");
    }
    const auto given = block.start.find("input");
    use.input_json = block.partial_json;
    if (base::trim(use.input_json).empty()) {
        const bool whole = given != block.start.end() && given->is_object();
        use.input_json = whole ? base::to_text(*given) : "{}";
    }
    // A block that the token limit cut has no end of its own; it may even look whole.
    const bool cut = !block.closed && message_.stop_reason != "tool_use";
    std::optional<base::Json> input = base::try_parse_json(use.input_json);
    use.valid = !cut && input && input->is_object();
    use.input = use.valid ? std::move(*input) : base::Json::object();

    if (message_.content_json.size() > 1) message_.content_json += ',';
    message_.content_json +=
        object_with_raw_input(block.start, use.valid ? std::string_view{use.input_json} : "{}");
    message_.tool_uses.push_back(std::move(use));
}

}  // namespace clients
