#include "sim/verdict.hpp"

#include <gtest/gtest.h>

#include "sim/script.hpp"
#include "sim/wire.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;

const char* const verdict_digest =
    "Bewerte bitte diese Module: todo, notes, mood\n\n"
    "1. todo_create → ok: {\"title\":\"Fehlerbericht schreiben\"}\n"
    "2. todo_list → ok\n"
    "3. notes_create → error: title fehlt\n"
    "4. notes_search → error: kaputt\n"
    "5. todo_complete → ok\n";

Json verdict_body(bool with_schema) {
    Json body = sim_tests::minimal_body();
    body["system"] = "Du bist Anna, Studentin.";
    body["messages"][0]["content"] = verdict_digest;
    if (with_schema) {
        body["output_config"] = Json::parse(R"({"format":{"type":"json_schema","schema":{
            "type":"object","additionalProperties":false,"required":["ratings"],"properties":{
              "ratings":{"type":"array","items":{"type":"object","additionalProperties":false,
                "required":["module","rating","notes","evidence"],"properties":{
                  "module":{"type":"string","enum":["todo","notes","mood"]},
                  "rating":{"type":"integer","enum":[1,2,3,4,5]},
                  "notes":{"type":"string"},
                  "evidence":{"type":"array","items":{"type":"integer"}}}}}}}}})");
    }
    sim::normalize(body);
    return body;
}

std::string verdict_text(const Json& body, std::uint64_t seed = 1) {
    return sim::next_blocks(body, {.seed = seed})[0]["text"];
}

TEST(Verdict, digest_lines_become_evidence) {
    const auto evidence = sim::read_digest(verdict_digest, {"todo", "notes", "mood"});
    EXPECT_EQ(evidence[0].good, (std::vector<int>{1, 2, 5}));
    EXPECT_TRUE(evidence[0].bad.empty()) << "a title that speaks of errors is none";
    EXPECT_EQ(evidence[1].bad, (std::vector<int>{3, 4}));
    EXPECT_TRUE(evidence[2].good.empty() && evidence[2].bad.empty());
}

TEST(Verdict, indented_line_tells_what_came_of_an_action) {
    const auto evidence = sim::read_digest(
        "#1 todo.create {\"title\":\"a\"}\n   Fehler: kaputt\n#2 todo.list\n", {"todo"});
    EXPECT_EQ(evidence[0].bad, (std::vector<int>{1}));
    EXPECT_EQ(evidence[0].good, (std::vector<int>{2}));
}

TEST(Verdict, answer_fits_the_schema_and_the_day) {
    const Json answer = Json::parse(verdict_text(verdict_body(true)));
    ASSERT_EQ(answer["ratings"].size(), 3U);
    const Json& todo = answer["ratings"][0];
    const Json& notes = answer["ratings"][1];
    EXPECT_EQ(todo["module"], "todo");
    EXPECT_GE(todo["rating"].get<int>(), 4);
    EXPECT_EQ(todo["evidence"], Json::parse("[1,2,5]"));
    EXPECT_NE(todo["notes"].get<std::string>().find("1, 2, 5"), std::string::npos);
    EXPECT_LE(notes["rating"].get<int>(), 2);
    EXPECT_NE(notes["notes"].get<std::string>().find("3, 4"), std::string::npos);
    EXPECT_TRUE(answer["ratings"][2]["evidence"].empty());
}

TEST(Verdict, answers_schemas_that_name_modules_as_properties_and_words_as_scores) {
    Json body = verdict_body(false);
    body["output_config"] = Json::parse(R"({"format":{"type":"json_schema","schema":{
        "type":"object","additionalProperties":false,"properties":{
          "todo":{"type":"object","additionalProperties":false,"properties":{
             "score":{"type":"string","enum":["schlecht","mittel","gut"]},"why":{"type":"string"}}},
          "notes":{"type":"object","additionalProperties":false,"properties":{
             "score":{"type":"string","enum":["schlecht","mittel","gut"]},"why":{"type":"string"}}}}}}})");
    const Json answer = Json::parse(verdict_text(body));
    EXPECT_EQ(answer["todo"]["score"], "gut");
    EXPECT_EQ(answer["notes"]["score"], "schlecht");
    EXPECT_FALSE(answer["todo"]["why"].get<std::string>().empty());
}

TEST(Verdict, without_schema_the_form_varies_but_holds_json) {
    int fenced = 0;
    int wrapped = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const std::string text = verdict_text(verdict_body(false), seed);
        const std::size_t from = text.find('[');
        const Json list = Json::parse(text.substr(from, text.rfind(']') - from + 1));
        EXPECT_EQ(list.size(), 3U);
        if (text.starts_with("```")) ++fenced;
        if (text.starts_with("Also")) ++wrapped;
    }
    EXPECT_GT(fenced, 3);
    EXPECT_GT(wrapped, 3);
}

TEST(Verdict, same_request_same_answer) {
    EXPECT_EQ(verdict_text(verdict_body(true)), verdict_text(verdict_body(true)));
}

}  // namespace
