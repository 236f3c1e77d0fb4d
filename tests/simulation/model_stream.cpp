// The model's replies on the wire: events, what each of them costs, and how they break off.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/simulation/model.hpp"

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

struct Event {
    std::string text;
    std::int64_t tokens = 0;  // That it makes of the reply.
};

std::string text_of_event(const Json& event) {
    return "event: " + event.at("type").get<std::string>() + "\ndata: " + base::to_text(event) +
           "\n\n";
}

void add_block(std::vector<Event>& events, std::size_t index, const Json& block,
               std::string_view input) {
    const std::string type = block.at("type");
    Json start = block;
    std::vector<std::pair<Json, std::size_t>> deltas;  // With the bytes that they say.
    if (type == "text") {
        const std::string text = block.at("text");
        start["text"] = "";
        if (!text.empty())
            deltas.push_back({{{"type", "text_delta"}, {"text", text}}, text.size()});
    } else if (type == "thinking") {
        const std::string thinking = block.at("thinking");
        start["thinking"] = "";
        start["signature"] = "";
        deltas.push_back({{{"type", "thinking_delta"}, {"thinking", thinking}}, thinking.size()});
        deltas.push_back({{{"type", "signature_delta"}, {"signature", block.at("signature")}}, 0});
    } else {
        start["input"] = Json::object();
        const std::size_t half = input.size() / 2;
        for (const std::string_view part : {input.substr(0, half), input.substr(half)}) {
            deltas.push_back({{{"type", "input_json_delta"}, {"partial_json", part}}, part.size()});
        }
    }
    events.push_back({text_of_event(
        {{"type", "content_block_start"}, {"index", index}, {"content_block", std::move(start)}})});
    for (auto& [delta, bytes] : deltas) {
        events.push_back(
            {text_of_event(
                 {{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}}),
             static_cast<std::int64_t>(bytes / 4)});
    }
    events.push_back({text_of_event({{"type", "content_block_stop"}, {"index", index}})});
}

std::vector<Event> events_of(const Json& content, const std::vector<std::string>& inputs,
                             bool is_cut) {
    std::vector<Event> events;
    std::size_t calls = 0;
    for (std::size_t i = 0; i < content.size(); ++i) {
        std::string_view input;
        if (content[i].at("type") == "tool_use") input = inputs.at(calls++);
        if (is_cut && i + 1 == content.size()) input = input.substr(0, input.size() / 2);
        add_block(events, i, content[i], input);
    }
    return events;
}

}  // namespace

// What it read before, a visit's newest prompt, is in the cache, mostly; the rest goes there.
catalog::TokenCounts Model::prompt_tokens(const Talks::Question& question, std::size_t bytes) {
    const std::int64_t all = Money::tokens_of(bytes);
    if (question.is_rating || question.visit == nullptr) return {.input = all};
    std::int64_t& known = cached_[question.visit->id];
    const std::int64_t read = dice_.chance(0.05) ? 0 : std::min(known, all);
    known = all;
    return {
        .input = 10, .cache_write = std::max<std::int64_t>(0, all - read - 10), .cache_read = read};
}

Reply Model::stream(const Talks::Question& question, const Spoken& spoken, std::size_t bytes,
                    int tokens_max) {
    const catalog::TokenCounts prompt = prompt_tokens(question, bytes);
    std::vector<Event> events = events_of(spoken.said.content, spoken.said.inputs, spoken.is_cut);
    std::int64_t seen = 0;
    for (const Event& event : events) seen += event.tokens;
    // Besides what is seen there is thinking that is not.
    const std::int64_t unseen = dice_.between(0, std::max(0, tokens_max - static_cast<int>(seen)));
    const std::int64_t output = std::max<std::int64_t>(1, seen + unseen);
    events.insert(events.begin(),
                  {text_of_event({{"type", "message_start"},
                                  {"message",
                                   {{"id", fmt::format("msg_{}", next_id_++)},
                                    {"type", "message"},
                                    {"role", "assistant"},
                                    {"model", question.model},
                                    {"content", Json::array()},
                                    {"stop_reason", nullptr},
                                    {"usage",
                                     {{"input_tokens", prompt.input},
                                      {"cache_creation_input_tokens", prompt.cache_write},
                                      {"cache_read_input_tokens", prompt.cache_read},
                                      {"output_tokens", 0}}}}}})});
    events.push_back(
        {text_of_event(
             {{"type", "message_delta"},
              {"delta", {{"stop_reason", spoken.stop_reason}, {"stop_sequence", nullptr}}},
              {"usage", {{"output_tokens", output}}}}),
         output - seen});
    events.push_back({text_of_event({{"type", "message_stop"}})});
    Reply reply{.headers = {{"content-type", "text/event-stream; charset=utf-8"}},
                .takes = dice_.time(100ms, profile_.model_pace)};
    const std::string visit = question.visit ? question.visit->id : std::string();
    const double factor = profile_.sabotage == Sabotage::bills_more ? 3 : 1;
    const double per_token = factor * money_.cost(question.model, {.output = 1}, visit);
    for (Event& event : events) {
        reply.pieces.push_back({dice_.time(5ms, 300ms), std::move(event.text),
                                per_token * static_cast<double>(event.tokens)});
    }
    reply.pieces.front().usd += factor * money_.cost(question.model, prompt, visit);
    reply.bill = [this, visit](double usd) { money_.bill(visit, usd); };
    if (!network_.calm()) break_off(reply);
    return reply;
}

void Model::break_off(Reply& reply) {
    std::vector<Reply::Piece>& pieces = reply.pieces;
    const auto at = static_cast<std::size_t>(dice_.between(1, static_cast<int>(pieces.size()) - 1));
    if (dice_.chance(profile_.cut)) {
        pieces.resize(at);
        reply.end = Reply::End::reset;
    } else if (dice_.chance(profile_.silent_stream)) {
        pieces.resize(at);
        reply.end = Reply::End::silence;
    } else if (dice_.chance(profile_.error_event)) {
        pieces.resize(at);
        pieces.push_back(
            {dice_.time(5ms, 300ms),
             text_of_event(
                 {{"type", "error"},
                  {"error", {{"type", "overloaded_error"}, {"message", "Overloaded"}}}})});
        reply.sound = false;
    } else if (dice_.chance(profile_.nonsense)) {
        // Nobody pays for what nobody can read.
        pieces.resize(at);
        pieces.push_back({dice_.time(5ms, 300ms),
                          "event: content_block_delta\ndata: {\"type\": \"content_bl\n\n"});
        reply.sound = false;
    }
}

}  // namespace simulation
