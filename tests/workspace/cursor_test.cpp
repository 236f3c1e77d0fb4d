#include "workspace/sync/cursor.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using workspace::SyncCursor;

TEST(SyncCursor, ComesBackAsItWent) {
    const SyncCursor cursor{{"home", {18'446'744'073'709'551'615U, 7}}, {"flat, no 2", {3, 0}}};
    EXPECT_EQ(workspace::read_cursor(workspace::cursor_text(cursor)), cursor);
    EXPECT_EQ(workspace::read_cursor(workspace::cursor_text({})), SyncCursor{});
}

TEST(SyncCursor, BeginsAtTheBeginningWithoutOneOrWithATime) {
    EXPECT_TRUE(workspace::read_cursor("").empty());
    EXPECT_TRUE(workspace::read_cursor("1970-01-01T00:00:00.000Z").empty());
    EXPECT_TRUE(workspace::read_cursor("2026-11-20T10:00:00.123456789Z").empty());
}

TEST(SyncCursor, RefusesWhatIsNoneOfOurs) {
    for (const char* wrong : {"c1.", "c1.!!", "c2.e30", "yesterday", "c1.W10", "c1.eyJhIjoxfQ",
                              "c1.eyJhIjoiMSJ9", "c1.eyJhIjoiMS54In0", "c1.eyJhIjoiLTEuMSJ9"}) {
        EXPECT_THROW(workspace::read_cursor(wrong), base::Failure) << wrong;
    }
}

}  // namespace
