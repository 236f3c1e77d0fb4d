#include "sim/claude.hpp"

#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;
using std::chrono::milliseconds;

class ClaudeWire : public testing::Test {
  protected:
    void begin(sim::SimOptions options = {}) {
        options.pacing = milliseconds(0);
        claude_ = std::make_unique<sim::Claude>(std::move(options), clock_);
        claude_->start();
    }

    base::HttpRequest request(const std::string& path, const Json& body) const {
        base::HttpRequest one{.method = "POST", .url = claude_->url() + path};
        one.headers = {{"x-api-key", "sk-sim-test"},
                       {"anthropic-version", "2026-10-21"},
                       {"content-type", "application/json"}};
        one.body = body.dump();
        one.deadline = milliseconds(10'000);
        return one;
    }

    base::HttpResponse ask(const Json& body, const std::string& fault = {}) const {
        base::HttpRequest one = request("/v1/messages", body);
        if (!fault.empty()) one.headers.emplace_back("x-sim-fault", fault);
        return base::fetch(one);
    }

    static Json streamed(Json body) {
        body["stream"] = true;
        return body;
    }

    static Json visit() {
        return sim_tests::visit_body("Du bist Anna. todo 0.5, notes 0.5",
                                     "Es ist der 21. November 2026.");
    }

    static std::string error_type(const base::HttpResponse& response) {
        return Json::parse(response.body)["error"]["type"];
    }

    base::SystemClock clock_;
    std::unique_ptr<sim::Claude> claude_;
};

TEST_F(ClaudeWire, answers_whole_and_streamed) {
    begin();
    const base::HttpResponse whole = ask(visit());
    ASSERT_EQ(whole.status, 200) << whole.body;
    const Json message = Json::parse(whole.body);
    EXPECT_EQ(message["type"], "message");
    EXPECT_EQ(message["content"][0]["type"], "thinking");
    EXPECT_EQ(message["stop_reason"], "tool_use");
    EXPECT_GT(message["usage"]["output_tokens"].get<int>(), 60);
    EXPECT_TRUE(whole.header("request-id").starts_with("req_"));
    EXPECT_FALSE(whole.header("anthropic-ratelimit-requests-remaining").empty());

    const base::HttpResponse stream = ask(streamed(visit()));
    EXPECT_TRUE(stream.header("content-type").starts_with("text/event-stream"));
    EXPECT_TRUE(stream.body.starts_with("event: message_start\n"));
    EXPECT_TRUE(stream.body.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
    EXPECT_NE(stream.body.find("event: ping"), std::string::npos);
    EXPECT_NE(stream.body.find("\"signature_delta\""), std::string::npos);
    EXPECT_NE(stream.body.find("\"input_json_delta\""), std::string::npos);
}

TEST_F(ClaudeWire, refuses_bad_transport) {
    begin();
    base::HttpRequest one = request("/v1/messages", visit());
    const auto status_with = [&](const std::string& name, const std::string& value) {
        base::HttpRequest changed = one;
        for (auto& header : changed.headers) {
            if (header.first == name) header.second = value;
        }
        return base::fetch(changed).status;
    };
    EXPECT_EQ(status_with("x-api-key", "sk-sim-forbidden"), 403);
    EXPECT_EQ(status_with("x-api-key", "sk-sim-invalid"), 401);
    EXPECT_EQ(status_with("anthropic-version", "2020-01-01"), 400);
    EXPECT_EQ(status_with("content-type", "text/plain"), 400);
    base::HttpRequest bare = one;
    bare.headers = {{"content-type", "application/json"}};
    const base::HttpResponse keyless = base::fetch(bare);
    EXPECT_EQ(keyless.status, 401);
    EXPECT_EQ(error_type(keyless), "authentication_error");
    EXPECT_EQ(Json::parse(keyless.body)["request_id"].get<std::string>(),
              keyless.header("request-id"));
    base::HttpRequest beta = one;
    beta.headers.emplace_back("anthropic-beta", "nonsense-2020-01-01");
    EXPECT_EQ(base::fetch(beta).status, 400);
    base::HttpRequest lost = one;
    lost.url = claude_->url() + "/v1/complete";
    EXPECT_EQ(base::fetch(lost).status, 404);
    EXPECT_EQ(error_type(base::fetch(lost)), "not_found_error");
    base::HttpRequest bearer = one;
    bearer.headers[0] = {"authorization", "Bearer sk-sim-test"};
    EXPECT_EQ(base::fetch(bearer).status, 200);
}

TEST_F(ClaudeWire, refuses_what_is_no_json) {
    begin();
    base::HttpRequest one = request("/v1/messages", visit());
    for (const char* text : {"{", "", "{\"model\":\"\xff\"}", R"({"model":"\ud83d"})"}) {
        one.body = text;
        const base::HttpResponse response = base::fetch(one);
        EXPECT_EQ(response.status, 400) << text;
        EXPECT_EQ(error_type(response), "invalid_request_error") << text;
    }
}

TEST_F(ClaudeWire, refuses_bodies_past_the_limit) {
    sim::SimOptions options;
    options.body_bytes_max = 2000;
    begin(std::move(options));
    Json body = sim_tests::minimal_body();
    body["messages"][0]["content"] = std::string(3000, 'a');
    const base::HttpResponse response = ask(body);
    EXPECT_EQ(response.status, 413);
}

TEST_F(ClaudeWire, counts_tokens_and_lists_models) {
    begin();
    Json body = visit();
    body.erase("max_tokens");
    const base::HttpResponse count = base::fetch(request("/v1/messages/count_tokens", body));
    ASSERT_EQ(count.status, 200) << count.body;
    const long counted = Json::parse(count.body)["input_tokens"];
    const Json usage = Json::parse(ask(visit()).body)["usage"];
    EXPECT_EQ(usage["input_tokens"].get<long>() + usage["cache_read_input_tokens"].get<long>() +
                  usage["cache_creation_input_tokens"].get<long>(),
              counted);

    base::HttpRequest get = request("/v1/models", Json::object());
    get.method = "GET";
    get.body = {};
    const Json list = Json::parse(base::fetch(get).body);
    EXPECT_GT(list["data"].size(), 15U);
    get.url = claude_->url() + "/v1/models/claude-haiku-5-5";
    EXPECT_EQ(Json::parse(base::fetch(get).body)["max_tokens"], 128'000);
    get.url = claude_->url() + "/v1/models/gpt-4";
    EXPECT_EQ(base::fetch(get).status, 404);
}

TEST_F(ClaudeWire, cache_serves_the_second_request) {
    begin();
    Json body = visit();
    body["system"][0]["text"] =
        body["system"][0]["text"].get<std::string>() + std::string(6000, 'x');
    body["system"][0]["cache_control"] = {{"type", "ephemeral"}};
    const Json first = Json::parse(ask(body).body)["usage"];
    const Json second = Json::parse(ask(body).body)["usage"];
    EXPECT_GT(first["cache_creation_input_tokens"].get<long>(), 2000);
    EXPECT_EQ(second["cache_read_input_tokens"], first["cache_creation_input_tokens"]);
}

TEST_F(ClaudeWire, same_seed_same_choices_and_unique_ids) {
    begin();
    std::set<std::string> ids;
    std::set<std::string> choices;
    for (int at = 0; at < 10; ++at) {
        Json message = Json::parse(ask(visit()).body);
        ids.insert(message["id"].get<std::string>());
        for (Json& block : message["content"]) {
            if (block.contains("id")) ids.insert(block["id"].get<std::string>());
            block.erase("id");
            block.erase("signature");
        }
        choices.insert(message["content"].dump());
    }
    EXPECT_EQ(choices.size(), 1U);
    EXPECT_GE(ids.size(), 20U);
}

TEST_F(ClaudeWire, statuses_on_request) {
    begin();
    const base::HttpResponse busy = ask(visit(), "status=529");
    EXPECT_EQ(busy.status, 529);
    EXPECT_EQ(error_type(busy), "overloaded_error");
    const base::HttpResponse limited = ask(visit(), "status=429;retry-after=7;should-retry=true");
    EXPECT_EQ(limited.header("retry-after"), "7");
    EXPECT_EQ(limited.header("x-should-retry"), "true");
    EXPECT_EQ(ask(visit(), "status=502;html").header("content-type").substr(0, 9), "text/html");
    EXPECT_EQ(ask(visit(), "nonsense").status, 400);
}

TEST_F(ClaudeWire, streams_break_where_asked) {
    begin();
    EXPECT_THROW(ask(streamed(visit()), "cut=3"), base::Failure);
    const base::HttpResponse ended = ask(streamed(visit()), "end=3");
    EXPECT_EQ(ended.body.find("message_stop"), std::string::npos);
    EXPECT_NE(ended.body.find("message_start"), std::string::npos);
    const base::HttpResponse failed = ask(streamed(visit()), "error=0");
    EXPECT_EQ(failed.status, 200);
    EXPECT_TRUE(failed.body.starts_with("event: error\n"));
    base::HttpRequest silent = request("/v1/messages", streamed(visit()));
    silent.headers.emplace_back("x-sim-fault", "silence=2");
    silent.deadline = milliseconds(300);
    EXPECT_THROW(base::fetch(silent), base::Failure);
}

TEST_F(ClaudeWire, queued_faults_strike_the_matching_request) {
    begin();
    base::HttpRequest rules =
        request("/sim/faults",
                Json::parse(R"({"faults":[{"fault":"status=500","match":"Anna","times":1}]})"));
    EXPECT_EQ(base::fetch(rules).status, 200);
    EXPECT_EQ(ask(sim_tests::minimal_body()).status, 200);
    EXPECT_EQ(ask(visit()).status, 500);
    EXPECT_EQ(ask(visit()).status, 200);
    rules.body = R"({"faults":[{"fault":"explode"}]})";
    EXPECT_EQ(base::fetch(rules).status, 400);
    rules.body = R"({"faults":[{"fault":"cut=1","when":"now"}]})";
    EXPECT_EQ(base::fetch(rules).status, 400);
}

TEST_F(ClaudeWire, limits_refuse_by_themselves) {
    sim::SimOptions options;
    options.limits.requests_per_minute = 2;
    begin(std::move(options));
    EXPECT_EQ(ask(visit()).status, 200);
    EXPECT_EQ(ask(visit()).status, 200);
    const base::HttpResponse third = ask(visit());
    EXPECT_EQ(third.status, 429);
    EXPECT_FALSE(third.header("retry-after").empty());
    // Each model has limits of its own, as clients that pace by model expect.
    Json of_another_model = visit();
    of_another_model["model"] = "claude-sonnet-5";
    const base::HttpResponse other = ask(of_another_model);
    EXPECT_EQ(other.status, 200);
    EXPECT_EQ(other.header("anthropic-ratelimit-requests-remaining"), "1");
}

TEST_F(ClaudeWire, limits_move_with_every_answer_and_say_how_long_to_wait) {
    sim::SimOptions options;
    options.limits.requests_per_minute = 60;
    options.limits.input_tokens_per_minute = 10'000;
    begin(std::move(options));
    const auto left = [](const base::HttpResponse& answer, const std::string& of) {
        return std::stol(std::string(answer.header("anthropic-ratelimit-" + of + "-remaining")));
    };
    const base::HttpResponse first = ask(streamed(visit()));
    const base::HttpResponse second = ask(streamed(visit()));
    EXPECT_EQ(left(first, "requests"), 59);
    EXPECT_EQ(left(second, "requests"), 58);
    EXPECT_LT(left(second, "input-tokens"), 10'000);
    base::HttpResponse refused = ask(streamed(visit()));
    for (int at = 0; at < 60 && refused.status == 200; ++at) refused = ask(streamed(visit()));
    ASSERT_EQ(refused.status, 429);
    EXPECT_GE(std::stol(std::string(refused.header("retry-after"))), 1);
    EXPECT_FALSE(refused.header("anthropic-ratelimit-input-tokens-reset").empty());
    EXPECT_EQ(left(refused, "input-tokens"), 0);
}

TEST_F(ClaudeWire, oracle_tells_what_was_asked) {
    begin();
    Json body = visit();
    ask(body);
    sim_tests::add_call(body, "toolu_1", "todo_list", Json::object(), "[]");
    ask(body);
    Json rewritten = body;
    rewritten["messages"][2]["content"][0]["content"] = "[1]";
    ask(rewritten);
    ask(Json::object());
    const std::vector<sim::RecordedRequest> requests = claude_->requests();
    ASSERT_EQ(requests.size(), 4U);
    EXPECT_EQ(requests[0].conversation, requests[2].conversation);
    EXPECT_TRUE(requests[1].extends_previous);
    EXPECT_FALSE(requests[2].extends_previous);
    EXPECT_TRUE(requests[1].complete);
    EXPECT_EQ(requests[3].status, 400);
    EXPECT_EQ(requests[3].refusal, "model: Field required");
}

TEST_F(ClaudeWire, verdict_is_read_over_the_wire_and_forgotten_on_demand) {
    begin();
    ask(visit(), "status=529;retry-after=30");
    ask(visit());
    base::HttpRequest get = request("/sim/verdict", Json::object());
    get.method = "GET";
    get.body = {};
    const Json verdict = Json::parse(base::fetch(get).body);
    EXPECT_EQ(verdict["clean"], false);
    EXPECT_EQ(verdict["early"], 1);
    EXPECT_EQ(verdict["retryTimes"][0]["demandedMs"], 30'000);
    EXPECT_EQ(verdict["findings"][0]["kind"], "early");
    EXPECT_GT(verdict["costUsd"].get<double>(), 0);
    EXPECT_EQ(claude_->verdict().total.early, 1U);
    get.method = "DELETE";
    EXPECT_EQ(base::fetch(get).status, 200);
    EXPECT_EQ(claude_->verdict().total.requests, 0U);
    EXPECT_TRUE(claude_->requests().empty());
}

TEST_F(ClaudeWire, many_streams_at_once) {
    begin();
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int at = 0; at < 16; ++at) {
        threads.emplace_back([&] {
            for (int turn = 0; turn < 5; ++turn) {
                const base::HttpResponse response = ask(streamed(visit()));
                if (response.body.find("message_stop") != std::string::npos) ++good;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, 80);
}

TEST_F(ClaudeWire, stop_cuts_open_streams) {
    sim::SimOptions options;
    options.first_byte_delay = std::chrono::minutes(5);
    begin(std::move(options));
    std::thread waiting([this] { EXPECT_THROW(ask(streamed(visit())), base::Failure); });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (claude_->requests().empty() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_EQ(claude_->requests().size(), 1U);
    claude_->stop();
    waiting.join();
    claude_->stop();
}

}  // namespace
