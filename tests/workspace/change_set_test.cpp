// What a client may push, and which writer is the last. The rows are those of the list of doubts
// about sync (sync.md, section 11).
#include "workspace/sync/change_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace {

using base::Json;
using testing::HasSubstr;
using workspace::ChangeSet;

const base::Moment noon = *base::from_iso("2026-11-20T12:00:00Z");

ChangeSet read(const Json& changes, const std::string& client = "") {
    return workspace::read_change_set(
        {{"clientId", "phone"}, {"changes", changes}},
        {.user_id = "anna", .app_id = "todo", .client_header = client, .now = noon});
}

Json update(const Json& fields) {
    return {{"table", "tasks"}, {"id", "t1"}, {"op", "update"}, {"fields", fields}};
}

std::string complaint(const Json& change) {
    try {
        read(Json::array({change}));
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return "no failure";
}

// Rows 15 to 17: times have one form, none lies in the future, none is missing.
TEST(ChangeSet, TimesAreNormalisedClampedAndDemanded) {
    const auto set = read(
        Json::array({update({{"title", {{"value", "a"}, {"at", "2026-11-20T13:30:00.5+02:00"}}},
                             {"done", {{"value", true}, {"at", "2031-01-01T00:00:00Z"}}}})}));
    EXPECT_EQ(set.changes[0].times["title"], "2026-11-20T11:30:00.500Z");
    EXPECT_EQ(set.changes[0].times["done"], "2026-11-20T12:01:00.000Z");
    EXPECT_THAT(complaint(update({{"title", {{"value", "a"}}}})), HasSubstr("title.at"));
    EXPECT_THAT(
        complaint(update({{"title", {{"value", "a"}, {"updatedAt", "2026-11-20T12:00:00Z"}}}})),
        HasSubstr("title.at"));
    EXPECT_THAT(complaint(update({{"title", {{"value", "a"}, {"at", "noon"}}}})), HasSubstr("ISO"));
}

// Rows 18 and 21, and what else is no change.
TEST(ChangeSet, RefusesWhatSaysNothing) {
    EXPECT_THAT(complaint(update(Json::object())), HasSubstr("changes[0].fields"));
    EXPECT_THAT(complaint(update({{"title", nullptr}})), HasSubstr("title"));
    EXPECT_THAT(complaint({{"table", "tasks"}, {"id", "t1"}, {"op", "insert"}}), HasSubstr("data"));
    EXPECT_THAT(complaint({{"table", "tasks"}, {"id", "t1"}, {"op", "upsert"}}), HasSubstr("op"));
    EXPECT_THAT(complaint({{"table", ""}, {"id", "t1"}, {"op", "delete"}}), HasSubstr("table"));
    EXPECT_THAT(complaint({{"table", "tasks"}, {"id", ""}, {"op", "delete"}}), HasSubstr("id"));
    EXPECT_THAT(complaint({{"table", "a,b"}, {"id", "t"}, {"op", "delete"}}), HasSubstr("table"));
    EXPECT_THAT(complaint({{"table", "t"}, {"id", "t"}, {"op", "delete"}, {"schemaVersion", 2}}),
                HasSubstr("schemaVersion"));
    EXPECT_THAT(complaint({{"table", "t"}, {"id", "t"}, {"op", "delete"}, {"eventId", "7"}}),
                HasSubstr("eventId"));
    EXPECT_THAT(complaint({{"table", "t"}, {"id", "t"}, {"op", "delete"}, {"origin", "moon"}}),
                HasSubstr("origin"));
    EXPECT_THROW(workspace::read_change_set(
                     {{"changes", Json::array()}},
                     {.user_id = "a", .app_id = "t", .client_header = "", .now = noon}),
                 base::Failure);
}

TEST(ChangeSet, RefusesTheCharacterThatTheDatabaseCannotKeep) {
    const std::string nul("a\0b", 3);
    for (const Json& data : {Json{{"title", nul}}, Json{{nul, 1}}, Json{{"x", {{{"y", nul}}}}},
                             Json{{"x", {{nul, 1}}}}}) {
        EXPECT_THAT(complaint({{"table", "t"}, {"id", "t"}, {"op", "insert"}, {"data", data}}),
                    HasSubstr("changes[0].data must be without the character U+0000"));
    }
    EXPECT_THAT(complaint(update({{"x", {{"value", nul}, {"at", "2026-11-20T09:00:00Z"}}}})),
                HasSubstr("changes[0].fields must be without"));
    EXPECT_THAT(complaint({{"table", "t"},
                           {"id", "t"},
                           {"op", "insert"},
                           {"data", {{"x", 1}}},
                           {"actor", {{"kind", nul}}}}),
                HasSubstr("changes[0].actor must be without"));
}

// Row 25: a set is bounded.
TEST(ChangeSet, HasAtMostAThousandChanges) {
    Json changes = Json::array();
    for (int i = 0; i < 1'000; ++i) {
        changes.push_back({{"table", "t"}, {"id", std::to_string(i)}, {"op", "delete"}});
    }
    EXPECT_EQ(read(changes).changes.size(), 1'000U);
    changes.push_back({{"table", "t"}, {"id", "x"}, {"op", "delete"}});
    EXPECT_THROW(read(changes), base::Failure);
}

TEST(ChangeSet, FindsTheSpaceInEachOfItsPlaces) {
    const auto set = read(Json::array(
        {Json{{"table", "t"}, {"id", "1"}, {"op", "delete"}, {"spaceId", "flat"}},
         Json{{"table", "t"},
              {"id", "2"},
              {"op", "insert"},
              {"data", {{"a", 1}, {"spaceId", "home"}}}},
         Json{{"table", "t"},
              {"id", "3"},
              {"op", "update"},
              {"fields",
               {{"a", {{"value", 1}, {"at", "2026-11-20T12:00:00Z"}}},
                {"spaceId", {{"value", "nest"}, {"at", "2026-11-20T12:00:00Z"}}}}}},
         Json{{"table", "t"}, {"id", "4"}, {"op", "delete"}, {"spaceId", "_personal:anna"}}}));
    EXPECT_EQ(set.changes[0].space_id, "flat");
    EXPECT_EQ(set.changes[1].space_id, "home");
    EXPECT_EQ(set.changes[2].space_id, "nest");
    EXPECT_EQ(set.changes[3].space_id, "");
    EXPECT_FALSE(set.changes[1].values.contains("spaceId"));
}

// Row 6: a change that is sent again is the same change, also without a name of its own.
TEST(ChangeSet, AResentChangeHasTheSameName) {
    const Json one = Json::array({update({{"a", {{"value", 1}, {"at", "2026-11-20T11:00:00Z"}}}})});
    const Json other =
        Json::array({update({{"a", {{"value", 2}, {"at", "2026-11-20T11:00:00Z"}}}})});
    EXPECT_EQ(read(one).changes[0].event_id, read(one).changes[0].event_id);
    EXPECT_NE(read(one).changes[0].event_id, read(other).changes[0].event_id);
    EXPECT_NE(read(one).changes[0].event_id, read(one, "laptop").changes[0].event_id);
    EXPECT_EQ(read(one, "laptop").client_id, "laptop");
}

TEST(ChangeSet, AnInsertTakesItsTimesFromTheRecord) {
    const auto times = [](Json data, Json more = Json::object()) {
        Json change{{"table", "t"}, {"id", "1"}, {"op", "insert"}, {"data", std::move(data)}};
        change.update(more);
        return read(Json::array({change})).changes[0].times;
    };
    EXPECT_EQ(times({{"a", 1},
                     {"updatedAt", "2026-11-19T00:00:00Z"},
                     {"createdAt", "2026-11-01T00:00:00Z"}})["a"],
              "2026-11-19T00:00:00.000Z");
    EXPECT_EQ(times({{"a", 1}, {"createdAt", "2026-11-01T00:00:00Z"}})["a"],
              "2026-11-01T00:00:00.000Z");
    EXPECT_EQ(times({{"a", 1}})["a"], "2026-11-20T12:00:00.000Z");
    EXPECT_EQ(times({{"a", 1}, {"b", 2}}, {{"fieldMeta", {{"b", "2026-11-02T00:00:00Z"}}}})["b"],
              "2026-11-02T00:00:00.000Z");
}

TEST(ChangeSet, EachFieldGoesToItsLastWriter) {
    Json data{{"title", "old"}, {"done", false}};
    Json times{{"title", "2026-11-20T10:00:00.000Z"}, {"done", "2026-11-20T11:00:00.000Z"}};
    workspace::PushedChange change;
    change.values = {{"title", "new"}, {"done", true}, {"note", "n"}};
    change.times = {{"title", "2026-11-20T10:00:00.000Z"},
                    {"done", "2026-11-20T10:59:59.999Z"},
                    {"note", "2026-11-20T09:00:00.000Z"}};

    EXPECT_TRUE(workspace::merge_change(data, times, change));

    EXPECT_EQ(data["title"], "new") << "of two at one moment, the later arrival counts";
    EXPECT_EQ(data["done"], false);
    EXPECT_EQ(data["note"], "n");
    EXPECT_EQ(times["done"], "2026-11-20T11:00:00.000Z");
    change.values = {{"done", true}};
    change.times = {{"done", "2026-11-20T10:00:00.000Z"}};
    EXPECT_FALSE(workspace::merge_change(data, times, change));
}

}  // namespace
