// Faults of the message: what it says and why it ends.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "sim/binding.hpp"
#include "sim/fault_effects.hpp"
#include "sim/filling.hpp"
#include "sim/model.hpp"
#include "sim/reply.hpp"
#include "sim/usage.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::string_view effect_sentence = "Schöne Grüße, ich überlege noch; „später“ mehr. ";
constexpr std::string_view effect_progress = "Als Nächstes räume ich die Übersicht auf.";

// A message under the knife.
class MessageBender {
  public:
    MessageBender(base::Json& message, const EffectContext& context)
        : message_(message),
          content_(message["content"]),
          context_(context),
          dice_(context.dice),
          reading_(read_conversation(context.body)) {}

    base::Json& content() { return content_; }

    bool thinks() const {
        return std::any_of(content_.begin(), content_.end(),
                           [](const base::Json& block) { return is_thinking(block); });
    }
    void end(std::string_view reason) { message_["stop_reason"] = reason; }
    void drop(auto predicate) {
        std::erase_if(content_.get_ref<base::Json::array_t&>(), predicate);
    }
    void drop_thinking() {
        drop([](const auto& block) { return is_thinking(block); });
    }
    static base::Json text(std::string_view words) {
        return {{"type", "text"}, {"text", words}, {"citations", nullptr}};
    }
    static base::Json novelty() { return {{"type", "sim_novelty"}, {"payload", {{"number", 7}}}}; }
    // Signed behind the thinking that the message holds already.
    base::Json thinking(std::string_view words, bool redacted = false) {
        std::string before;
        for (const base::Json& block : content_) {
            if (!is_thinking(block)) continue;
            before = text_member(block, type_of(block) == "thinking" ? "signature" : "data");
        }
        const std::string signature =
            sign_thinking(context_.body, context_.model, redacted ? redacted_text : words,
                          context_.signing_key, before);
        if (redacted) return {{"type", "redacted_thinking"}, {"data", signature}};
        return {{"type", "thinking"}, {"thinking", words}, {"signature", signature}};
    }
    // A call of one of the request's tools, preferably one that only looks.
    base::Json call(std::size_t number) {
        std::vector<const ToolOffer*> offers;
        for (const ToolOffer& offer : reading_.tools) {
            if (offer.verb == Verb::look && !offer.needs_id) offers.push_back(&offer);
        }
        if (offers.empty()) {
            for (const ToolOffer& offer : reading_.tools) offers.push_back(&offer);
        }
        const ToolOffer& offer = *offers[number % offers.size()];
        return {{"type", "tool_use"},
                {"id", make_call_id(thinks())},
                {"name", offer.name},
                {"input", fill_arguments(offer, reading_, Care::careful, dice_)},
                {"caller", {{"type", "direct"}}}};
    }
    bool calls() const {
        return std::any_of(content_.begin(), content_.end(),
                           [](const base::Json& block) { return type_of(block) == "tool_use"; });
    }
    // Only calls, so many of them.
    void only_calls(std::size_t count) {
        drop([](const auto& block) { return !is_thinking(block); });
        for (std::size_t at = 0; at < count; ++at) content_.push_back(call(at));
        end("tool_use");
    }
    // Only what was thought and such a text.
    void only_text(std::string_view words) {
        drop([](const auto& block) { return !is_thinking(block); });
        content_.push_back(text(words));
        end("end_turn");
    }
    void refuse_politely() {
        end("refusal");
        message_["stop_details"] = {{"type", "refusal"},
                                    {"category", "general_harms"},
                                    {"explanation", "Asked for by the test."}};
    }
    // What the schema of the structured output lists as words, in capitals.
    void capitalise_words() {
        const base::Json* schema = &context_.body;
        for (const char* member : {"output_config", "format", "schema"}) {
            if (!schema->is_object() || !schema->contains(member)) return;
            schema = &(*schema)[member];
        }
        std::set<std::string> words;
        collect_words(*schema, words);
        for (base::Json& block : content_) {
            if (type_of(block) != "text") continue;
            auto said = base::try_parse_json(text_member(block, "text"));
            if (!said) continue;
            capitalise(*said, words);
            block["text"] = base::to_text(*said);
        }
    }
    void count_tokens() {
        message_["usage"]["output_tokens"] = output_tokens(content_, context_.model);
    }

    // Thinking in front of every other block.
    void interleave() {
        const base::Json plain = std::move(content_);
        content_ = base::Json::array();
        for (const base::Json& block : plain) {
            if (is_thinking(block)) continue;
            content_.push_back(thinking({}));
            content_.push_back(block);
            // Its id tells that thinking belongs to it.
            if (type_of(block) == "tool_use") content_.back()["id"] = make_call_id(true);
        }
        if (content_.empty()) content_.push_back(thinking({}));
    }

  private:
    static void collect_words(const base::Json& schema, std::set<std::string>& words) {
        if (schema.is_object() && schema.contains("enum") && schema["enum"].is_array()) {
            for (const base::Json& word : schema["enum"]) {
                if (word.is_string()) words.insert(word.get<std::string>());
            }
        }
        for (const base::Json& inner : schema) {
            if (inner.is_structured()) collect_words(inner, words);
        }
    }
    static void capitalise(base::Json& value, const std::set<std::string>& words) {
        for (base::Json& inner : value) {
            if (inner.is_structured()) capitalise(inner, words);
            if (!inner.is_string() || !words.contains(inner.get<std::string>())) continue;
            std::string word = inner.get<std::string>();
            for (char& letter : word) {
                if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
            }
            inner = word;
        }
    }

    base::Json& message_;
    base::Json& content_;
    const EffectContext& context_;
    Dice dice_;
    const Reading reading_;
};

void effect_thinking(MessageBender& bender, FaultKind kind) {
    base::Json& content = bender.content();
    if (kind == FaultKind::thinking_interleaved) return bender.interleave();
    if (kind == FaultKind::thinking_progress) {
        bender.drop_thinking();
        bender.only_calls(0);
        content.push_back(bender.thinking({}));
        content.push_back(bender.call(0));
        content.push_back(bender.thinking(effect_progress));
        content.push_back(bender.call(1));
        return;
    }
    bender.drop_thinking();
    for (base::Json& block : content) {
        if (type_of(block) == "tool_use") block["id"] = make_call_id(true);
    }
    content.insert(content.begin(), bender.thinking({}, kind == FaultKind::thinking_redacted));
}

std::string effect_long_text(std::size_t bytes) {
    std::string text;
    text.reserve(bytes + effect_sentence.size());
    while (text.size() < bytes) text += effect_sentence;
    while ((static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
    text.resize(bytes);
    return text;
}

void effect_calls(MessageBender& bender, const Fault& fault) {
    bender.only_calls(fault.kind == FaultKind::calls ? static_cast<std::size_t>(fault.value) : 1);
    const bool bare = fault.kind == FaultKind::input_none || fault.kind == FaultKind::input_empty;
    if (bare) bender.content().back()["input"] = base::Json::object();
}

}  // namespace

void bend_message(base::Json& message, const Fault& fault, const EffectContext& context) {
    MessageBender bender(message, context);
    base::Json& content = bender.content();
    switch (fault.kind) {
        case FaultKind::unknown_block: content.insert(content.begin(), bender.novelty()); break;
        case FaultKind::unknown_stop: bender.end("sim_unheard_of"); break;
        case FaultKind::cut_utf8: bender.only_text(effect_sentence); break;
        case FaultKind::big_text:
            bender.only_text(effect_long_text(static_cast<std::size_t>(fault.value)));
            break;
        case FaultKind::calls:
        case FaultKind::input_none:
        case FaultKind::input_empty:
        case FaultKind::input_in_start:
        case FaultKind::input_cut:
        case FaultKind::input_invalid: effect_calls(bender, fault); break;
        case FaultKind::error:
        case FaultKind::cut:
        case FaultKind::cut_frame:
        case FaultKind::close:
        case FaultKind::end:
        case FaultKind::silence:
            // "input" names a place that must exist.
            if (fault.place == Fault::Place::input && !bender.calls() &&
                context.body.contains("tools")) {
                bender.only_calls(1);
            }
            break;
        case FaultKind::empty:
            content = base::Json::array();
            bender.end("end_turn");
            break;
        case FaultKind::refusal:
            content = base::Json::array();
            bender.refuse_politely();
            break;
        case FaultKind::refusal_mid:
            bender.only_text(effect_sentence);
            bender.refuse_politely();
            break;
        case FaultKind::pause_turn:
            bender.drop([](const auto& block) { return !is_thinking(block); });
            content.push_back({{"type", "server_tool_use"},
                               {"id", "srv" + make_call_id(false)},
                               {"name", "web_search"},
                               {"input", {{"query", "Wetter"}}}});
            bender.end("pause_turn");
            break;
        case FaultKind::context_full:
            bender.only_text(effect_sentence);
            bender.end("model_context_window_exceeded");
            break;
        case FaultKind::thinking_empty:
        case FaultKind::thinking_redacted:
        case FaultKind::thinking_interleaved:
        case FaultKind::thinking_progress: effect_thinking(bender, fault.kind); break;
        case FaultKind::enum_case: bender.capitalise_words(); break;
        default: return;  // Faults of events, bytes and connections.
    }
    bender.count_tokens();
}

}  // namespace sim
