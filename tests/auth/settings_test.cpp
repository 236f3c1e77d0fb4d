#include "auth/account/settings.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "auth/account/product.hpp"

namespace {

using base::Json;

TEST(Settings, ObjectsMergeMemberByMemberEverythingElseReplaces) {
    const Json target = {{"a", {{"b", 1}, {"c", {1, 2}}}}, {"d", "x"}};
    EXPECT_EQ(auth::merged(target, {{"a", {{"b", 2}}}}),
              (Json{{"a", {{"b", 2}, {"c", {1, 2}}}}, {"d", "x"}}));
    EXPECT_EQ(auth::merged(target, {{"a", {{"c", {3}}}}}),
              (Json{{"a", {{"b", 1}, {"c", {3}}}}, {"d", "x"}}));
    EXPECT_EQ(auth::merged(target, {{"a", nullptr}}), (Json{{"a", nullptr}, {"d", "x"}}));
    EXPECT_EQ(auth::merged(target, {{"d", {{"e", 1}}}}),
              (Json{{"a", {{"b", 1}, {"c", {1, 2}}}}, {"d", {{"e", 1}}}}));
    EXPECT_EQ(auth::merged(target, Json::object()), target);
}

TEST(Settings, DevicesAreListedLastSeenFirst) {
    const Json devices = {{"old", {{"deviceName", "A"}, {"lastSeen", "2026-01-01"}}},
                          {"new",
                           {{"deviceName", "B"},
                            {"deviceType", "phone"},
                            {"lastSeen", "2026-02-01"},
                            {"apps", {{"todo", Json::object()}}}}},
                          {"odd", 7}};
    const Json list = auth::list_devices(devices);
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0], (Json{{"deviceId", "new"},
                             {"deviceName", "B"},
                             {"deviceType", "phone"},
                             {"lastSeen", "2026-02-01"},
                             {"appCount", 1}}));
    EXPECT_EQ(list[1]["deviceId"], "old");
    EXPECT_EQ(list[2]["deviceName"], "Unknown");
}

TEST(Settings, TablesHaveReadableLabels) {
    EXPECT_EQ(auth::label_of_table("tasks"), "Tasks");
    EXPECT_EQ(auth::label_of_table("taskItems"), "Task Items");
    EXPECT_EQ(auth::label_of_table("user_context"), "User context");
    EXPECT_EQ(auth::label_of_table(""), "");
}

}  // namespace
