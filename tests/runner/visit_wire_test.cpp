// One visit from login to rating: turns, tools, tokens and their limits.
#include "runner/visit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/claude.hpp"
#include "tests/runner/visit_support.hpp"

namespace {

using base::Json;
using catalog::Action;
using catalog::Rating;
using catalog::VisitEnd;
using runner_tests::call_block;
using runner_tests::live_visit;
using runner_tests::model_calls;
using runner_tests::model_reply;
using runner_tests::refusal;
using runner_tests::ScriptedProduct;
using runner_tests::text_block;
using runner_tests::visit_claimed;
using runner_tests::VisitRoom;
using testing::HasSubstr;
using testing::Not;

TEST(VisitWire, LivesADayAndKeepsWhatSheDid) {
    VisitRoom room;
    room.model.then(
        model_calls({text_block("Los."), call_block("t1", "todo_create", R"({"title":"Brot"})"),
                     call_block("t2", "notes_add")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    ASSERT_EQ(day.actions.size(), 2U);
    EXPECT_EQ(day.actions[0].tool, "todo.create");
    EXPECT_EQ(day.actions[0].module, "todo");
    EXPECT_EQ(day.actions[0].outcome, Action::Outcome::ok);
    EXPECT_EQ(*day.actions[0].input, (Json{{"title", "Brot"}}));
    EXPECT_EQ(day.actions[0].input_hash.size(), 64U);
    EXPECT_TRUE(day.actions[0].latency_ms);
    EXPECT_EQ(day.actions[1].seq, 2);
    EXPECT_EQ(day.actions[1].outcome, Action::Outcome::error);
    EXPECT_THAT(day.actions[1].error_message, HasSubstr("title fehlt"));
    ASSERT_EQ(day.ratings.size(), 2U);
    EXPECT_EQ(day.ratings[0].score, 4);
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(day.end->reason, "end_turn");
    EXPECT_EQ(day.end->source, VisitEnd::Source::none);
    EXPECT_EQ(day.end->turns, 2);
    EXPECT_EQ(day.end->actions, 2);
    EXPECT_EQ(day.end->summary, "Das war mein Tag.");
    EXPECT_EQ(day.end->product_name, "mana");
    EXPECT_EQ(day.end->tokens.input, 300);  // Two turns and the rating.
    EXPECT_GT(*day.end->cost_usd, 0);
}

TEST(VisitWire, TellsTheProductWhoCallsAndTheModelWhatCameBack) {
    VisitRoom room;
    room.model.then(model_calls(
        {call_block("t1", "todo_create", R"({"title":"Brot"})"), call_block("t2", "notes_add")}));
    room.live();
    const auto calls = room.product.calls();
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[0].arguments, (Json{{"title", "Brot"}}));
    EXPECT_EQ(calls[0].bearer, "Bearer jwt-1");
    EXPECT_EQ(calls[0].space, "space-own");  // Her own, not the first of the list.
    EXPECT_EQ(calls[0].meta["persona-runner/visit"], "visit-1");
    EXPECT_EQ(calls[1].meta["persona-runner/seq"], 2);
    const auto answers = VisitRoom::answers(room.model.turns().at(1));
    EXPECT_FALSE(answers.at("t1").value("is_error", false));
    EXPECT_TRUE(answers.at("t2").value("is_error", false));
}

TEST(VisitWire, EveryOutcomeIsOnDiskBeforeTheNextTurnStarts) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list"), call_block("t2", "notes_add")}));
    room.model.hold("tool_result");
    runner::Visit visit(room.services(), room.options, visit_claimed());
    base::Group living(room.loop);
    living.add(live_visit(visit, &room.error));
    EXPECT_TRUE(room.until([&] { return room.model.waiting() == 1; }));
    EXPECT_EQ(room.on_disk().settled, (std::vector<bool>{true, true}));
    room.model.release();
    EXPECT_TRUE(room.until([&] { return living.size() == 0; }));
    EXPECT_TRUE(room.on_disk().end);
    EXPECT_EQ(room.error, "");
}

TEST(VisitWire, TheIntentIsOnDiskWhenTheCallArrivesAndTheOneBeforeIsSettled) {
    VisitRoom room;
    std::mutex mutex;
    std::vector<std::vector<bool>> seen;
    room.product.before_calls(
        [&](const ScriptedProduct::Call&) -> std::optional<base::ServerResponse> {
            const std::lock_guard lock(mutex);
            seen.push_back(room.on_disk().settled);
            return std::nullopt;
        });
    room.model.then(model_calls({call_block("t1", "todo_list"), call_block("t2", "notes_add")}));
    room.live();
    EXPECT_EQ(seen, (std::vector<std::vector<bool>>{{false}, {true, false}}));
}

TEST(VisitWire, LogsInWithTheDerivedPassword) {
    VisitRoom room;
    room.live();
    const Json login = room.service.calls("login").at(0).body;
    EXPECT_EQ(login["email"], "persona.anna@mana.test");
    EXPECT_EQ(login["password"].get<std::string>().size(), 32U);
    EXPECT_EQ(room.service.calls("spaces").at(0).bearer, "Bearer jwt-1");
}

TEST(VisitWire, ADayWithTheSimulatorIsWellFormed) {
    base::SystemClock clock;
    sim::Claude claude({.pacing = std::chrono::milliseconds{0}}, clock);
    claude.start();
    VisitRoom room({.claude_url = claude.url()});
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_FALSE(day.actions.empty());
    EXPECT_TRUE(std::all_of(day.settled.begin(), day.settled.end(), [](bool one) { return one; }));
    for (const Rating& rating : day.ratings) EXPECT_EQ(rating.status, Rating::Status::rated);
    EXPECT_EQ(day.ratings.size(), room.progress.modules.size());
    const auto requests = claude.requests();
    ASSERT_GE(requests.size(), 3U);
    for (const sim::RecordedRequest& request : requests) {
        EXPECT_EQ(request.status, 200) << request.refusal;
        EXPECT_TRUE(request.extends_previous);
        EXPECT_TRUE(request.complete);
    }
}

TEST(VisitWire, TheSameSeedSaysTheSameFirstWords) {
    std::vector<std::string> openings;
    for (int i = 0; i < 2; ++i) {
        VisitRoom room;
        room.live();
        const Json first = room.model.turns().at(0);
        // The plan stands behind the date, which differs.
        const std::string text = base::to_text(first.at("messages").at(0));
        openings.push_back(text.substr(text.find("vorgenommen")));
        EXPECT_THAT(base::to_text(first.at("system")), Not(HasSubstr("202")));
    }
    EXPECT_EQ(openings[0], openings[1]);
}

TEST(VisitWire, ARefusalEndsTheDayWithItsReason) {
    VisitRoom room;
    room.model.then(model_reply({text_block("Nein.")}, "refusal"));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(day.end->reason, "refusal");
    EXPECT_TRUE(day.ratings.empty());
    EXPECT_TRUE(room.model.ratings().empty());  // Nothing was used, nothing is asked.
}

TEST(VisitWire, AfterARefusalWhatWasUsedIsStillRated) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.then(model_reply({}, "refusal"));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->reason, "refusal");
    ASSERT_EQ(day.ratings.size(), 1U);
    EXPECT_EQ(day.ratings[0].status, Rating::Status::rated);
}

TEST(VisitWire, AnEmptyAnswerIsCarriedOnOnce) {
    VisitRoom room;
    room.model.then(model_reply({}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->turns, 2);
    EXPECT_EQ(day.end->summary, "Das war mein Tag.");
    EXPECT_THAT(base::to_text(room.model.turns().at(1)), HasSubstr(runner::carry_on_text()));

    VisitRoom silent;
    for (int i = 0; i < 5; ++i) silent.model.then(model_reply({}));
    const runner::VisitRecords quiet = silent.live();
    EXPECT_EQ(silent.model.turns().size(), 2U);
    EXPECT_EQ(quiet.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(quiet.end->reason, "end_turn");
    EXPECT_EQ(quiet.end->summary, "");
}

TEST(VisitWire, AnUnknownToolIsAnErrorThatNeverLeaves) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "zoo_feed"), call_block("t2", "todo_list")}));
    const runner::VisitRecords day = room.live();
    ASSERT_EQ(day.actions.size(), 2U);
    EXPECT_EQ(day.actions[0].tool, "zoo_feed");
    EXPECT_EQ(day.actions[0].module, runner::unknown_module);
    EXPECT_EQ(day.actions[0].outcome, Action::Outcome::error);
    EXPECT_THAT(day.actions[0].error_message, HasSubstr("no tool named zoo_feed"));
    EXPECT_EQ(room.product.calls().size(), 1U);
    EXPECT_TRUE(VisitRoom::answers(room.model.turns().at(1)).at("t1").at("is_error"));
    // Only the module that exists is rated.
    ASSERT_EQ(day.ratings.size(), 1U);
    EXPECT_EQ(day.ratings[0].module, "todo");
}

// The new tool would be called by the name that the old one had until now.
TEST(VisitWire, ToolsThatChangeMeanwhileDoNotChangeWhatNamesMean) {
    VisitRoom room;
    room.product.before_calls(
        [&](const ScriptedProduct::Call& call) -> std::optional<base::ServerResponse> {
            if (call.meta["persona-runner/seq"] != 1) return std::nullopt;
            room.product.offer(Json::parse(R"([
            {"name":"todo.create","inputSchema":{"type":"object"}},
            {"name":"todo_create","inputSchema":{"type":"object"}}])"));
            base::ServerResponse answer;
            answer.content_type = "text/event-stream";
            answer.body =
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"
                "data: {\"jsonrpc\":\"2.0\",\"id\":" +
                base::to_text(call.meta["progressToken"]) +
                ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"fertig\"}]}}\n\n";
            return answer;
        });
    room.model.then(model_calls({call_block("t1", "todo_create", R"({"title":"Brot"})")}));
    room.model.then(model_calls(
        {call_block("t2", "todo_create", R"({"title":"Milch"})"), call_block("t3", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    ASSERT_EQ(day.actions.size(), 3U);
    EXPECT_EQ(day.actions[1].tool, "todo.create");
    const auto calls = room.product.calls();
    ASSERT_GE(calls.size(), 2U);
    EXPECT_EQ(calls[1].tool, "todo.create");
    EXPECT_EQ(room.model.turns().at(0)["tools"], room.model.turns().at(2)["tools"]);
}

TEST(VisitWire, ACutToolInputIsAnErrorThatNeverLeaves) {
    VisitRoom room;
    room.model.then(
        model_reply({call_block("t1", "todo_create", "{\"title\": \"Bro")}, "max_tokens"));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    ASSERT_EQ(day.actions.size(), 1U);
    EXPECT_EQ(day.actions[0].outcome, Action::Outcome::error);
    EXPECT_THAT(day.actions[0].error_message, HasSubstr("cut off"));
    EXPECT_EQ(day.actions[0].module, runner::unknown_module) << "it never left";
    EXPECT_FALSE(day.actions[0].input);
    EXPECT_TRUE(room.product.calls().empty());
    EXPECT_TRUE(VisitRoom::answers(room.model.turns().at(1)).at("t1").at("is_error"));
}

TEST(VisitWire, AnExpiredTokenIsRenewedOnce) {
    VisitRoom room;
    room.product.before_calls(
        [](const ScriptedProduct::Call& call) -> std::optional<base::ServerResponse> {
            if (call.bearer == "Bearer jwt-1") return refusal(401, "token expired");
            return std::nullopt;
        });
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.then(model_calls({call_block("t2", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(room.service.count("refresh"), 1U);
    EXPECT_EQ(room.service.calls("refresh").at(0).body["refreshToken"], "session-token");
    ASSERT_EQ(day.actions.size(), 2U);
    EXPECT_EQ(day.actions[0].outcome, Action::Outcome::ok);
    EXPECT_EQ(day.actions[1].outcome, Action::Outcome::ok);
    EXPECT_EQ(room.product.calls().size(), 3U);
}

TEST(VisitWire, ATokenThatIsRefusedAgainEndsTheVisit) {
    VisitRoom room;
    room.product.before_calls(
        [](const ScriptedProduct::Call&) { return std::optional(refusal(401, "token expired")); });
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_THAT(room.error, HasSubstr("401"));
    EXPECT_EQ(room.service.count("refresh"), 1U);
    EXPECT_EQ(day.end->status, VisitEnd::Status::partial);
    EXPECT_EQ(day.end->source, VisitEnd::Source::product);
    EXPECT_EQ(day.actions.at(0).outcome, Action::Outcome::unknown);
    EXPECT_EQ(day.ratings.at(0).status, Rating::Status::missing);
}

TEST(VisitWire, ACallThatTheLeaseDoesNotCoverDoesNotLeave) {
    VisitRoom room({.lease = std::chrono::seconds{20}});
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_THAT(room.error, HasSubstr("lease ends too soon"));
    EXPECT_TRUE(room.product.calls().empty());
    EXPECT_EQ(day.end->source, VisitEnd::Source::infra);
    EXPECT_TRUE(day.actions.empty());  // It is not even an unknown one.
    EXPECT_EQ(day.end->status, VisitEnd::Status::failed);
}

TEST(VisitWire, ACallWhoseAnswerIsLostIsUnknownAndNotRepeated) {
    VisitRoom room;
    room.product.before_calls(
        [](const ScriptedProduct::Call&) { return std::optional(runner_tests::lost_answer()); });
    room.model.then(model_calls({call_block("t1", "todo_create", R"({"title":"Brot"})")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.product.calls().size(), 1U);
    EXPECT_EQ(day.actions.at(0).outcome, Action::Outcome::unknown);
    EXPECT_TRUE(day.settled.at(0));
}

TEST(VisitWire, TheTurnLimitEndsTheDayAfterItsCallsWereRun) {
    VisitRoom room;
    room.options.turns_max = 2;
    for (int i = 0; i < 5; ++i) {
        room.model.then(model_calls({call_block("t" + std::to_string(i), "todo_list")}));
    }
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->reason, "turn_limit");
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(day.end->turns, 2);
    EXPECT_EQ(day.actions.size(), 2U);
    EXPECT_EQ(room.model.turns().size(), 2U);
    EXPECT_EQ(day.ratings.size(), 1U);
}

TEST(VisitWire, WhatTheServiceWouldNotTakeIsCutBefore) {
    VisitRoom room;
    room.product.offer(Json::array(
        {{{"name", "todo." + std::string(120, 'x')}, {"inputSchema", {{"type", "object"}}}}}));
    Json input = Json::object();
    for (int i = 0; i < 40; ++i) {
        Json inner = Json::object();
        for (int j = 0; j < 40; ++j) inner["field" + std::to_string(j)] = std::string(300, 'w');
        input["part" + std::to_string(i)] = inner;
    }
    room.model.then(model_calls({call_block("t1", "", base::to_text(input))}));
    const runner::VisitRecords day = room.live();
    // Every row reads back within the limits that the service checks.
    for (const Action& action : day.actions) {
        const Json sent = catalog::to_json(action);
        EXPECT_EQ(catalog::to_json(catalog::action_from_json(sent, "action")), sent);
    }
    EXPECT_EQ(catalog::visit_end_from_json(catalog::to_json(*day.end)), *day.end);
}

TEST(VisitWire, ALongNamedProductAndModelStillGiveAnEndThatIsTaken) {
    VisitRoom room;
    room.options.model = std::string(200, 'm');
    room.product.name_itself(std::string(500, 'p'), std::string(500, 'v'));
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(catalog::visit_end_from_json(catalog::to_json(*day.end)), *day.end);
    EXPECT_TRUE(day.end->product_name.starts_with("ppp"));
}

TEST(VisitWire, AModelWithoutAPriceMakesTheDayUnpriced) {
    VisitRoom room;
    room.model.then(model_reply({text_block("Fertig.")}, "end_turn", "somebody-elses-model"));
    EXPECT_FALSE(room.live().end->cost_usd);
}

}  // namespace
