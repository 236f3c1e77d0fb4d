#include "clients/trace.hpp"

#include <gtest/gtest.h>

namespace {

using clients::traceparent_of;

TEST(Trace, TheVisitsUuidIsTheTraceAndEachCallASpanOfIt) {
    const std::string first = traceparent_of("7F3A2B1C-0d4e-4f5a-8b6c-9d7e8f901234", 1);
    const std::string second = traceparent_of("7F3A2B1C-0d4e-4f5a-8b6c-9d7e8f901234", 2);

    EXPECT_EQ(first.substr(0, 36), "00-7f3a2b1c0d4e4f5a8b6c9d7e8f901234-");
    EXPECT_EQ(first.substr(0, 36), second.substr(0, 36));
    EXPECT_NE(first, second);
    EXPECT_EQ(first.size(), 55U);
    EXPECT_EQ(first.substr(52), "-01");
    EXPECT_EQ(first, traceparent_of("7F3A2B1C-0d4e-4f5a-8b6c-9d7e8f901234", 1));
}

TEST(Trace, AnIdThatIsNoUuidGetsATraceOfItsOwn) {
    for (const char* id : {"visit-1", "", "00000000-0000-0000-0000-000000000000"}) {
        const std::string text = traceparent_of(id, 1);
        EXPECT_EQ(text.size(), 55U) << id;
        EXPECT_NE(text.substr(3, 32), std::string(32, '0')) << id;
    }
    EXPECT_NE(traceparent_of("visit-1", 1).substr(0, 35),
              traceparent_of("visit-2", 1).substr(0, 35));
}

}  // namespace
