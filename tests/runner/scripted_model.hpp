// A model that says what the test wrote down, on the Messages API's wire. Unscripted main turns end
// the day with a sentence; unscripted ratings give every module that was asked for a 4.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/server.hpp"

namespace runner_tests {

inline base::Json text_block(const std::string& text) {
    return base::Json{{"type", "text"}, {"text", text}};
}

// `input_text` goes out as it stands, so that it may be cut off.
inline base::Json call_block(const std::string& id, const std::string& tool,
                             const std::string& input_text = "{}") {
    return base::Json{{"type", "tool_use"}, {"id", id}, {"name", tool}, {"text", input_text}};
}

inline std::string model_event(const base::Json& event) {
    return "event: " + event.at("type").get<std::string>() + "\ndata: " + base::to_text(event) +
           "\n\n";
}

inline std::string model_block(std::size_t index, const base::Json& block) {
    const bool call = block.at("type") == "tool_use";
    base::Json start{{"type", block.at("type")}};
    base::Json delta{{"type", call ? "input_json_delta" : "text_delta"}};
    if (call) {
        start["id"] = block.at("id");
        start["name"] = block.at("name");
        start["input"] = base::Json::object();
        delta["partial_json"] = block.at("text");
    } else {
        start["text"] = "";
        delta["text"] = block.at("text");
    }
    return model_event(
               {{"type", "content_block_start"}, {"index", index}, {"content_block", start}}) +
           model_event({{"type", "content_block_delta"}, {"index", index}, {"delta", delta}}) +
           model_event({{"type", "content_block_stop"}, {"index", index}});
}

// One whole reply; `category` only with a refusal.
inline base::ServerResponse model_reply(const std::vector<base::Json>& blocks,
                                        const std::string& stop_reason = "end_turn",
                                        const std::string& model = "claude-sonnet-5-5") {
    std::string text = model_event({{"type", "message_start"},
                                    {"message",
                                     {{"id", "msg_1"},
                                      {"type", "message"},
                                      {"role", "assistant"},
                                      {"model", model},
                                      {"content", base::Json::array()},
                                      {"stop_reason", nullptr},
                                      {"usage", {{"input_tokens", 100}, {"output_tokens", 1}}}}}});
    for (std::size_t i = 0; i < blocks.size(); ++i) text += model_block(i, blocks[i]);
    text += model_event({{"type", "message_delta"},
                         {"delta", {{"stop_reason", stop_reason}, {"stop_sequence", nullptr}}},
                         {"usage", {{"output_tokens", 10}}}});
    text += model_event({{"type", "message_stop"}});
    base::ServerResponse response;
    response.content_type = "text/event-stream; charset=utf-8";
    response.body = text;
    return response;
}

inline base::ServerResponse model_calls(const std::vector<base::Json>& blocks) {
    return model_reply(blocks, "tool_use");
}

inline base::ServerResponse model_error(int status, const std::string& type,
                                        const std::string& message) {
    return base::ServerResponse::json(
        {{"type", "error"}, {"error", {{"type", type}, {"message", message}}}}, status);
}

// Any thread.
class ScriptedModel {
  public:
    ScriptedModel() : server_({.name = "scripted model", .threads_max = 128}) {
        server_.route("POST", "/v1/messages",
                      [this](const base::ServerRequest& request) { return serve(request); });
        server_.start();
    }
    ScriptedModel(const ScriptedModel&) = delete;
    ScriptedModel& operator=(const ScriptedModel&) = delete;
    ~ScriptedModel() {
        release();
        server_.stop();
    }

    std::string url() const { return server_.url(); }
    void then(base::ServerResponse reply) {
        const std::lock_guard lock(mutex_);
        turns_.push_back(std::move(reply));
    }
    void then_rating(base::ServerResponse reply) {
        const std::lock_guard lock(mutex_);
        ratings_.push_back(std::move(reply));
    }
    // Main turns whose request contains `match` wait until release().
    void hold(std::string match = "Du bist") {
        const std::lock_guard lock(mutex_);
        held_ = std::move(match);
    }
    void release() {
        {
            const std::lock_guard lock(mutex_);
            held_.clear();
        }
        released_.notify_all();
    }
    int waiting() const {
        const std::lock_guard lock(mutex_);
        return waiting_;
    }
    int most_waiting() const {
        const std::lock_guard lock(mutex_);
        return most_waiting_;
    }
    std::vector<base::Json> turns() const { return asked(false); }
    std::vector<base::Json> ratings() const { return asked(true); }

  private:
    static bool is_rating(const base::Json& body) { return body.at("model") == "claude-haiku-5-5"; }

    base::ServerResponse serve(const base::ServerRequest& request) {
        const base::Json body = request.json();
        const bool rating = is_rating(body);
        std::unique_lock lock(mutex_);
        seen_.push_back(body);
        if (!rating) {
            most_waiting_ = std::max(most_waiting_, ++waiting_);
            released_.wait_for(lock, std::chrono::seconds{30}, [&] {
                return held_.empty() || request.body.find(held_) == std::string::npos;
            });
            --waiting_;
        }
        std::deque<base::ServerResponse>& script = rating ? ratings_ : turns_;
        if (!script.empty()) {
            base::ServerResponse reply = std::move(script.front());
            script.pop_front();
            return reply;
        }
        return rating ? rate_everything(body) : model_reply({text_block("Das war mein Tag.")});
    }
    static base::ServerResponse rate_everything(const base::Json& body) {
        base::Json rows = base::Json::array();
        for (const char* module : {"todo", "notes"}) {
            rows.push_back(
                {{"module", module}, {"rating", 4}, {"notes", "gut"}, {"evidence", {1}}});
        }
        return model_reply({text_block(base::to_text({{"ratings", rows}}))}, "end_turn",
                           body.at("model"));
    }
    std::vector<base::Json> asked(bool rating) const {
        const std::lock_guard lock(mutex_);
        std::vector<base::Json> found;
        for (const base::Json& body : seen_) {
            if (is_rating(body) == rating) found.push_back(body);
        }
        return found;
    }

    mutable std::mutex mutex_;
    std::condition_variable released_;
    std::string held_;
    int waiting_ = 0, most_waiting_ = 0;
    std::deque<base::ServerResponse> turns_, ratings_;
    std::vector<base::Json> seen_;
    base::Server server_;
};

}  // namespace runner_tests
