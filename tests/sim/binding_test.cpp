#include "sim/binding.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "sim/check.hpp"
#include "sim/model.hpp"
#include "sim/reply.hpp"
#include "sim/usage.hpp"
#include "sim/wire.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;

const std::string binding_key = "a key that signs thinking";

sim::CheckOptions binding_options(bool prefix_check = true) {
    return {.prefix_check = prefix_check, .signing_key = binding_key};
}

std::string binding_verdict(Json body, bool prefix_check = true) {
    try {
        sim::check_request(body, binding_options(prefix_check));
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "accepted";
}

// Plays a visit until it has made some calls, echoing everything as received.
Json binding_conversation(int turns) {
    Json body =
        sim_tests::visit_body("Du bist Anna, Studentin. todo 0.5, notes 0.5", "Plan für heute");
    for (int turn = 0; turn < turns; ++turn) {
        Json checked = body;
        sim::check_request(checked, binding_options());
        const sim::Model& model = *sim::find_model("claude-sonnet-5-5");
        const Json message =
            sim::make_message(checked, model, {}, {.script = {}, .signing_key = binding_key});
        body["messages"].push_back({{"role", "assistant"}, {"content", message["content"]}});
        Json results = Json::array();
        for (const Json& block : message["content"]) {
            if (block["type"] != "tool_use") continue;
            results.push_back(
                {{"type", "tool_result"}, {"tool_use_id", block["id"]}, {"content", "gut"}});
        }
        body["messages"].push_back({{"role", "user"}, {"content", results}});
    }
    return body;
}

TEST(Binding, echoed_thinking_is_accepted) {
    const Json body = binding_conversation(3);
    EXPECT_EQ(body["messages"][1]["content"][0]["type"], "thinking");
    EXPECT_EQ(binding_verdict(body), "accepted");
}

TEST(Binding, moving_cache_marks_is_free) {
    Json body = binding_conversation(2);
    body["system"][0]["cache_control"] = {{"type", "ephemeral"}};
    body["messages"].back()["content"].back()["cache_control"] = {{"type", "ephemeral"}};
    EXPECT_EQ(binding_verdict(body), "accepted");
}

TEST(Binding, rewritten_history_is_caught) {
    Json body = binding_conversation(2);
    body["messages"][0]["content"] = "Ein anderer Plan";
    EXPECT_NE(binding_verdict(body).find("bound to a different conversation"), std::string::npos);
    EXPECT_EQ(binding_verdict(body, false), "accepted") << "old accounts are not checked";

    body = binding_conversation(2);
    body["system"][0]["text"] = "Heute ist Montag.";
    EXPECT_NE(binding_verdict(body).find("bound to a different conversation"), std::string::npos);

    body = binding_conversation(2);
    body["tools"].erase(0);
    EXPECT_NE(binding_verdict(body).find("bound to a different conversation"), std::string::npos);
}

TEST(Binding, reordered_tool_input_is_another_conversation) {
    Json body = binding_conversation(2);
    body["messages"].push_back(body["messages"][1]);
    body["messages"].erase(body["messages"].size() - 1);
    Json* call = nullptr;
    for (Json& block : body["messages"][1]["content"]) {
        if (block["type"] == "tool_use") call = &block;
    }
    ASSERT_NE(call, nullptr);
    (*call)["input"]["zusatz"] = 1;
    EXPECT_NE(binding_verdict(body).find("bound to a different conversation"), std::string::npos);
}

TEST(Binding, forged_signature_is_refused) {
    Json body = binding_conversation(1);
    Json& thinking = body["messages"][1]["content"][0];
    thinking["signature"] = "bm90IGEgc2lnbmF0dXJl";
    EXPECT_NE(binding_verdict(body).find("Invalid `signature`"), std::string::npos);
}

TEST(Binding, thinking_may_go_from_the_front_but_not_from_the_latest_turn) {
    Json body = binding_conversation(2);
    Json front = body;
    front["messages"][1]["content"].erase(0);
    EXPECT_EQ(binding_verdict(front), "accepted");
    Json latest = body;
    latest["messages"][3]["content"].erase(0);
    EXPECT_NE(binding_verdict(latest).find("cannot be modified"), std::string::npos);
    front["messages"][3]["content"].erase(0);
    EXPECT_EQ(binding_verdict(front), "accepted")
        << "a client that strips all thinking starts afresh";
}

TEST(Binding, thinking_cannot_leave_from_the_middle) {
    Json body = binding_conversation(3);
    body["messages"][3]["content"].erase(0);
    EXPECT_NE(binding_verdict(body).find("bound to a different conversation"), std::string::npos);
}

}  // namespace
