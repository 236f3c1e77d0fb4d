#include "workspace/changes.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;

const std::string early = "2026-11-20T09:00:00.000Z";
const std::string late = "2026-11-20T10:00:00.000Z";

TEST(Changes, TheLaterWriterOfAFieldWins) {
    Json data = {{"title", "old"}, {"color", "red"}};
    Json times = {{"title", late}, {"color", early}};

    const Json applied = workspace::merge_fields(
        data, times, {{"title", "stale"}, {"color", "blue"}}, "2026-11-20T09:30:00.000Z");

    EXPECT_EQ(data, (Json{{"title", "old"}, {"color", "blue"}}));
    EXPECT_EQ(applied, (Json{{"color", "blue"}}));
    EXPECT_EQ(times["color"], "2026-11-20T09:30:00.000Z");
    EXPECT_EQ(times["title"], late);
}

TEST(Changes, AtTheSameTimeTheOneThatComesLaterWins) {
    Json data = {{"title", "old"}};
    Json times = {{"title", early}};

    workspace::merge_fields(data, times, {{"title", "new"}, {"extra", 1}}, early);

    EXPECT_EQ(data, (Json{{"title", "new"}, {"extra", 1}}));
}

}  // namespace
