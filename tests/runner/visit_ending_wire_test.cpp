// The end of a day: the rating that is given, refused, unreadable or missing, and the trouble
// before it.
#include "runner/visit.hpp"

#include <atomic>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/ratings.hpp"
#include "tests/runner/visit_support.hpp"

namespace {

using base::Json;
using catalog::Action;
using catalog::Rating;
using catalog::VisitEnd;
using runner::Waiting;
using runner_tests::call_block;
using runner_tests::model_calls;
using runner_tests::model_error;
using runner_tests::model_reply;
using runner_tests::refusal;
using runner_tests::ScriptedProduct;
using runner_tests::text_block;
using runner_tests::VisitRoom;
using testing::HasSubstr;
using testing::Not;

TEST(VisitEnding, AFailedRatingLeavesMissingRows) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list"), call_block("t2", "notes_add")}));
    for (int i = 0; i < 2; ++i) room.model.then_rating(model_error(500, "api_error", "broken"));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(day.end->reason, "end_turn; rating failed");
    ASSERT_EQ(day.ratings.size(), 2U);
    for (const Rating& rating : day.ratings) {
        EXPECT_EQ(rating.status, Rating::Status::missing);
        EXPECT_FALSE(rating.score);
        EXPECT_FALSE(rating.notes.empty());
    }
    EXPECT_EQ(room.model.ratings().size(), 2U);  // One try and its retry, no second question.
}

// Nothing came back all day, so there is nothing to rate and nobody is asked.
TEST(VisitEnding, ADayWithoutASingleAnswerOfTheProductIsPartialAndUnrated) {
    VisitRoom room;
    room.product.before_calls(
        [](const ScriptedProduct::Call&) { return std::optional(runner_tests::lost_answer()); });
    room.model.then(model_calls({call_block("t1", "todo_list"), call_block("t2", "notes_add")}));
    const runner::VisitRecords day = room.live();
    EXPECT_THAT(room.error, HasSubstr("no tool call of the day was answered; the last one: unknown "
                                      "whether it was done"));
    EXPECT_EQ(day.end->status, VisitEnd::Status::partial);
    EXPECT_EQ(day.end->source, VisitEnd::Source::product);
    EXPECT_EQ(day.end->tool_calls, 2);
    ASSERT_EQ(day.ratings.size(), 2U);
    for (const Rating& rating : day.ratings) EXPECT_EQ(rating.status, Rating::Status::missing);
    EXPECT_TRUE(room.model.ratings().empty());
}

TEST(VisitEnding, AModuleThatNeverAnsweredIsNotAskedAbout) {
    VisitRoom room;
    room.product.before_calls([](const ScriptedProduct::Call& call) {
        return call.tool.starts_with("notes") ? std::optional(runner_tests::lost_answer())
                                              : std::nullopt;
    });
    room.model.then(model_calls({call_block("t1", "notes_add"), call_block("t2", "todo_list")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    ASSERT_EQ(day.ratings.size(), 2U);
    EXPECT_EQ(day.ratings[0].module, "todo");
    EXPECT_EQ(day.ratings[0].status, Rating::Status::rated);
    EXPECT_EQ(day.ratings[1].module, "notes");
    EXPECT_EQ(day.ratings[1].status, Rating::Status::missing);
    EXPECT_EQ(day.ratings[1].notes, "none of its calls was answered");
    ASSERT_EQ(room.model.ratings().size(), 1U);
    EXPECT_THAT(room.model.ratings()[0].dump(), HasSubstr("keine Antwort")) << "of the whole day";
}

// A no is an answer: it can be rated.
TEST(VisitEnding, AProductThatOnlyRefusesIsRated) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "notes_add")}));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.actions.at(0).outcome, Action::Outcome::error);
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
    EXPECT_EQ(room.model.ratings().size(), 1U);
}

TEST(VisitEnding, ARefusedRatingLeavesRefusedRows) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.then_rating(model_reply({text_block("Lieber nicht.")}, "refusal"));
    const runner::VisitRecords day = room.live();
    ASSERT_EQ(day.ratings.size(), 1U);
    EXPECT_EQ(day.ratings[0].status, Rating::Status::refused);
    EXPECT_EQ(day.end->status, VisitEnd::Status::finished);
}

TEST(VisitEnding, AnUnreadableRatingIsARowOfItsOwn) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.then_rating(model_reply({text_block("War alles schön.")}));
    const runner::VisitRecords day = room.live();
    ASSERT_EQ(day.ratings.size(), 2U);
    EXPECT_EQ(day.ratings[0].module, runner::unreadable_answer_module);
    EXPECT_EQ(day.ratings[0].notes, "War alles schön.");
    EXPECT_EQ(day.ratings[1].status, Rating::Status::unparsed);
}

TEST(VisitEnding, AServerWithoutStructuredOutputsIsAskedWithout) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    room.model.then_rating(
        model_error(400, "invalid_request_error", "output_config: Extra inputs are not permitted"));
    const runner::VisitRecords day = room.live();
    const auto asked = room.model.ratings();
    ASSERT_EQ(asked.size(), 2U);
    EXPECT_TRUE(asked[0].contains("output_config"));
    EXPECT_FALSE(asked[1].contains("output_config"));
    EXPECT_EQ(asked[0]["messages"], asked[1]["messages"]);
    EXPECT_EQ(day.ratings.at(0).score, 4);
    EXPECT_EQ(day.end->reason, "end_turn");
}

TEST(VisitEnding, TroubleBeforeTheFirstCallFailsTheVisitAndNamesItsSource) {
    struct Case {
        const char* call;
        base::ServerResponse answer;
        VisitEnd::Source source;
        const char* reason;
    };
    const Case cases[] = {
        {"login", refusal(401, "wrong password"), VisitEnd::Source::persona, "wrong password"},
        {"login", refusal(503, "starting"), VisitEnd::Source::infra, "503"},
        {"spaces", refusal(500, "broken"), VisitEnd::Source::infra, "500"},
        {"spaces", base::ServerResponse::json(Json::array()), VisitEnd::Source::infra,
         "member of no space"},
    };
    for (const Case& one : cases) {
        VisitRoom room;
        room.service.then(one.call, one.answer);
        const runner::VisitRecords day = room.live();
        EXPECT_THAT(room.error, HasSubstr(one.reason));
        EXPECT_EQ(day.end->status, VisitEnd::Status::failed);
        EXPECT_EQ(day.end->source, one.source) << one.call;
        EXPECT_TRUE(day.ratings.empty());
        EXPECT_TRUE(room.model.turns().empty());
    }
}

// Nothing was lived and nobody is to blame: no attempt is used up, and no further visit is claimed.
TEST(VisitEnding, AVisitThatAFullDiskDoesNotTakeIsHandedBack) {
    std::atomic<bool> full{true};
    VisitRoom room({.disk_faults = [&full](const runner::DiskStep& step) {
        return full && step.kind == runner::DiskStep::Kind::write ? ENOSPC : 0;
    }});
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->status, VisitEnd::Status::failed);
    EXPECT_TRUE(day.end->handed_back);
    EXPECT_THAT(room.error, HasSubstr("No space left"));
    EXPECT_THAT(room.outbox.refusal(), HasSubstr("free space"));
    full = false;
    EXPECT_TRUE(room.until([&room] { return room.outbox.refusal().empty(); }));
}

TEST(VisitEnding, AProductWithoutToolsFailsTheVisit) {
    VisitRoom room;
    room.product.offer(Json::array());
    EXPECT_EQ(room.live().end->source, VisitEnd::Source::product);
    EXPECT_THAT(room.error, HasSubstr("offers no tool"));
}

TEST(VisitEnding, AModelThatIsDownLeavesAPartialDay) {
    VisitRoom room;
    room.model.then(model_calls({call_block("t1", "todo_list")}));
    for (int i = 0; i < 2; ++i) room.model.then(model_error(529, "overloaded_error", "too busy"));
    const runner::VisitRecords day = room.live();
    EXPECT_EQ(day.end->status, VisitEnd::Status::partial);
    EXPECT_EQ(day.end->source, VisitEnd::Source::model);
    EXPECT_EQ(day.actions.at(0).outcome, Action::Outcome::ok);
    EXPECT_EQ(day.ratings.at(0).status, Rating::Status::missing);
    EXPECT_THAT(day.end->reason, HasSubstr("too busy"));
}

TEST(VisitEnding, NothingSecretIsLogged) {
    testing::internal::CaptureStderr();
    {
        VisitRoom room;
        room.service.then("login", refusal(401, "wrong password"));
        room.live();
        VisitRoom well;
        well.model.then(model_calls({call_block("t1", "todo_create", R"({"title":"Geheim"})")}));
        well.live();
    }
    const std::string log = testing::internal::GetCapturedStderr();
    for (const char* secret : {"jwt-1", "session-token", "Geheim", "Du bist Anna", "sk-sim-test"}) {
        EXPECT_THAT(log, Not(HasSubstr(secret)));
    }
}

TEST(VisitEnding, SourcesFollowWhatTheVisitWaitedFor) {
    using Kind = base::Failure::Kind;
    using Source = VisitEnd::Source;
    EXPECT_EQ(runner::source_of(Waiting::login, Kind::unavailable), Source::infra);
    EXPECT_EQ(runner::source_of(Waiting::login, Kind::unauthenticated), Source::persona);
    EXPECT_EQ(runner::source_of(Waiting::spaces, Kind::missing), Source::infra);
    EXPECT_EQ(runner::source_of(Waiting::disk, Kind::unavailable), Source::infra);
    EXPECT_EQ(runner::source_of(Waiting::tools, Kind::unavailable), Source::product);
    EXPECT_EQ(runner::source_of(Waiting::tool, Kind::forbidden), Source::product);
    EXPECT_EQ(runner::source_of(Waiting::model, Kind::throttled), Source::model);
    EXPECT_EQ(runner::source_of(Waiting::rating, Kind::invalid), Source::model);
}

}  // namespace
