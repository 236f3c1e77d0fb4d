#include "tests/simulation/model.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

constexpr std::string_view rating_model = "claude-haiku-5-5";
constexpr const char* rated_modules[] = {"todo", "notes", "mood"};

// Cache marks move from request to request; they are no content.
Json without_cache_marks(Json value) {
    if (value.is_object()) value.erase("cache_control");
    if (value.is_structured()) {
        for (auto& each : value) each = without_cache_marks(std::move(each));
    }
    return value;
}

// "Du bist anna. …" is how the auth service introduces her.
std::string persona_of(const Json& request) {
    const std::string text = request.at("system").at(0).at("text");
    const std::size_t start = std::string_view("Du bist ").size();
    return text.substr(start, text.find('.') - start);
}

std::string model_event(const Json& event) {
    return "event: " + event.at("type").get<std::string>() + "\ndata: " + base::to_text(event) +
           "\n\n";
}

bool is_empty_text(const Json& block) {
    return block.at("type") == "text" && block.at("text") == "";
}

// What of a reply is echoed: the runner leaves out empty text, which the API refuses back.
Json echo_of(const Json& content) {
    Json echo = Json::array();
    for (const Json& block : content) {
        if (!is_empty_text(block)) echo.push_back(block);
    }
    return echo;
}

}  // namespace

Model::Model(const Profile& profile, const Network& network, const AuthService& auth, Trace& trace,
             Referee& referee)
    : profile_(profile),
      network_(network),
      auth_(auth),
      trace_(trace),
      referee_(referee),
      dice_(profile.seed, 6) {}

// Every message that was there is there, then the reply of the last one, then answers to its calls.
void Model::check_history(Talk& talk, const Json& request, const std::string& who) {
    Json messages = without_cache_marks(request.at("messages"));
    Json system = without_cache_marks(request.at("system"));
    Json tools = without_cache_marks(request.value("tools", Json::array()));
    const auto wrong = [&](const std::string& what) {
        referee_.fail(Invariant::history_only_grows, who + ": " + what);
    };
    if (messages.size() == 1 && messages != talk.messages) {
        talk = {std::move(system), std::move(tools), std::move(messages), {}};
        return;
    }
    if (talk.messages.is_null()) return wrong("a day that starts in its middle");
    if (system != talk.system) wrong("system has changed");
    if (tools != talk.tools) wrong("tools have changed");
    const std::size_t before = talk.messages.size();
    if (messages.size() < before) return wrong("messages are missing");
    for (std::size_t i = 0; i < before; ++i) {
        if (messages[i] != talk.messages[i]) return wrong(fmt::format("message {} changed", i));
    }
    if (messages.size() == before) return;  // Asked again.
    const Json& echoed = messages[before];
    const bool known = std::any_of(talk.replies.begin(), talk.replies.end(), [&](const Json& one) {
        return echoed.at("role") == "assistant" && echoed.at("content") == echo_of(one);
    });
    // A reply that said nothing at all is not echoed.
    const bool skipped = std::any_of(talk.replies.begin(), talk.replies.end(),
                                     [](const Json& one) { return echo_of(one).empty(); });
    if (!known && !(skipped && echoed.at("role") == "user")) {
        wrong("the reply is echoed as " + base::to_text(echoed));
    }
    if (known && messages.size() > before + 1) {
        const Json& answers = messages[before + 1].at("content");
        std::size_t at = 0;
        for (const Json& block : echoed.at("content")) {
            if (block.at("type") != "tool_use") continue;
            const bool answered =
                at < answers.size() && answers[at].value("tool_use_id", Json()) == block.at("id");
            if (!answered) wrong("a tool call has no answer of its own");
            ++at;
        }
    }
    talk.messages = std::move(messages);
    talk.replies.clear();
}

void Model::check_right(const std::string& persona, Caller caller) {
    const KnownVisit* running = auth_.running_visit_of("user-" + persona);
    if (running == nullptr) return;
    const Caller owner = auth_.caller_of(running->runner);
    if (owner.node != caller.node) {
        referee_.fail(Invariant::one_visit_per_persona,
                      fmt::format("node{} lives a day of {}, whose visit runs on node{}",
                                  caller.node, persona, owner.node));
    }
}

Reply Model::serve(const base::HttpRequest& request, Caller caller) {
    const Json body = base::parse_json(request.body.text(), "request", 64);
    const std::string model = body.at("model");
    const std::string persona = persona_of(body);
    std::string stop_reason = "end_turn";
    bool cut_input = false;
    check_right(persona, caller);
    before_turn(caller, persona);
    if (model == rating_model) {
        const Json content = rate(persona, stop_reason);
        trace_.add("model: {} rates, {}", persona, stop_reason);
        return stream(content, stop_reason, model, false);
    }
    Talk& talk = talks_[{caller, persona}];
    check_history(talk, body, fmt::format("node{}.{} {}", caller.node, caller.life, persona));
    Json content = live(body, stop_reason, cut_input);
    trace_.add("model: {} {} blocks, {}", persona, content.size(), stop_reason);
    Reply reply = stream(content, stop_reason, model, cut_input);
    if (profile_.sabotage == Sabotage::history_rewritten && !content.empty()) {
        content[0]["signature"] = "another";
    }
    // An input that was cut off is no object: it is echoed as an empty one.
    if (cut_input) content.back()["input"] = Json::object();
    talk.replies.push_back(std::move(content));
    return reply;
}

Json Model::live(const Json& request, std::string& stop_reason, bool& cut_input) {
    Json content = Json::array();
    if (dice_.chance(0.3)) {
        content.push_back({{"type", "thinking"},
                           {"thinking", "Ich überlege …"},
                           {"signature", fmt::format("sig{}", next_id_)}});
    }
    if (!network_.calm() && dice_.chance(profile_.refusal)) {
        stop_reason = "refusal";
        return content;
    }
    if (dice_.chance(0.02)) {
        stop_reason = "end_turn";  // Nothing said, nothing done.
        return content;
    }
    if (dice_.chance(0.5)) content.push_back({{"type", "text"}, {"text", "Los geht’s."}});
    if (dice_.chance(0.03)) content.push_back({{"type", "text"}, {"text", ""}});
    if (dice_.chance(0.04)) {
        content.push_back({{"type", "text"}, {"text", "Kurz warten."}});
        stop_reason = "pause_turn";
        return content;
    }
    const bool first = request.at("messages").size() == 1;
    const int calls = first ? dice_.between(1, 3) : dice_.between(0, 2);
    for (int i = 0; i < calls; ++i) {
        // The API's names of tools are the request's business: one of those it offers.
        const Json& tools = request.at("tools");
        std::string name =
            tools[static_cast<std::size_t>(dice_.between(0, static_cast<int>(tools.size()) - 1))]
                .at("name");
        if (dice_.chance(0.05)) name = "gibt_es_nicht";
        content.push_back({{"type", "tool_use"},
                           {"id", fmt::format("toolu_{}", next_id_++)},
                           {"name", name},
                           {"input", {{"title", fmt::format("Nr. {}", dice_.between(1, 99))}}}});
    }
    if (calls == 0) {
        content.push_back({{"type", "text"}, {"text", "Das war mein Tag."}});
        return content;
    }
    stop_reason = "tool_use";
    if (dice_.chance(0.04)) {
        stop_reason = "max_tokens";
        cut_input = true;
    }
    return content;
}

Json Model::rate(const std::string& persona, std::string& stop_reason) {
    GivenScores given{.persona = persona};
    Json content = Json::array();
    const double kind = dice_.random().number01();
    std::string text;
    if (kind < 0.06) {
        stop_reason = "refusal";
        given.refused = true;
        text = "Dazu sage ich nichts.";
    } else if (kind < 0.14) {
        text = "Alles war schön, ich gebe gern Bestnoten.";
    } else {
        Json rows = Json::array();
        for (const char* module : rated_modules) {
            if (dice_.chance(0.1)) continue;  // Left out.
            const int score = dice_.between(1, 5);
            Json row{{"module", module}, {"rating", score}, {"notes", "so"}, {"evidence", {1}}};
            if (dice_.chance(0.08)) {
                row["rating"] = dice_.chance(0.5) ? Json(7) : Json("gut");  // No score at all.
            } else {
                given.scores[module] = score;
            }
            rows.push_back(std::move(row));
        }
        text = base::to_text(Json{{"ratings", std::move(rows)}});
        if (dice_.chance(0.2)) text = "Hier, bitte:\n```json\n" + text + "\n```";
    }
    if (profile_.sabotage == Sabotage::scores_from_nowhere) given.scores.clear();
    given_.push_back(std::move(given));
    content.push_back({{"type", "text"}, {"text", text}});
    return content;
}

// --- the wire -----------------------------------------------------------------------------------

namespace {

void add_block(std::vector<std::string>& events, std::size_t index, const Json& block,
               bool cut_input) {
    const std::string type = block.at("type");
    Json start = block;
    std::vector<Json> deltas;
    if (type == "text") {
        start["text"] = "";
        if (block.at("text") != "") {
            deltas.push_back({{"type", "text_delta"}, {"text", block.at("text")}});
        }
    } else if (type == "thinking") {
        start["thinking"] = "";
        start["signature"] = "";
        deltas.push_back({{"type", "thinking_delta"}, {"thinking", block.at("thinking")}});
        deltas.push_back({{"type", "signature_delta"}, {"signature", block.at("signature")}});
    } else {
        std::string input = base::to_text(block.at("input"));
        if (cut_input) input.resize(input.size() / 2);
        start["input"] = Json::object();
        const std::size_t half = input.size() / 2;
        deltas.push_back({{"type", "input_json_delta"}, {"partial_json", input.substr(0, half)}});
        deltas.push_back({{"type", "input_json_delta"}, {"partial_json", input.substr(half)}});
    }
    events.push_back(model_event(
        {{"type", "content_block_start"}, {"index", index}, {"content_block", std::move(start)}}));
    for (Json& delta : deltas) {
        events.push_back(model_event(
            {{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}}));
    }
    events.push_back(model_event({{"type", "content_block_stop"}, {"index", index}}));
}

}  // namespace

Reply Model::stream(const Json& content, const std::string& stop_reason, const std::string& model,
                    bool cut_input) {
    std::vector<std::string> events;
    events.push_back(model_event({{"type", "message_start"},
                                  {"message",
                                   {{"id", fmt::format("msg_{}", next_id_++)},
                                    {"type", "message"},
                                    {"role", "assistant"},
                                    {"model", model},
                                    {"content", Json::array()},
                                    {"stop_reason", nullptr},
                                    {"usage", {{"input_tokens", 900}, {"output_tokens", 1}}}}}}));
    for (std::size_t i = 0; i < content.size(); ++i) {
        add_block(events, i, content[i], cut_input && i + 1 == content.size());
    }
    events.push_back(
        model_event({{"type", "message_delta"},
                     {"delta", {{"stop_reason", stop_reason}, {"stop_sequence", nullptr}}},
                     {"usage", {{"output_tokens", 40}}}}));
    events.push_back(model_event({{"type", "message_stop"}}));
    Reply reply{.headers = {{"content-type", "text/event-stream; charset=utf-8"}},
                .takes = dice_.time(100ms, profile_.model_pace)};
    if (!network_.calm()) {
        const auto at =
            static_cast<std::size_t>(dice_.between(1, static_cast<int>(events.size()) - 1));
        if (dice_.chance(profile_.cut)) {
            events.resize(at);
            reply.end = Reply::End::reset;
        } else if (dice_.chance(profile_.silent_stream)) {
            events.resize(at);
            reply.end = Reply::End::silence;
        } else if (dice_.chance(profile_.error_event)) {
            events.resize(at);
            events.push_back(model_event(
                {{"type", "error"},
                 {"error", {{"type", "overloaded_error"}, {"message", "Overloaded"}}}}));
        } else if (dice_.chance(profile_.nonsense)) {
            events[at] = "event: content_block_delta\ndata: {\"type\": \"content_bl\n\n";
        }
    }
    for (std::string& event : events) {
        reply.pieces.push_back({dice_.time(5ms, 300ms), std::move(event)});
    }
    return reply;
}

}  // namespace simulation
