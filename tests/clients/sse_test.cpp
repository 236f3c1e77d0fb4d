// The event reader: every line end, every split, every odd field.
#include "clients/sse.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

struct SseSeen {
    std::string name, data, id;
    int retry_ms = -1;
    bool operator==(const SseSeen&) const = default;
};

void PrintTo(const SseSeen& seen, std::ostream* out) {
    *out << "{" << seen.name << "|" << seen.data << "|" << seen.id << "|" << seen.retry_ms << "}";
}

void drain_into(clients::SseReader& reader, std::vector<SseSeen>& seen) {
    while (const auto event = reader.next()) {
        seen.push_back({std::string{event->name}, std::string{event->data}, std::string{event->id},
                        event->retry ? static_cast<int>(event->retry->count()) : -1});
    }
}

std::vector<SseSeen> read_in_pieces(const std::string& text, std::size_t piece) {
    clients::SseReader reader;
    std::vector<SseSeen> seen;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        reader.feed(std::string_view{text}.substr(at, piece));
        drain_into(reader, seen);
    }
    return seen;
}

std::string with_line_ends(std::string text, const std::string& end) {
    std::string result;
    for (const char each : text) result += each == '\n' ? end : std::string(1, each);
    return result;
}

const std::string everything =
    ": a comment\n"
    "event: first\n"
    "data: {\"a\":1}\n"
    "\n"
    "data:no blank\n"
    "data:  two blanks\n"
    "data\n"
    "unknown: field\n"
    "\n"
    "id: 7\n"
    "retry: 700\n"
    "data:\n"
    "\n"
    "event: nothing to say\n"
    "\n"
    "data: äöü € 😀\n"
    "\n"
    "data: cut off";

const std::vector<SseSeen> everything_seen{{"first", "{\"a\":1}", "", -1},
                                           {"", "no blank\n two blanks\n", "", -1},
                                           {"", "", "7", 700},
                                           {"", "äöü € 😀", "7", -1}};

TEST(Sse, ReadsEveryLineEndInPiecesOfEverySize) {
    for (const std::string end : {"\n", "\r\n", "\r"}) {
        const std::string text = with_line_ends(everything, end);
        for (std::size_t piece = 1; piece <= text.size(); ++piece) {
            ASSERT_EQ(read_in_pieces(text, piece), everything_seen) << piece << " " << end.size();
        }
    }
}

TEST(Sse, ReadsEverySplitInTwo) {
    const std::string text = with_line_ends(everything, "\r\n");
    for (std::size_t at = 0; at <= text.size(); ++at) {
        clients::SseReader reader;
        std::vector<SseSeen> seen;
        reader.feed(std::string_view{text}.substr(0, at));
        drain_into(reader, seen);
        reader.feed(std::string_view{text}.substr(at));
        drain_into(reader, seen);
        ASSERT_EQ(seen, everything_seen) << at;
    }
}

TEST(Sse, StripsOneByteOrderMark) {
    for (std::size_t piece = 1; piece < 8; ++piece) {
        EXPECT_EQ(read_in_pieces("\xEF\xBB\xBF"
                                 "data: x\n\n",
                                 piece),
                  (std::vector<SseSeen>{{"", "x", "", -1}}));
    }
    // A second one belongs to the field's name, which is unknown then.
    EXPECT_TRUE(read_in_pieces("\xEF\xBB\xBF\xEF\xBB\xBF"
                               "data: x\n\n",
                               64)
                    .empty());
}

TEST(Sse, IgnoresWrongIdsAndRetries) {
    constexpr char raw[] = "id: a\0b\nretry: 1x\nretry: -5\ndata: x\n\n";
    const std::string text{raw, sizeof raw - 1};
    EXPECT_EQ(read_in_pieces(text, 64), (std::vector<SseSeen>{{"", "x", "", -1}}));
}

TEST(Sse, AnIdAloneIsAnswered) {
    EXPECT_EQ(read_in_pieces("id: st-1\n\n", 3), (std::vector<SseSeen>{{"", "", "st-1", -1}}));
}

TEST(Sse, RefusesEventsThatAreTooLarge) {
    clients::SseReader endless{100};
    endless.feed(std::string(101, 'x'));
    EXPECT_THROW(endless.next(), base::Failure);

    clients::SseReader many_lines{100};
    for (int i = 0; i < 3; ++i) many_lines.feed("data: " + std::string(40, 'x') + "\n");
    EXPECT_THROW(many_lines.next(), base::Failure);

    clients::SseReader fitting{100};
    fitting.feed("data: " + std::string(90, 'x') + "\n\n" + "data: " + std::string(90, 'y'));
    ASSERT_TRUE(fitting.next());
    EXPECT_FALSE(fitting.next());
}

}  // namespace
