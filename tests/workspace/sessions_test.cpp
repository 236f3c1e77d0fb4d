#include "workspace/sessions.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.hpp"

namespace {

using std::chrono::seconds;

TEST(Sessions, BelongToOneUser) {
    tests::FakeClock clock;
    workspace::Sessions sessions({}, clock);

    const std::string id = sessions.open({.user_id = "anna", .version = "2025-11-25"});

    ASSERT_TRUE(sessions.use(id, "anna"));
    EXPECT_EQ(sessions.use(id, "anna")->version, "2025-11-25");
    EXPECT_FALSE(sessions.use(id, "ben"));
    EXPECT_FALSE(sessions.close(id, "ben"));
    EXPECT_TRUE(sessions.close(id, "anna"));
    EXPECT_FALSE(sessions.use(id, "anna"));
}

TEST(Sessions, EndWhenIdleAndStayWhenUsed) {
    tests::FakeClock clock;
    workspace::Sessions sessions({.idle_max = seconds{60}}, clock);
    const std::string used = sessions.open({.user_id = "anna", .version = "v"});
    const std::string idle = sessions.open({.user_id = "anna", .version = "v"});

    clock.advance(seconds{40});
    ASSERT_TRUE(sessions.use(used, "anna"));
    clock.advance(seconds{20});
    EXPECT_TRUE(sessions.use(idle, "anna")) << "sixty seconds are not too long";
    clock.advance(seconds{41});

    EXPECT_FALSE(sessions.use(used, "anna"));
    EXPECT_TRUE(sessions.use(idle, "anna"));
    EXPECT_EQ(sessions.size(), 1u);
}

TEST(Sessions, MakeRoomForTheNewestOfAUser) {
    tests::FakeClock clock;
    workspace::Sessions sessions({.sessions_max = 3, .sessions_per_user_max = 2}, clock);
    const std::string of_ben = sessions.open({.user_id = "ben", .version = "v"});
    const std::string first = sessions.open({.user_id = "anna", .version = "v"});
    const std::string second = sessions.open({.user_id = "anna", .version = "v"});

    const std::string third = sessions.open({.user_id = "anna", .version = "v"});

    EXPECT_FALSE(sessions.use(first, "anna"));
    EXPECT_TRUE(sessions.use(second, "anna"));
    EXPECT_TRUE(sessions.use(third, "anna"));
    EXPECT_TRUE(sessions.use(of_ben, "ben"));

    sessions.open({.user_id = "carl", .version = "v"});

    EXPECT_EQ(sessions.size(), 3u);
    EXPECT_FALSE(sessions.use(second, "anna")) << "it was idle longest";
}

TEST(Sessions, LimitTheCallsOfAMinute) {
    tests::FakeClock clock;
    workspace::Sessions sessions({.calls_per_minute_max = 2}, clock);
    const std::string id = sessions.open({.user_id = "anna", .version = "v"});

    EXPECT_TRUE(sessions.may_call(id));
    EXPECT_TRUE(sessions.may_call(id));
    EXPECT_FALSE(sessions.may_call(id));
    clock.advance(seconds{60});
    EXPECT_TRUE(sessions.may_call(id));
}

TEST(Sessions, CloseAllOfAUser) {
    tests::FakeClock clock;
    workspace::Sessions sessions({}, clock);
    sessions.open({.user_id = "anna", .version = "v"});
    sessions.open({.user_id = "anna", .version = "v"});
    const std::string of_ben = sessions.open({.user_id = "ben", .version = "v"});

    sessions.close_all("anna");

    EXPECT_EQ(sessions.size(), 1u);
    EXPECT_TRUE(sessions.use(of_ben, "ben"));
}

}  // namespace
