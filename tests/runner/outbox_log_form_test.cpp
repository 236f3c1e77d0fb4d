// The form of the outbox's log: damage is told from truth, breaks one visit and no other.
#include "runner/outbox/log_form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using catalog::Action;
using runner::LogContent;
using runner::LogReader;
using runner::VisitRecords;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Action log_action(const std::string& visit, int seq, Action::Outcome outcome) {
    Action action;
    action.visit_id = visit;
    action.seq = seq;
    action.started_at = *base::from_iso("2026-11-21T09:30:00.250Z");
    action.module = "todo";
    action.tool = "todo.create";
    action.input_hash = "ab";
    action.outcome = outcome;
    if (outcome == Action::Outcome::ok) action.latency_ms = 12;
    return action;
}

// Header, two settled actions, the end: six records.
VisitRecords log_visit(const std::string& id) {
    VisitRecords visit;
    visit.visit_id = id;
    visit.user_id = "user-" + id;
    visit.persona = "anna";
    visit.started_at = *base::from_iso("2026-11-21T09:29:00.000Z");
    visit.actions = {log_action(id, 1, Action::Outcome::ok),
                     log_action(id, 2, Action::Outcome::ok)};
    visit.settled = {true, true};
    visit.end.emplace().status = catalog::VisitEnd::Status::finished;
    return visit;
}

std::vector<std::string> log_lines(const VisitRecords& visit) {
    std::vector<std::string> lines;
    std::uint64_t number = 0;
    for (const std::string& record : runner::record_texts(visit))
        runner::append_log_line(lines.emplace_back(), visit.visit_id, ++number, record);
    return lines;
}

std::string log_line(const std::string& visit, std::uint64_t number, std::string_view record) {
    std::string line;
    runner::append_log_line(line, visit, number, record);
    return line;
}

// The lines of two visits, turn about, as two visits that live side by side write them.
std::vector<std::string> log_of_two() {
    const auto a = log_lines(log_visit("a")), b = log_lines(log_visit("b"));
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < a.size(); ++i) {
        lines.push_back(a[i]);
        lines.push_back(b[i]);
    }
    return lines;
}

std::string log_text(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
}

LogContent log_content(const std::vector<std::string>& segments) {
    LogReader reader;
    std::uint64_t number = 0;
    for (const std::string& text : segments) reader.read(++number, text);
    return reader.finish();
}

std::vector<std::string> log_names(const LogContent& content) {
    std::vector<std::string> names;
    for (const auto& visit : content.visits) names.push_back(visit.records.visit_id);
    return names;
}

TEST(OutboxLogForm, VisitsSideBySideAreReadBack) {
    const LogContent content = log_content({log_text(log_of_two())});
    ASSERT_THAT(log_names(content), ElementsAre("a", "b"));
    EXPECT_EQ(content.visits[0].records, log_visit("a"));
    EXPECT_EQ(content.visits[1].records, log_visit("b"));
    EXPECT_EQ(content.visits[0].number, 6U);
    EXPECT_EQ(content.visits[0].segment, 1U);
    EXPECT_EQ(content.visits[0].bytes, log_text(log_lines(log_visit("a"))).size());
    EXPECT_THAT(content.broken, IsEmpty());
    EXPECT_THAT(content.damages, IsEmpty());
}

TEST(OutboxLogForm, AVisitGoesOnInTheNextSegment) {
    const auto lines = log_lines(log_visit("a"));
    for (std::size_t cut = 1; cut < lines.size(); ++cut) {
        const std::vector<std::string> first(lines.begin(), lines.begin() + static_cast<int>(cut));
        const std::vector<std::string> rest(lines.begin() + static_cast<int>(cut), lines.end());
        const LogContent content = log_content({log_text(first), log_text(rest)});
        ASSERT_EQ(content.visits.size(), 1U);
        EXPECT_EQ(content.visits[0].records, log_visit("a"));
        EXPECT_EQ(content.visits[0].segment, 1U);
    }
}

TEST(OutboxLogForm, EveryCutLeavesTheWholeLinesBeforeIt) {
    const auto lines = log_lines(log_visit("a"));
    const std::string text = log_text(lines);
    std::size_t whole = 0, bytes = 0;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        if (whole < lines.size() && bytes + lines[whole].size() == cut)
            bytes += lines[whole++].size();
        const LogContent content = log_content({text.substr(0, cut)});
        EXPECT_EQ(content.visits.size(), whole == 0 ? 0U : 1U) << cut;
        if (whole > 0) {
            EXPECT_EQ(content.visits[0].number, whole) << cut;
        }
        EXPECT_EQ(content.torn, cut == bytes ? 0U : 1U) << cut;
        EXPECT_THAT(content.broken, IsEmpty()) << cut;
        EXPECT_THAT(content.damages, IsEmpty()) << cut;
    }
}

TEST(OutboxLogForm, ADamagedByteBreaksItsVisitAndNoOther) {
    const auto lines = log_of_two();
    const std::string good = log_text(lines);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string hit = i % 2 == 0 ? "a" : "b", other = i % 2 == 0 ? "b" : "a";
        // All of the frame, and samples of the content.
        for (std::size_t at = begin; at + 1 < begin + lines[i].size();
             at += at < begin + 16 ? 1 : 23) {
            for (const char garbage : {'\0', '\n', ' ', '~'}) {
                if (good[at] == garbage) continue;
                std::string text = good;
                text[at] = garbage;
                const LogContent content = log_content({text});
                ASSERT_THAT(log_names(content), testing::Contains(other)) << i << " " << at;
                ASSERT_FALSE(content.damages.empty()) << i << " " << at;
                for (const auto& visit : content.visits) {
                    if (visit.records.visit_id == other) {
                        ASSERT_EQ(visit.records, log_visit(other));
                    }
                }
                // A last record whose name is gone looks like a visit that has not ended.
                const bool told = content.broken.size() == 1 && content.broken[0].visit_id == hit;
                ASSERT_TRUE(told || content.doubtful == std::set<std::string>{hit} ||
                            log_names(content) == std::vector<std::string>{other})
                    << i << " " << at << " " << static_cast<int>(garbage);
                if (i + 2 < lines.size()) {
                    ASSERT_TRUE(told) << i << " " << at;
                }
            }
        }
        begin += lines[i].size();
    }
}

TEST(OutboxLogForm, ALostNewlineBreaksWhoeverStandsOnBothSides) {
    std::string text = log_text(log_of_two());
    text[text.find('\n')] = 'x';
    const LogContent content = log_content({text});
    EXPECT_THAT(log_names(content), IsEmpty());
    ASSERT_EQ(content.broken.size(), 2U);
    EXPECT_THAT(content.broken[0].reason, HasSubstr("record 1 is missing or damaged"));
}

TEST(OutboxLogForm, ALostBlockBreaksTheVisitsInItOnly) {
    const auto a = log_lines(log_visit("a")), b = log_lines(log_visit("b")),
               c = log_lines(log_visit("c"));
    std::string text = log_text(a);
    const std::size_t begin = text.size() + 10;
    text += log_text({b.begin(), b.begin() + 3});
    const std::size_t end = text.size() - 10;
    text += log_text({b.begin() + 3, b.end()}) + log_text(c);
    std::fill(text.begin() + static_cast<int>(begin), text.begin() + static_cast<int>(end), '\0');
    const LogContent content = log_content({text});
    EXPECT_THAT(log_names(content), ElementsAre("a", "c"));
    ASSERT_EQ(content.broken.size(), 1U);
    EXPECT_EQ(content.broken[0].visit_id, "b");
    EXPECT_EQ(content.broken[0].number, 6U);
    ASSERT_EQ(content.damages.size(), 1U);
    EXPECT_EQ(content.damages[0].segment, 1U);
    EXPECT_EQ(content.damages[0].offset, log_text(a).size());
    EXPECT_GT(content.damages[0].bytes, end - begin);
}

TEST(OutboxLogForm, WhatWasWrittenTwiceCountsOnce) {
    // The disk failed after some of a batch: all of it stands again in the next segment.
    const auto lines = log_lines(log_visit("a"));
    std::string damaged = lines[2];
    damaged[20] ^= 1;
    const std::string first = log_text({lines[0], lines[1], damaged, lines[3]});
    const std::string second = log_text({lines[2], lines[3], lines[4], lines[5]});
    const LogContent content = log_content({first, second});
    ASSERT_EQ(content.visits.size(), 1U);
    EXPECT_EQ(content.visits[0].records, log_visit("a"));
    EXPECT_THAT(content.broken, IsEmpty());
}

TEST(OutboxLogForm, AWholeStandsForAllBeforeIt) {
    VisitRecords visit = log_visit("a");
    visit.end.reset();
    visit.settled[1] = false;
    visit.so_far.emplace().turns = 3;
    visit.ratings.emplace_back().visit_id = "a";
    visit.ratings.back().module = "todo";
    // Its earlier segments are gone, but for the last of them.
    const std::string old = log_text({log_lines(log_visit("a"))[3]});
    const std::string whole = log_line("a", 9, runner::whole_text(visit));
    for (const auto& segments : {std::vector{whole}, std::vector{old, whole}}) {
        const LogContent content = log_content(segments);
        ASSERT_EQ(content.visits.size(), 1U);
        EXPECT_EQ(content.visits[0].records, visit);
        EXPECT_EQ(content.visits[0].number, 9U);
        EXPECT_EQ(content.visits[0].segment, segments.size());
        EXPECT_EQ(content.visits[0].bytes, whole.size());
    }
    const LogContent torn = log_content({log_text(log_lines(log_visit("a"))), whole.substr(0, 99)});
    ASSERT_EQ(torn.visits.size(), 1U);
    EXPECT_EQ(torn.visits[0].records, log_visit("a"));
}

TEST(OutboxLogForm, DoneVisitsAreForgottenWithAllThatIsLeftOfThem) {
    const auto lines = log_lines(log_visit("a"));
    const std::string done = log_line("a", 7, runner::done_text);
    const std::string other = log_text(log_lines(log_visit("b")));
    for (std::size_t left = 0; left < lines.size(); ++left) {
        const LogContent content = log_content(
            {log_text({lines.begin() + static_cast<int>(left), lines.end()}) + other, done});
        EXPECT_THAT(log_names(content), ElementsAre("b"));
        EXPECT_THAT(content.broken, IsEmpty());
        EXPECT_EQ(content.done, std::set<std::string>{"a"});
    }
}

TEST(OutboxLogForm, RecordsWithoutTheirBeginningAreBroken) {
    const auto lines = log_lines(log_visit("a"));
    const LogContent content = log_content({"", "", lines[4] + lines[5]});
    ASSERT_EQ(content.broken.size(), 1U);
    EXPECT_EQ(content.broken[0].visit_id, "a");
    EXPECT_EQ(content.broken[0].segment, 3U);
}

TEST(OutboxLogForm, RecordsThatContradictEachOtherBreakTheirVisit) {
    const auto b = log_text(log_lines(log_visit("b")));
    const std::string foreign = log_line("a", 1, runner::header_text(log_visit("x")));
    EXPECT_THAT(log_content({foreign + b}).broken.at(0).reason, HasSubstr("visit x"));
    const std::string twice =
        log_text(log_lines(log_visit("a"))) + log_line("a", 7, runner::header_text(log_visit("a")));
    EXPECT_THAT(log_content({twice + b}).broken.at(0).reason, HasSubstr("record 7"));
    const std::string nonsense = log_line("a", 1, "no JSON");
    const LogContent content = log_content({nonsense + b});
    EXPECT_THAT(content.broken.at(0).reason, HasSubstr("record 1"));
    EXPECT_THAT(log_names(content), ElementsAre("b"));
}

TEST(OutboxLogForm, AnyVisitIdIsOneWordOfTheLine) {
    for (const std::string& id : {std::string("../../etc/passwd"), std::string("a b\nc%"),
                                  std::string("ü\0x", 4), std::string(1, ' ')}) {
        const std::string line = log_line(id, 3, runner::done_text);
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
        const auto read = runner::read_log_line(std::string_view(line).substr(0, line.size() - 1));
        ASSERT_TRUE(read);
        EXPECT_EQ(read->visit_id, id);
        EXPECT_EQ(read->number, 3U);
        EXPECT_EQ(read->record, runner::done_text);
    }
}

TEST(OutboxLogForm, WhatCanBeReadOfABrokenVisitIsCollected) {
    auto lines = log_lines(log_visit("a"));
    lines[1][30] ^= 1;
    runner::LooseRecords records{{"a", {}}};
    runner::collect_records(log_text(lines) + log_text(log_lines(log_visit("b"))), records);
    ASSERT_EQ(records.size(), 1U);
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, record] : records["a"]) numbers.push_back(number);
    EXPECT_THAT(numbers, ElementsAre(1, 3, 4, 5, 6));
    EXPECT_THAT(records["a"][6], HasSubstr(R"("kind":"end")"));
}

}  // namespace
