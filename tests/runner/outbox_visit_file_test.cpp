// The form of a file that holds one visit: what was written is read back, whatever the crash left
// of it.
#include "runner/outbox/visit_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "runner/outbox/frame.hpp"

namespace {

using catalog::Action;
using catalog::Rating;
using catalog::VisitEnd;
using runner::read_visit_file;
using runner::VisitRecords;
using testing::HasSubstr;

Action file_action(int seq, Action::Outcome outcome) {
    Action action;
    action.visit_id = "visit-1";
    action.seq = seq;
    action.started_at = *base::from_iso("2026-11-21T09:30:00.250Z");
    action.module = "todo";
    action.tool = "todo.create";
    action.input_hash = std::string(64, 'a');
    action.input = base::Json{{"title", "Brötchen\nkaufen \"heute\""}};
    action.outcome = outcome;
    if (outcome != Action::Outcome::unknown) action.latency_ms = 12;
    if (outcome == Action::Outcome::error) action.error_message = "title fehlt";
    return action;
}

VisitRecords file_records() {
    VisitRecords visit;
    visit.visit_id = "visit-1";
    visit.user_id = "user-1";
    visit.persona = "anna";
    visit.started_at = *base::from_iso("2026-11-21T09:29:00.000Z");
    visit.actions = {file_action(1, Action::Outcome::ok), file_action(2, Action::Outcome::error),
                     file_action(3, Action::Outcome::unknown)};
    visit.settled = {true, true, false};
    Rating rated;
    rated.visit_id = "visit-1";
    rated.module = "todo";
    rated.status = Rating::Status::rated;
    rated.score = 4;
    rated.notes = "gut";
    rated.evidence = {1, 2};
    visit.ratings = {rated};
    VisitEnd end;
    end.status = VisitEnd::Status::finished;
    end.reason = "end_turn";
    end.turns = 3;
    end.tool_calls = 3;
    end.actions = 3;
    end.ratings = 1;
    end.tokens = {10, 20, 30, 40};
    end.cost_usd = 0.0125;
    end.model = "claude-sonnet-5-5";
    end.product_name = "mana";
    end.product_version = "1.0";
    end.summary = "Ein guter Tag.";
    visit.end = end;
    return visit;
}

std::vector<std::string> file_lines(const VisitRecords& visit) {
    std::vector<std::string> lines;
    for (const std::string& record : runner::record_texts(visit))
        runner::append_guarded(lines.emplace_back(), record);
    return lines;
}

std::string file_header(const VisitRecords& visit) {
    return file_lines(visit).front();
}

std::string file_intent(const Action& action) {
    std::string line;
    runner::append_guarded(line, runner::intent_text(action, std::nullopt));
    return line;
}

std::string file_text(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
}

std::string file_complaint(const std::string& text) {
    try {
        read_visit_file(text);
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
        return failure.what();
    }
    return "no failure";
}

TEST(OutboxVisitFile, RoundTrip) {
    const VisitRecords visit = file_records();
    const std::string text = file_text(file_lines(visit));
    const runner::VisitFile read = read_visit_file(text);
    EXPECT_EQ(read.visit, visit);
    EXPECT_EQ(read.bytes_read, text.size());
    EXPECT_FALSE(read.torn);
    EXPECT_EQ(runner::visit_file_text(visit), text);
}

TEST(OutboxVisitFile, EveryLineIsOneLineWithAChecksum) {
    for (const std::string& line : file_lines(file_records())) {
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
        EXPECT_TRUE(line.ends_with('\n'));
        EXPECT_EQ(line.find_first_not_of("0123456789abcdef"), 8U) << line;
        EXPECT_EQ(line[8], ' ');
    }
}

TEST(OutboxVisitFile, EveryCutLeavesTheWholeLinesBeforeIt) {
    const std::vector<std::string> lines = file_lines(file_records());
    const std::string text = file_text(lines);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        std::size_t whole_bytes = 0, whole_lines = 0;
        while (whole_lines < lines.size() && whole_bytes + lines[whole_lines].size() <= cut) {
            whole_bytes += lines[whole_lines++].size();
        }
        const std::string part = text.substr(0, cut);
        if (whole_lines == 0) {
            EXPECT_EQ(read_visit_file(part).visit.visit_id, "") << cut;
            continue;
        }
        const runner::VisitFile read = read_visit_file(part);
        EXPECT_EQ(read.bytes_read, whole_bytes) << cut;
        EXPECT_EQ(read.torn, whole_bytes != cut) << cut;
        EXPECT_EQ(read.visit, read_visit_file(text.substr(0, whole_bytes)).visit) << cut;
    }
}

TEST(OutboxVisitFile, IntentsWithoutOutcomeStayUnknown) {
    std::vector<std::string> lines = file_lines(file_records());
    lines.resize(2);
    const VisitRecords read = read_visit_file(file_text(lines)).visit;
    ASSERT_EQ(read.actions.size(), 1U);
    EXPECT_EQ(read.actions[0].outcome, Action::Outcome::unknown);
    EXPECT_FALSE(read.settled[0]);
    EXPECT_FALSE(read.end);
}

TEST(OutboxVisitFile, DamageBeforeTheLastLineIsNamedByItsLine) {
    const std::vector<std::string> lines = file_lines(file_records());
    for (std::size_t damaged = 0; damaged + 1 < lines.size(); ++damaged) {
        for (const std::size_t at : {std::size_t{0}, std::size_t{8}, lines[damaged].size() / 2}) {
            std::vector<std::string> bad = lines;
            bad[damaged][at] = bad[damaged][at] == '7' ? '6' : '7';
            EXPECT_THAT(file_complaint(file_text(bad)),
                        HasSubstr("line " + std::to_string(damaged + 1) + " is damaged"));
        }
    }
    std::vector<std::string> bad = lines;
    bad[2] = "\n";
    EXPECT_THAT(file_complaint(file_text(bad)), HasSubstr("line 3 is damaged"));
}

TEST(OutboxVisitFile, ADamagedLastLineCountsAsTorn) {
    std::vector<std::string> lines = file_lines(file_records());
    const std::size_t good = file_text(lines).size() - lines.back().size();
    lines.back()[20] ^= 1;
    const runner::VisitFile read = read_visit_file(file_text(lines));
    EXPECT_TRUE(read.torn);
    EXPECT_EQ(read.bytes_read, good);
    EXPECT_FALSE(read.visit.end);
}

TEST(OutboxVisitFile, RecordsThatContradictEachOtherAreRefused) {
    const std::vector<std::string> lines = file_lines(file_records());
    VisitRecords other = file_records();
    other.visit_id = "visit-2";
    EXPECT_THAT(file_complaint(lines[0] + file_header(other)), HasSubstr("line 2"));
    Action foreign = file_action(1, Action::Outcome::ok);
    foreign.visit_id = "visit-2";
    EXPECT_THAT(file_complaint(lines[0] + file_intent(foreign)), HasSubstr("line 2"));
    EXPECT_THAT(file_complaint(file_text(lines) + lines[1]),
                HasSubstr("line " + std::to_string(lines.size() + 1)));
    EXPECT_THAT(file_complaint(lines[1] + lines[0]), HasSubstr("line 1"));
}

TEST(OutboxVisitFile, TheSameRatingTwiceIsOneRating) {
    const VisitRecords visit = file_records();
    std::vector<std::string> lines = file_lines(visit);
    lines.insert(lines.end() - 1, lines[lines.size() - 2]);
    EXPECT_EQ(read_visit_file(file_text(lines)).visit.ratings, visit.ratings);
}

TEST(OutboxVisitFile, OutcomesOfEarlierVersionsTellTheWholeAction) {
    const VisitRecords visit = file_records();
    std::vector<std::string> lines = file_lines(visit);
    base::Json outcome{{"kind", "outcome"}};
    outcome.update(catalog::to_json(visit.actions[0]));
    lines[2].clear();
    runner::append_guarded(lines[2], base::to_text(outcome));
    EXPECT_EQ(read_visit_file(file_text(lines)).visit, visit);
}

TEST(OutboxVisitFile, AnOutcomeNeedsItsIntent) {
    std::vector<std::string> lines = file_lines(file_records());
    lines.erase(lines.begin() + 1);
    EXPECT_THAT(file_complaint(file_text(lines)), HasSubstr("that of an intent above"));
}

}  // namespace
