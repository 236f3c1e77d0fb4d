#include "workspace/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using workspace::check;
using workspace::object_schema;

std::vector<std::string> faults(const char* properties, const Json& value) {
    return check(*object_schema(properties), value);
}

TEST(Schema, AcceptsLengthsAtTheEdgeAndCountsCharacters) {
    const char* title = R"({"title": {"type": "string", "minLength": 1, "maxLength": 3}})";

    EXPECT_THAT(faults(title, {{"title", "äöü"}}), IsEmpty());
    EXPECT_THAT(faults(title, {{"title", "äöüß"}}),
                ElementsAre("title must be 1 to 3 characters long, got 4"));
    EXPECT_THAT(faults(title, {{"title", ""}}),
                ElementsAre("title must be 1 to 3 characters long, got 0"));
    EXPECT_THAT(faults(title, {{"title", "  "}}),
                ElementsAre("title must not be blank, got \"  \""));
}

TEST(Schema, RefusesTheCharacterThatTheDatabaseCannotKeep) {
    EXPECT_THAT(faults(R"({"title": {"type": "string"}})", {{"title", std::string("a\0b", 3)}}),
                ElementsAre(HasSubstr("U+0000")));
}

TEST(Schema, ChecksNumbersWithTheirLimits) {
    const char* level = R"({"level": {"type": "integer", "minimum": 1, "maximum": 10}})";

    EXPECT_THAT(faults(level, {{"level", 1}}), IsEmpty());
    EXPECT_THAT(faults(level, {{"level", 10.0}}), IsEmpty());
    EXPECT_THAT(faults(level, {{"level", 0}}), ElementsAre("level must be at least 1, got 0"));
    EXPECT_THAT(faults(level, {{"level", 11}}), ElementsAre("level must be at most 10, got 11"));
    EXPECT_THAT(faults(level, {{"level", 1.5}}),
                ElementsAre("level must be of type integer, got 1.5"));
    EXPECT_THAT(faults(level, {{"level", "5"}}),
                ElementsAre("level must be of type integer, got \"5\""));
    EXPECT_THAT(faults(R"({"n": {"type": "integer", "exclusiveMinimum": 0}})", {{"n", 0}}),
                ElementsAre("n must be greater than 0, got 0"));
}

TEST(Schema, ChecksWordsFormatsAndPatterns) {
    EXPECT_THAT(faults(R"({"p": {"type": "string", "enum": ["low", "high"]}})", {{"p", "mid"}}),
                ElementsAre("p must be one of \"low\", \"high\", got \"mid\""));
    EXPECT_THAT(faults(R"({"d": {"type": "string", "format": "date"}})", {{"d", "2027-02-29"}}),
                ElementsAre(HasSubstr("d must be a date like")));
    EXPECT_THAT(faults(R"({"d": {"type": "string", "format": "date"}})", {{"d", "2028-02-29"}}),
                IsEmpty());
    EXPECT_THAT(faults(R"({"d": {"type": "string", "format": "date-time"}})", {{"d", "tomorrow"}}),
                ElementsAre(HasSubstr("d must be a date and time")));
    EXPECT_THAT(faults(R"({"i": {"type": "string", "format": "uuid"}})", {{"i", "42"}}),
                ElementsAre(HasSubstr("i must be an id")));
    EXPECT_THAT(
        faults(R"({"c": {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}})", {{"c", "#12345g"}}),
        ElementsAre(HasSubstr("c must be a colour")));
    for (const char* good : {"https://example.org", "http://a.b:8080/x?y=1#z"}) {
        EXPECT_THAT(faults(R"({"u": {"type": "string", "format": "uri"}})", {{"u", good}}),
                    IsEmpty());
    }
    for (const char* bad : {"example.org", "ftp://a.b", "https://", "https://a b", "http://u@h/"}) {
        EXPECT_THAT(faults(R"({"u": {"type": "string", "format": "uri"}})", {{"u", bad}}),
                    ElementsAre(HasSubstr("u must be a web address")));
    }
    EXPECT_THAT(faults(R"({"m": {"type": "string", "format": "email"}})", {{"m", "a@b@c"}}),
                ElementsAre(HasSubstr("m must be a mail address")));
}

TEST(Schema, NamesThePathInsideArraysAndObjects) {
    const char* tags = R"({"tags": {"type": "array", "maxItems": 2, "items":
                           {"type": "object", "properties": {"n": {"type": "integer"}}}}})";

    EXPECT_THAT(faults(tags, {{"tags", {{{"n", 1}}, {{"n", "x"}}}}}),
                ElementsAre("tags[1].n must be of type integer, got \"x\""));
    EXPECT_THAT(faults(tags, {{"tags", {Json::object(), Json::object(), Json::object()}}}),
                ElementsAre("tags must have 0 to 2 items, got 3"));
}

TEST(Schema, NamesWhatIsMissingAndWhatIsUnknown) {
    const auto schema = object_schema(R"({"id": {"type": "string"}})", {"id"});

    EXPECT_THAT(check(*schema, Json::object()), ElementsAre("id is required"));
    EXPECT_THAT(check(*schema, {{"id", "a"}, {"di", 1}}),
                ElementsAre("di is not known; known are id"));
    EXPECT_THAT(check(*object_schema("{}"), {{"x", 1}}),
                ElementsAre("x is not known; there are no arguments"));
    EXPECT_THAT(check(*schema, {{"id", "a"}, {std::string("a\0b", 3), 1}}),
                ElementsAre("a\\u0000b is not known; known are id"));
    EXPECT_THAT(check(*schema, Json::array()),
                ElementsAre("the arguments must be of type object, got []"));
}

TEST(Schema, StopsAfterEightFaults) {
    Json value = Json::object();
    for (int i = 0; i < 50; ++i) value["x" + std::to_string(i)] = i;

    EXPECT_EQ(faults("{}", value).size(), 8u);
}

TEST(Schema, FillsInDefaultsAndDropsNullThatMeansNotGiven) {
    const auto schema = object_schema(R"({
        "limit": {"type": "integer", "default": 50},
        "note": {"type": "string"},
        "due": {"type": ["string", "null"]},
        "id": {"type": "string"}})",
                                      {"id"});
    Json arguments = {{"note", nullptr}, {"due", nullptr}, {"id", nullptr}, {"limit", nullptr}};

    workspace::fill_in(*schema, arguments);

    EXPECT_EQ(arguments, (Json{{"due", nullptr}, {"id", nullptr}, {"limit", 50}}));
}

TEST(Schema, FitsARecordOfAnotherAppWhereOnlyValuesAreAbsent) {
    const Json form = Json::parse(workspace::record_schema(R"({
        "title": {"type": "string"},
        "note": {"type": "string"},
        "due": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "done": {"type": "boolean"},
        "place": {"type": "integer", "default": 0}})",
                                                           {"note"}));
    Json record = {{"title", "t"}, {"note", nullptr}};

    EXPECT_TRUE(workspace::fit(form, record));
    EXPECT_EQ(record, (Json{{"title", "t"},
                            {"place", 0},
                            {"due", nullptr},
                            {"tags", Json::array()},
                            {"done", false}}));
    for (Json wrong : {Json{{"note", "n"}}, Json{{"title", 7}}, Json{{"title", nullptr}},
                       Json{{"title", "t"}, {"done", nullptr}}}) {
        EXPECT_FALSE(workspace::fit(form, wrong)) << wrong.dump();
    }
}

TEST(SchemaDeathTest, AbortsOnAKeywordThatIsNotChecked) {
    EXPECT_DEATH(workspace::require_known(*object_schema(R"({"a": {"multipleOf": 2}})")),
                 "unknown keyword");
    EXPECT_DEATH(workspace::require_known(*object_schema(R"({"a": {"format": "ipv4"}})")),
                 "unknown format");
    EXPECT_DEATH(workspace::require_known(*object_schema(R"({"a": {"pattern": "x+"}})")),
                 "unknown pattern");
}

}  // namespace
