#include "sim/check.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;
using sim_tests::add_call;
using sim_tests::minimal_body;
using sim_tests::todo_tools;

// The refusal's text, or "accepted".
std::string check_verdict(Json body, const sim::CheckOptions& options = {}) {
    try {
        sim::check_request(body, options);
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "accepted";
}

std::string check_verdict_with(const char* name, const Json& value) {
    Json body = minimal_body();
    body[name] = value;
    return check_verdict(body);
}

Json check_body_with_content(const char* content) {
    Json body = minimal_body();
    body["messages"][0]["content"] = Json::parse(content);
    return body;
}

Json check_called_body() {
    Json body = minimal_body();
    body["tools"] = todo_tools();
    add_call(body, "toolu_a", "todo_list", Json::object(), "[]");
    return body;
}

#define EXPECT_REFUSED(verdict, part) \
    EXPECT_NE((verdict).find(part), std::string::npos) << (verdict)

TEST(Check, accepts_plain_and_called_conversations) {
    EXPECT_EQ(check_verdict(minimal_body()), "accepted");
    EXPECT_EQ(check_verdict(check_called_body()), "accepted");
}

TEST(Check, bounds_max_tokens) {
    Json body = minimal_body();
    body.erase("max_tokens");
    EXPECT_REFUSED(check_verdict(body), "max_tokens: Field required");
    EXPECT_REFUSED(check_verdict_with("max_tokens", -1), "greater than or equal to 1");
    EXPECT_REFUSED(check_verdict_with("max_tokens", 128'001), "maximum allowed number");
    EXPECT_REFUSED(check_verdict_with("max_tokens", "10"), "valid integer");
    EXPECT_EQ(check_verdict_with("max_tokens", 0), "accepted");
    body["max_tokens"] = 0;
    body["stream"] = true;
    EXPECT_REFUSED(check_verdict(body), "max_tokens");
}

TEST(Check, unknown_model_is_missing) {
    Json body = minimal_body();
    body["model"] = "claude-3-opus";
    try {
        sim::check_request(body, {});
        FAIL() << "accepted";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::missing);
        EXPECT_STREQ(failure.what(), "model: claude-3-opus");
    }
}

TEST(Check, refuses_bad_messages) {
    EXPECT_REFUSED(check_verdict_with("messages", Json::array()), "at least one message");
    Json body = minimal_body();
    body["messages"][0]["role"] = "tool";
    EXPECT_REFUSED(check_verdict(body), "messages.0.role");
    body = minimal_body();
    body["messages"][0]["content"] = 7;
    EXPECT_REFUSED(check_verdict(body), "messages.0.content");
    body["messages"][0]["content"] = Json::array();
    EXPECT_REFUSED(check_verdict(body), "non-empty content");
    body["messages"][0]["content"] = "";
    EXPECT_REFUSED(check_verdict(body), "non-empty content");
}

TEST(Check, refuses_unknown_fields_everywhere) {
    EXPECT_EQ(check_verdict_with("top_secret", 1), "top_secret: Extra inputs are not permitted");
    EXPECT_EQ(check_verdict_with("temperature", 1), "temperature: Extra inputs are not permitted");
    EXPECT_REFUSED(check_verdict_with("context_management", Json::object()), "Extra inputs");
    EXPECT_EQ(check_verdict(check_body_with_content(R"([{"type":"text","text":"a","x":1}])")),
              "messages.0.content.0.text.x: Extra inputs are not permitted");
    Json body = minimal_body();
    body["messages"][0]["name"] = "x";
    EXPECT_REFUSED(check_verdict(body), "messages.0.name: Extra inputs");
    sim::CheckOptions counting;
    counting.counting = true;
    EXPECT_REFUSED(check_verdict(minimal_body(), counting), "max_tokens: Extra inputs");
}

TEST(Check, old_version_takes_sampling_on_old_models_only) {
    sim::CheckOptions old;
    old.version = "2023-06-01";
    Json body = minimal_body();
    body["temperature"] = 0.5;
    EXPECT_REFUSED(check_verdict(body, old), "temperature");
    body["model"] = "claude-sonnet-4-6";
    EXPECT_EQ(check_verdict(body, old), "accepted");
}

TEST(Check, refuses_empty_and_blank_texts) {
    EXPECT_REFUSED(check_verdict(check_body_with_content(R"([{"type":"text","text":""}])")),
                   "text content blocks must be non-empty");
    EXPECT_REFUSED(check_verdict(check_body_with_content(R"([{"type":"text","text":" \n"}])")),
                   "non-whitespace");
}

TEST(Check, refuses_prefill_on_new_models) {
    Json body = minimal_body();
    body["messages"].push_back({{"role", "assistant"}, {"content", "Ich"}});
    EXPECT_REFUSED(check_verdict(body), "does not support assistant message prefill");
    body["model"] = "claude-haiku-4-5";
    EXPECT_EQ(check_verdict(body), "accepted");
}

TEST(Check, system_turns_have_their_places) {
    Json body = minimal_body();
    body["messages"].push_back({{"role", "system"}, {"content", "Kürzer bitte."}});
    EXPECT_EQ(check_verdict(body), "accepted");
    body["model"] = "claude-sonnet-5";
    EXPECT_REFUSED(check_verdict(body), "role 'system' is not supported");
    body["model"] = "claude-sonnet-5-5";
    body["messages"].push_back({{"role", "user"}, {"content", "Und?"}});
    EXPECT_REFUSED(check_verdict(body), "must be last or be followed by an assistant");
    body = minimal_body();
    body["messages"].insert(body["messages"].begin(), {{"role", "system"}, {"content", "a"}});
    EXPECT_NE(check_verdict(body), "accepted");
}

TEST(Check, calls_and_results_stay_in_their_messages) {
    EXPECT_REFUSED(check_verdict(check_body_with_content(
                       R"([{"type":"tool_use","id":"a","name":"x","input":{}}])")),
                   "can only be in `assistant`");
    Json body = check_called_body();
    body["messages"][1]["content"][0]["input"] = "text";
    EXPECT_REFUSED(check_verdict(body), "tool_use.input: Input should be a valid dictionary");
    body = check_called_body();
    body["messages"][1]["content"][0]["id"] = "a b";
    EXPECT_REFUSED(check_verdict(body), "should match pattern");
    body = check_called_body();
    add_call(body, "toolu_a", "todo_list", Json::object(), "[]");
    EXPECT_REFUSED(check_verdict(body), "ids must be unique");
    EXPECT_REFUSED(check_verdict(check_body_with_content(R"([{"type":"banana"}])")),
                   "Input tag 'banana'");
}

TEST(Check, every_call_is_answered_once_and_first) {
    Json body = check_called_body();
    body["messages"][2]["content"] = "weiter";
    EXPECT_REFUSED(check_verdict(body), "without `tool_result` blocks immediately after: toolu_a");
    body = check_called_body();
    body["messages"].erase(2);
    EXPECT_NE(check_verdict(body), "accepted");
    body = check_called_body();
    const Json text = {{"type", "text"}, {"text", "zuerst"}};
    body["messages"][2]["content"] = Json::array({text, body["messages"][2]["content"][0]});
    EXPECT_REFUSED(check_verdict(body), "immediately after: toolu_a");
    body = check_called_body();
    body["messages"][2]["content"].push_back(body["messages"][2]["content"][0]);
    EXPECT_REFUSED(check_verdict(body), "single result");
    body = check_called_body();
    body["messages"][2]["content"].push_back(
        {{"type", "tool_result"}, {"tool_use_id", "toolu_z"}, {"content", "a"}});
    EXPECT_REFUSED(check_verdict(body), "messages.2.content.1: unexpected `tool_use_id`");
}

TEST(Check, neighbours_of_one_role_are_one_turn) {
    Json body = check_called_body();
    body["messages"].push_back({{"role", "user"}, {"content", "und weiter"}});
    EXPECT_EQ(check_verdict(body), "accepted");
}

TEST(Check, results_have_rules_of_their_own) {
    Json body = check_called_body();
    Json& result = body["messages"][2]["content"][0];
    result["is_error"] = true;
    result["content"] = "";
    EXPECT_REFUSED(check_verdict(body), "content cannot be empty if `is_error` is true");
    result["content"] = Json::parse(R"([{"type":"thinking","thinking":"","signature":"x"}])");
    EXPECT_REFUSED(check_verdict(body), "Input tag 'thinking'");
    result["content"] =
        Json::parse(R"([{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}])");
    EXPECT_REFUSED(check_verdict(body), "content.0.cache_control: Extra inputs");
    result["cache_control"] = Json::parse(R"({"type":"ephemeral"})");
    result["content"] = "kaputt";
    EXPECT_EQ(check_verdict(body), "accepted");
}

TEST(Check, tools_are_well_formed) {
    Json body = minimal_body();
    body["tools"] = todo_tools();
    EXPECT_EQ(check_verdict(body), "accepted");
    body["tools"][0]["name"] = "todo.complete";
    EXPECT_REFUSED(check_verdict(body), "tools.0.custom.name");
    body["tools"][0]["name"] = std::string(65, 'a');
    EXPECT_REFUSED(check_verdict(body), "{1,64}");
    body["tools"][0]["name"] = "todo_list";
    EXPECT_REFUSED(check_verdict(body), "Tool names must be unique");
    body["tools"] = todo_tools();
    body["tools"][0]["input_schema"]["type"] = "string";
    EXPECT_REFUSED(check_verdict(body), "input_schema.type");
    body["tools"] = todo_tools();
    body["tools"][1]["input_schema"]["properties"]["title"]["type"] = "text";
    EXPECT_REFUSED(check_verdict(body), "JSON schema is invalid");
    body["tools"] = todo_tools();
    body["tools"][0]["annotations"] = Json::object();
    EXPECT_REFUSED(check_verdict(body), "tools.0.annotations: Extra inputs");
}

TEST(Check, tool_choice_fits_tools_and_model) {
    EXPECT_REFUSED(check_verdict_with("tool_choice", Json::parse(R"({"type":"auto"})")),
                   "while providing tools");
    Json body = minimal_body();
    body["tools"] = todo_tools();
    body["tool_choice"] = Json::parse(R"({"type":"tool","name":"nope"})");
    EXPECT_REFUSED(check_verdict(body), "not found in provided tools");
    body["tool_choice"]["name"] = "todo_list";
    EXPECT_EQ(check_verdict(body),
              "tool_choice: type \"tool\" and \"any\" are not supported for this model.");
    body["model"] = "claude-opus-5";
    EXPECT_EQ(check_verdict(body), "accepted");
}

TEST(Check, history_with_calls_needs_tools) {
    Json body = check_called_body();
    body.erase("tools");
    EXPECT_REFUSED(check_verdict(body), "must define tools");
    sim::CheckOptions lax;
    lax.strict = false;
    EXPECT_EQ(check_verdict(body, lax), "accepted");
}

TEST(Check, structured_output_schema_stays_in_its_subset) {
    const auto with_schema = [](const char* schema) {
        return check_verdict_with(
            "output_config",
            {{"format", {{"type", "json_schema"}, {"schema", Json::parse(schema)}}}});
    };
    EXPECT_EQ(with_schema(R"({"type":"object","additionalProperties":false,"required":["a"],
                              "properties":{"a":{"enum":[1,2]}}})"),
              "accepted");
    EXPECT_REFUSED(with_schema(R"({"type":"object","properties":{}})"), "additionalProperties");
    EXPECT_REFUSED(with_schema(R"({"type":"object","additionalProperties":false,
                                   "properties":{"a":{"type":"integer","minimum":1}}})"),
                   "'minimum' is not supported");
    EXPECT_REFUSED(check_verdict_with("output_config", Json::parse(R"({"effort":"huge"})")),
                   "output_config.effort");
}

TEST(Check, thinking_depends_on_the_model) {
    const auto with_type = [](const char* model, const char* thinking) {
        Json body = minimal_body();
        body["model"] = model;
        body["thinking"] = Json::parse(thinking);
        return check_verdict(body);
    };
    EXPECT_EQ(with_type("claude-sonnet-5-5", R"({"type":"adaptive"})"), "accepted");
    EXPECT_REFUSED(with_type("claude-sonnet-5-5", R"({"type":"disabled"})"), "between_tools");
    EXPECT_EQ(with_type("claude-sonnet-5-5", R"({"type":"between_tools"})"), "accepted");
    EXPECT_EQ(with_type("claude-haiku-5-5", R"({"type":"disabled"})"), "accepted");
    EXPECT_REFUSED(with_type("claude-haiku-5-5", R"({"type":"enabled","budget_tokens":2000})"),
                   "not supported");
    EXPECT_EQ(with_type("claude-haiku-4-5", R"({"type":"enabled","budget_tokens":2000})"),
              "accepted");
    EXPECT_REFUSED(with_type("claude-haiku-4-5", R"({"type":"enabled","budget_tokens":1000})"),
                   "1024");
    EXPECT_REFUSED(with_type("claude-haiku-4-5", R"({"type":"enabled","budget_tokens":9000})"),
                   "max_tokens");
    EXPECT_REFUSED(with_type("claude-haiku-5-5", R"({"type":"disabled","display":"omitted"})"),
                   "display");
}

TEST(Check, at_most_four_marks_long_before_short) {
    const Json mark = Json::parse(R"({"type":"ephemeral"})");
    Json body = minimal_body();
    Json blocks = Json::array();
    for (int at = 0; at < 5; ++at) {
        blocks.push_back({{"type", "text"}, {"text", "a"}, {"cache_control", mark}});
    }
    body["messages"][0]["content"] = blocks;
    EXPECT_EQ(check_verdict(body),
              "A maximum of 4 blocks with cache_control may be provided. Found 5.");
    blocks.erase(0);
    body["messages"][0]["content"] = blocks;
    EXPECT_EQ(check_verdict(body), "accepted");
    body["cache_control"] = mark;
    EXPECT_REFUSED(check_verdict(body), "A maximum of 4");
    body.erase("cache_control");
    body["messages"][0]["content"][1]["cache_control"]["ttl"] = "1h";
    EXPECT_REFUSED(check_verdict(body), "must not come after");
    body["messages"][0]["content"][1]["cache_control"]["ttl"] = "2h";
    EXPECT_REFUSED(check_verdict(body), "'5m' or '1h'");
}

#undef EXPECT_REFUSED

}  // namespace
