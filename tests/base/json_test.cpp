#include "base/json.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json_quick.hpp"

namespace base {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Not;

// The sentence of the Failure::invalid that `act` throws.
template <class Act>
std::string json_complaint(Act act) {
    try {
        act();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
        return failure.what();
    }
    ADD_FAILURE() << "no failure";
    return {};
}

std::string json_refusal(const std::string& text, int depth_max = 64) {
    EXPECT_EQ(try_parse_json(text, depth_max), std::nullopt);
    return json_complaint([&] { parse_json(text, "request body", depth_max); });
}

TEST(json, keeps_the_order_of_members) {
    const Json value = parse_json(R"({"z":1,"a":[true,null,"ü"],"m":-2.5})", "body");
    EXPECT_EQ(to_text(value), R"({"z":1,"a":[true,null,"ü"],"m":-2.5})");
    EXPECT_EQ(try_parse_json("7"), Json(7));
}

TEST(json, faults_name_the_place_and_never_the_content) {
    EXPECT_EQ(json_refusal("{\n  \"password\": hunter2\n}"),
              "request body is not valid JSON at line 2, column 15");
    EXPECT_EQ(json_refusal(""), "request body is empty; send JSON");
    EXPECT_EQ(json_refusal(" \n"), "request body is empty; send JSON");
}

TEST(json, refuses_what_is_not_exactly_one_value) {
    for (const std::string& text :
         {"{}{}"s, "[1,]"s, "{\"a\":}"s, "[1] x"s, "'a'"s, "NaN"s, "01"s, "{\"a\":1"s, "// c\n1"s,
          "\"\\ud800\""s, "\"\\udc00\\ud800\""s, "\"\xED\xA0\x80\""s, "\"\xFF\""s, "\"a\nb\""s,
          "1e999"s, "{\"a\":1}\0garbage"s, "\"a\0b\""s, "]"s}) {
        EXPECT_THAT(json_refusal(text), HasSubstr("request body")) << text;
    }
}

TEST(json, depth_is_limited_before_parsing) {
    const std::string deep(100'000, '[');
    EXPECT_EQ(json_refusal(deep),
              "request body is nested deeper than 64 levels at line 1, column 65");
    EXPECT_NO_THROW(parse_json("[[[]]]", "body", 3));
    EXPECT_THAT(json_refusal("[[{}]]", 2), HasSubstr("deeper than 2"));
    // Brackets in strings are text.
    EXPECT_NO_THROW(parse_json(R"(["[[[[\"[[["])", "body", 1));
}

TEST(json, printing_survives_broken_text) {
    EXPECT_EQ(to_text(Json("a\xFFz")), "\"a\xEF\xBF\xBDz\"");
}

// Numbers of different types count as different values; only zero has no sign.
bool is_same_tree(const Json& left, const Json& right) {
    if (left == 0 && right == 0) return left.is_number_integer() && right.is_number_integer();
    if (left.type() != right.type() || left.size() != right.size()) return false;
    if (!left.is_structured()) return left == right;
    for (auto a = left.begin(), b = right.begin(); a != left.end(); ++a, ++b) {
        if (left.is_object() && a.key() != b.key()) return false;
        if (!is_same_tree(*a, *b)) return false;
    }
    return true;
}

std::string library_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const std::vector<std::string> json_samples{
    R"({"type":"text_delta","n":[0,-0,-1,7,18446744073709551615,123456789012345678,1.5e3,-2.5]})",
    R"([ {} , [ ] , true , false , null , "" , {"a":{"b":[{"c":"d"}]}} ])",
    R"({"text":"Grüße \"an\" alle\n\t\u00fc\ud83d\ude00\/\\","ü":"\u0000\b\f\r"})",
    "{\"a\":1,\r\n\t \"b\":2,\"a\":3}",
    "\xEF\xBB\xBF[1]",
    "\"\xF0\x9F\x98\x80 \xE2\x80\xA6\"",
};

TEST(json, what_is_read_quickly_is_what_the_strict_reader_reads) {
    std::mt19937_64 chance(7);
    const std::string_view bytes = "{}[]\",:\\u0123456789-+.eEdDtfn ü\xFF\x80\x01\n/";
    int taken = 0;
    for (int round = 0; round < 40'000; ++round) {
        std::string text = json_samples[chance() % json_samples.size()];
        for (auto changes = chance() % 4; changes > 0; --changes) {
            const std::size_t at = chance() % text.size();
            switch (chance() % 3) {
                case 0: text[at] = bytes[chance() % bytes.size()]; break;
                case 1: text.insert(at, 1, bytes[chance() % bytes.size()]); break;
                default: text.erase(at, 1 + chance() % 3);
            }
            if (text.empty()) text = "0";
        }
        const auto quick = json_detail::read_quickly(text, 64);
        if (!quick) continue;
        ++taken;
        const Json strict = Json::parse(text, nullptr, false);
        ASSERT_FALSE(strict.is_discarded()) << text;
        ASSERT_TRUE(is_same_tree(*quick, strict)) << text;
    }
    EXPECT_GT(taken, 5'000);
}

TEST(json, quick_reading_keeps_the_depth_limit_and_leaves_doubt_to_the_strict_reader) {
    EXPECT_TRUE(json_detail::read_quickly("[[{}]]", 3));
    EXPECT_FALSE(json_detail::read_quickly("[[{}]]", 2));
    EXPECT_FALSE(json_detail::read_quickly(R"({"a":1,"a":2})", 3));
    EXPECT_EQ(try_parse_json(R"({"a":1,"a":2})"), Json({{"a", 2}}));
    EXPECT_FALSE(json_detail::read_quickly("1.5", 3));
    EXPECT_EQ(try_parse_json("1.5"), Json(1.5));
}

TEST(json, an_object_with_too_many_members_is_refused_at_its_limit) {
    const auto object_of = [](int members, std::string_view end) {
        std::string text = "{";
        for (int i = 0; i < members; ++i) text += fmt::format("{}\"{}\":0", i ? "," : "", i);
        return text + std::string(end);
    };
    EXPECT_EQ(try_parse_json(object_of(1'000, "}"))->size(), 1'000U);
    EXPECT_FALSE(try_parse_json(object_of(1'001, "}")));
    EXPECT_TRUE(try_parse_json("[" + object_of(1'000, "},") + object_of(1'000, "}]")));
    try {
        parse_json(object_of(1'001, "}"), "request body");
        ADD_FAILURE() << "was taken";
    } catch (const Failure& failure) {
        EXPECT_EQ(std::string(failure.what()).substr(0, 54),
                  "request body has an object with more than 1000 members");
    }
    // Long arrays are ordinary, and what ends badly costs no more than what ends well.
    std::string numbers = "[0";
    for (int i = 0; i < 20'000; ++i) numbers += ",1";
    EXPECT_TRUE(try_parse_json(numbers + "]"));
    EXPECT_FALSE(try_parse_json(object_of(100'000, "")));
}

TEST(json, the_text_of_a_value_is_the_library_s) {
    Json value = Json::array();
    for (const std::string& sample : json_samples) {
        value.push_back(Json::parse(sample, nullptr, false));
        value.push_back(sample);
    }
    for (int byte = 0; byte < 256; ++byte) value.push_back(std::string(1, static_cast<char>(byte)));
    value.push_back({{"a\"b", INT64_MIN}, {"\xFF", UINT64_MAX}, {"nan", NAN}, {"f", 0.1}});
    for (const Json& each : value) EXPECT_EQ(to_text(each), library_text(each));
    EXPECT_EQ(to_text(value), library_text(value));
    EXPECT_EQ(quoted("a\"\xFF\n"), "\"a\\\"\xEF\xBF\xBD\\n\"");
}

TEST(fields, reads_what_fits) {
    const Json body = parse_json(R"({"name":"Anna","n":4,"f":4.0,"x":2.5,"on":false,"nothing":null,
                                     "o":{"a":1},"l":[1,2],"w":"two"})",
                                 "body");
    const Fields fields(body);
    constexpr std::string_view words[] = {"one", "two"};
    EXPECT_EQ(fields.text("name"), "Anna");
    EXPECT_EQ(fields.integer("n", 1, 5), 4);
    EXPECT_EQ(fields.integer("f", 1, 5), 4);
    EXPECT_EQ(fields.number("x", 0, 3), 2.5);
    EXPECT_EQ(fields.number("n", 0, 5), 4.0);
    EXPECT_FALSE(fields.flag("on"));
    EXPECT_EQ(fields.object("o").size(), 1u);
    EXPECT_EQ(fields.array("l", 2).size(), 2u);
    EXPECT_EQ(fields.word("w", words), 1u);
    EXPECT_TRUE(fields.has("name"));
    EXPECT_FALSE(fields.has("nothing"));
    EXPECT_EQ(fields.text_or_none("nothing"), std::nullopt);
    EXPECT_EQ(fields.text_or_none("absent"), std::nullopt);
    EXPECT_EQ(fields.integer_or_none("absent", 0, 1), std::nullopt);
    EXPECT_EQ(fields.number_or_none("absent", 0, 1), std::nullopt);
    EXPECT_EQ(fields.flag_or_none("on"), false);
    EXPECT_EQ(fields.word_or_none("w", words), 1u);
}

TEST(fields, failures_name_path_and_what_is_valid) {
    const Json body = parse_json(R"({"name":7,"n":9223372036854775808,"h":4.5,"s":"","w":"three",
                                     "l":[1,2,3],"nul":"a\u0000b","big":1e300})",
                                 "body");
    const Fields fields(body, "actions[3]");
    constexpr std::string_view words[] = {"one", "two"};
    EXPECT_EQ(json_complaint([&] { fields.text("name", 1, 9); }),
              "actions[3].name must be text of 1 to 9 bytes");
    EXPECT_EQ(json_complaint([&] { fields.text("absent", 1, 9); }),
              "actions[3].absent must be text of 1 to 9 bytes");
    EXPECT_EQ(json_complaint([&] { fields.text("s"); }),
              "actions[3].s must be text of 1 to 65536 bytes");
    EXPECT_EQ(json_complaint([&] { fields.text("nul"); }),
              "actions[3].nul must be text without NUL characters");
    EXPECT_EQ(json_complaint([&] { fields.integer("n", 1, 5); }),
              "actions[3].n must be a whole number from 1 to 5");
    EXPECT_THAT(json_complaint([&] { fields.integer("h", 1, 5); }), HasSubstr("whole number"));
    EXPECT_THAT(json_complaint([&] { fields.integer("big", 1, 5); }), HasSubstr("whole number"));
    EXPECT_EQ(json_complaint([&] { fields.number("h", 0, 1); }),
              "actions[3].h must be a number from 0 to 1");
    EXPECT_EQ(json_complaint([&] { fields.flag("name"); }),
              "actions[3].name must be true or false");
    EXPECT_EQ(json_complaint([&] { fields.object("l"); }), "actions[3].l must be an object");
    EXPECT_EQ(json_complaint([&] { fields.array("l", 2); }),
              "actions[3].l must be a list of at most 2 items");
    EXPECT_EQ(json_complaint([&] { fields.word("w", words); }),
              "actions[3].w must be one of one, two");
    EXPECT_THAT(json_complaint([&] { fields.text_or_none("name"); }), HasSubstr("actions[3].name"));
}

TEST(fields, only_names_the_stranger) {
    const Json body = parse_json(R"({"a":1,"b":2})", "body");
    constexpr std::string_view both[] = {"a", "b"};
    constexpr std::string_view one[] = {"a"};
    EXPECT_NO_THROW(Fields(body).only(both));
    EXPECT_EQ(json_complaint([&] { Fields(body).only(one); }),
              "b is not a known field; valid are a");
    const Json loud = parse_json("{\"" + std::string(9'000, 'k') + "\":1}", "body");
    EXPECT_LT(json_complaint([&] { Fields(loud).only(one); }).size(), 200u);
}

TEST(fields, wants_an_object) {
    const Json list = parse_json("[]", "body");
    EXPECT_EQ(json_complaint([&] { Fields{list}; }), "the body must be a JSON object");
    EXPECT_EQ(json_complaint([&] { Fields(list, "visits[0]"); }), "visits[0] must be an object");
}

}  // namespace
}  // namespace base
