// Claude's answer about the day, however she put it, becomes one row per module.
#include "runner/ratings.hpp"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using catalog::Rating;
using runner::read_ratings;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const runner::RatingQuestion rating_asked{"visit-1", {"todo", "notes"}, 5};

// "todo=4 notes=unparsed": the rows in short.
std::string rating_rows(std::string_view answer) {
    std::string text;
    for (const Rating& row : read_ratings(rating_asked, answer)) {
        EXPECT_EQ(row.visit_id, "visit-1");
        EXPECT_EQ(row.score.has_value(), row.status == Rating::Status::rated);
        text += (text.empty() ? "" : " ") + row.module + "=";
        text += row.score ? std::to_string(*row.score) : std::string(word_of(row.status));
    }
    return text;
}

TEST(Ratings, ReadsTheFormThatWasAskedFor) {
    const auto rows = read_ratings(
        rating_asked, R"({"ratings":[{"module":"notes","rating":2,"notes":"zäh","evidence":[3,4]},
                                     {"module":"todo","rating":5,"notes":"gut","evidence":[1]}]})");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].module, "todo");
    EXPECT_EQ(rows[0].score, 5);
    EXPECT_EQ(rows[0].notes, "gut");
    EXPECT_THAT(rows[0].evidence, ElementsAre(1));
    EXPECT_EQ(rows[1].score, 2);
    EXPECT_EQ(rows[1].notes, "zäh");
    EXPECT_THAT(rows[1].evidence, ElementsAre(3, 4));
}

TEST(Ratings, AcceptsFencesProseAndBareArrays) {
    EXPECT_EQ(rating_rows("```json\n[{\"module\":\"todo\",\"rating\":4},"
                          "{\"module\":\"notes\",\"rating\":3}]\n```"),
              "todo=4 notes=3");
    EXPECT_EQ(rating_rows("Gern! [1] Hier {meine} Noten:\n"
                          "{\"ratings\":[{\"module\":\"todo\",\"rating\":1}]} Bis morgen :-}"),
              "todo=1 notes=missing");
    EXPECT_EQ(rating_rows("  \n[{\"module\":\"todo\",\"score\":2},{\"module\":\"notes\","
                          "\"score\":3}]"),
              "todo=2 notes=3");
    EXPECT_EQ(rating_rows(R"([{"module":"todo","rating":4,"notes":"ein \"]}\" darin"},
                              {"module":"notes","rating":4}])"),
              "todo=4 notes=4");
}

TEST(Ratings, AcceptsMapsOfModules) {
    EXPECT_EQ(rating_rows(R"({"todo":4,"notes":"3"})"), "todo=4 notes=3");
    EXPECT_EQ(rating_rows(R"({"ratings":{"todo":{"rating":4},"notes":{"score":1}}})"),
              "todo=4 notes=1");
    EXPECT_EQ(rating_rows(R"({"Todo":4," notes":3})"), "todo=4 notes=missing");
}

TEST(Ratings, ScoresAreWholeNumbersFromOneToFive) {
    const std::pair<const char*, const char*> scores[] = {
        {"1", "1"},
        {"5", "5"},
        {"4.0", "4"},
        {"\"4\"", "4"},
        {"\" 4 \"", "4"},
        {"\"4.0\"", "4"},
        {"0", "unparsed"},
        {"6", "unparsed"},
        {"-3", "unparsed"},
        {"3.5", "unparsed"},
        {"1e99", "unparsed"},
        {"\"4/5\"", "unparsed"},
        {"\"\"", "unparsed"},
        {"\"vier\"", "unparsed"},
        {"\"nan\"", "unparsed"},
        {"null", "unparsed"},
        {"true", "unparsed"},
        {"[4]", "unparsed"},
        {"\"inf\"", "unparsed"},
        {"99999999999999999999", "unparsed"},
    };
    for (const auto& [score, read] : scores) {
        EXPECT_EQ(rating_rows(std::string("[{\"module\":\"todo\",\"rating\":") + score + "}]"),
                  std::string("todo=") + read + " notes=missing")
            << score;
    }
}

TEST(Ratings, UnreadableScoresKeepTheirNotes) {
    const auto rows = read_ratings(
        rating_asked, R"([{"module":"todo","rating":"4/5","notes":"fast gut","evidence":[2]}])");
    EXPECT_EQ(rows[0].status, Rating::Status::unparsed);
    EXPECT_EQ(rows[0].notes, "fast gut");
    EXPECT_THAT(rows[0].evidence, ElementsAre(2));
}

TEST(Ratings, IgnoresModulesThatWereNotAskedFor) {
    EXPECT_EQ(rating_rows(R"([{"module":"zoo","rating":5},{"module":"todo","rating":3},
                              {"rating":1},{"module":7,"rating":2},"x"])"),
              "todo=3 notes=missing");
    EXPECT_EQ(rating_rows(R"({"zoo":5,"todo":3})"), "todo=3 notes=missing");
}

TEST(Ratings, OfTwoAnswersTheFirstReadableCounts) {
    EXPECT_EQ(rating_rows(R"([{"module":"todo","rating":"viel"},{"module":"todo","rating":2},
                              {"module":"TODO","rating":5}])"),
              "todo=2 notes=missing");
}

TEST(Ratings, EvidenceNamesActionsOfTheVisitOnce) {
    const auto rows = read_ratings(
        rating_asked,
        R"([{"module":"todo","rating":4,"evidence":[5,0,-1,6,5,2.5,"3",1,18446744073709551615]}])");
    EXPECT_THAT(rows[0].evidence, ElementsAre(5, 1));
}

TEST(Ratings, EvidenceIsBounded) {
    std::string answer = "[{\"module\":\"todo\",\"rating\":4,\"evidence\":[1";
    for (int seq = 2; seq <= 300; ++seq) answer += "," + std::to_string(seq);
    const auto rows = read_ratings({"visit-1", {"todo"}, 500}, answer + "]}]");
    EXPECT_EQ(rows[0].score, 4);
    EXPECT_EQ(rows[0].evidence.size(), catalog::evidence_max);
}

TEST(Ratings, NotesAreCutBetweenCharacters) {
    std::string notes;
    for (int i = 0; i < 2'000; ++i) notes += "ä";
    const auto rows = read_ratings(
        rating_asked, "[{\"module\":\"todo\",\"rating\":4,\"notes\":\"" + notes + "\"}]");
    EXPECT_LE(rows[0].notes.size(), catalog::notes_bytes_max);
    EXPECT_TRUE(rows[0].notes.ends_with("…"));
}

TEST(Ratings, AnAnswerThatNobodyCanReadIsARowOfItsOwn) {
    for (const char* answer :
         {"", "Alles prima, 5 von 5!", "{\"ratings\":", "[[[[", "{}", "[1,2]"}) {
        const auto rows = read_ratings(rating_asked, answer);
        ASSERT_EQ(rows.size(), 3U) << answer;
        EXPECT_EQ(rows[0].module, runner::unreadable_answer_module);
        EXPECT_EQ(rows[0].module, "__parse");
        EXPECT_EQ(rows[0].notes, answer);
        for (const Rating& row : rows) {
            EXPECT_EQ(row.status, Rating::Status::unparsed);
            EXPECT_FALSE(row.score);
        }
    }
    EXPECT_LE(read_ratings(rating_asked, std::string(100'000, 'x'))[0].notes.size(), 500U);
    EXPECT_THAT(read_ratings(rating_asked, "\xff\xfe kaputt")[0].notes, HasSubstr("kaputt"));
}

TEST(Ratings, DeepAndManyBracketsAreBounded) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(read_ratings(rating_asked, std::string(1'000'000, '[')).size(), 3U);
    EXPECT_EQ(
        read_ratings(rating_asked, std::string(100'000, '[') + std::string(100'000, ']')).size(),
        3U);
    std::string pairs;
    for (int i = 0; i < 200'000; ++i) pairs += "[]";
    EXPECT_EQ(read_ratings(rating_asked, pairs).size(), 3U);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{20});
}

TEST(Ratings, UnansweredQuestionsKeepStatusAndReason) {
    using Status = Rating::Status;
    for (const Status status : {Status::missing, Status::refused, Status::unparsed}) {
        const auto rows = runner::unanswered_ratings(rating_asked, status, "claude answered 529");
        ASSERT_EQ(rows.size(), 2U);
        for (const Rating& row : rows) {
            EXPECT_EQ(row.status, status);
            EXPECT_FALSE(row.score);
            EXPECT_EQ(row.notes, "claude answered 529");
            EXPECT_EQ(row.visit_id, "visit-1");
        }
    }
    EXPECT_THAT(runner::unanswered_ratings({"v", {}, 0}, Status::missing, "x"), IsEmpty());
}

}  // namespace
