// The real client against the real simulator, which misbehaves. Test suites are called after the
// fault ("FaultCutFrame" for cut-frame), tests after what is promised.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "clients/claude.hpp"
#include "sim/claude.hpp"
#include "tests/clients/far_end.hpp"

namespace fault_tests {

using base::Failure;
using clients::Claude;
using clients::Conversation;
using clients::Message;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr const char* fault_room_tools = R"([
    {"name":"todo_create","description":"Legt eine Aufgabe an.","input_schema":{"type":"object",
     "properties":{"title":{"type":"string"}},"required":["title"]}},
    {"name":"todo_list","description":"Zeigt alle Aufgaben.","input_schema":{"type":"object"}}])";

inline const clients::TurnOptions fault_turn{.model = "claude-sonnet-5-5", .max_tokens = 4000};

// A day's opening, always the same one.
inline Conversation fault_talk(const char* tools = fault_room_tools) {
    Conversation talk{"Du bist Anna. todo 1.0", tools};
    talk.add_user("Es ist der 21. November 2026. Dein Plan: todo.");
    return talk;
}

// What a client needs to live. With CourteousClock waits cost nothing, but limits of an exchange
// never pass; with SystemClock they do, and are set small.
template <class TheClock>
struct FaultRoom {
    TheClock clock;
    base::Loop loop{clock};
    base::Metrics metrics;
    base::Random random{1};
    base::Http http{loop, {.shards = 2}};
    sim::Claude far_end;
    clients::ClaudeOptions options;
    Conversation talk = fault_talk();

    explicit FaultRoom(sim::SimOptions given = {.pacing = milliseconds{0}})
        : far_end(std::move(given), clock) {
        if constexpr (std::is_same_v<TheClock, tests::CourteousClock>) clock.http = &http;
        far_end.start();
        options.base_url = far_end.url();
        options.api_key = base::Secret{"sk-sim-test"};
        options.retry.backoff_base = milliseconds{1};
    }

    void strike(const std::string& fault, std::size_t times = 1) {
        far_end.add_fault({.fault = fault, .times = times});
    }

    template <class T>
    T run(base::Task<T> task) {
        std::optional<T> result = loop.run(std::move(task));
        if (!result) throw std::runtime_error("the loop was stopped");
        return std::move(*result);
    }

    Message ask() {
        Claude claude{http, options, metrics, random};
        return run(claude.send(talk, fault_turn));
    }
    Failure failure() {
        try {
            ask();
        } catch (const Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "no failure came";
        return Failure{Failure::Kind::internal, "none"};
    }

    // The fault strikes once; the client asks again and has the whole reply.
    void expect_asked_again(const std::string& fault) {
        strike(fault);
        const Message message = ask();
        EXPECT_EQ(message.stop_reason, "tool_use") << fault;
        ASSERT_EQ(far_end.requests().size(), 2U) << fault;
        EXPECT_EQ(far_end.requests()[0].fault, fault);
        EXPECT_FALSE(far_end.requests()[0].complete) << fault;
        EXPECT_TRUE(far_end.requests()[1].complete) << fault;
        const sim::Verdict verdict = far_end.verdict();
        EXPECT_TRUE(verdict.total.clean()) << fault << ' ' << sim::to_json(verdict).dump();
        EXPECT_EQ(verdict.attempts_most, 2U) << fault << ": the same bytes once more";
    }

    // Given up at the first attempt.
    Failure expect_given_up(const std::string& fault) {
        strike(fault, 0);
        const Failure given = failure();
        EXPECT_EQ(far_end.requests().size(), 1U) << fault;
        return given;
    }

    // Read in spite of the odd form: the same reply as without it, at the first attempt.
    Message expect_read(const std::string& fault) {
        strike(fault);
        const Message message = ask();
        EXPECT_EQ(far_end.requests().size(), 1U) << fault;
        EXPECT_EQ(far_end.requests()[0].fault, fault);
        EXPECT_TRUE(far_end.requests()[0].complete) << fault;
        return message;
    }

    // The conversation goes on with this reply in it, and the simulator takes it back.
    Message expect_goes_on(const Message& reply) {
        talk.add_reply(reply);
        std::vector<clients::ToolAnswer> answers;
        for (const clients::ToolUse& use : reply.tool_uses) {
            answers.push_back({.tool_use_id = use.id, .text = "{}", .is_error = !use.valid});
        }
        if (!answers.empty()) talk.add_results(answers);
        if (answers.empty() && reply.stop_reason != "pause_turn") talk.add_user("Und weiter?");
        const Message next = ask();
        EXPECT_TRUE(far_end.requests().back().complete);
        const sim::Verdict verdict = far_end.verdict();
        EXPECT_TRUE(verdict.total.clean()) << sim::to_json(verdict).dump();
        EXPECT_EQ(verdict.conversations.size(), 1U);
        return next;
    }
};

using VirtualFaultRoom = FaultRoom<tests::CourteousClock>;
using RealFaultRoom = FaultRoom<base::SystemClock>;

// The reply without any fault; ids and signatures aside, every whole reply is this one.
inline const Message& plain_reply() {
    static const Message reply = [] {
        VirtualFaultRoom room;
        return room.ask();
    }();
    return reply;
}

inline void expect_plain(const Message& message) {
    const Message& plain = plain_reply();
    EXPECT_EQ(message.text, plain.text);
    EXPECT_EQ(message.stop_reason, plain.stop_reason);
    ASSERT_EQ(message.tool_uses.size(), plain.tool_uses.size());
    for (std::size_t at = 0; at < plain.tool_uses.size(); ++at) {
        EXPECT_EQ(message.tool_uses[at].name, plain.tool_uses[at].name);
        EXPECT_EQ(message.tool_uses[at].input_json, plain.tool_uses[at].input_json);
        EXPECT_TRUE(message.tool_uses[at].valid);
    }
}

}  // namespace fault_tests
