#include "catalog/record.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using catalog::Action;
using catalog::Rating;
using catalog::VisitEnd;

Action create() {
    return {.visit_id = "v1",
            .seq = 3,
            .started_at = *base::from_iso("2026-11-20T09:30:00.250Z"),
            .module = "todo",
            .tool = "todo.create",
            .input_hash = "ab12",
            .input = base::Json{{"title", "Milch"}},
            .outcome = Action::Outcome::unknown,
            .error_message = "no answer",
            .latency_ms = 12};
}

VisitEnd end() {
    return {.status = VisitEnd::Status::partial,
            .reason = "deadline",
            .source = VisitEnd::Source::model,
            .turns = 4,
            .tool_calls = 5,
            .actions = 5,
            .ratings = 2,
            .tokens = {100, 20, 7, 9},
            .cost_usd = 0.25,
            .model = "m",
            .product_name = "p",
            .product_version = "1",
            .summary = "kurz"};
}

template <class Read>
void expect_fault(Read read, const std::string& field) {
    try {
        read();
        FAIL() << field;
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
        EXPECT_NE(std::string(failure.what()).find(field), std::string::npos) << failure.what();
    }
}

TEST(Record, ActionGoesBothWays) {
    EXPECT_EQ(catalog::action_from_json(catalog::to_json(create()), "actions[0]"), create());
    Action plain{.visit_id = "v", .seq = 1, .tool = "x", .outcome = Action::Outcome::ok};
    EXPECT_EQ(catalog::action_from_json(catalog::to_json(plain), "a"), plain);
}

TEST(Record, UnknownIsStoredAsErrorNeverAsOk) {
    EXPECT_EQ(catalog::to_json(create())["result"], "error");
    base::Json json = catalog::to_json(create());
    json["result"] = "ok";
    expect_fault([&] { catalog::action_from_json(json, "actions[0]"); }, "actions[0].outcome");
}

TEST(Record, RowsOfOldClientsAreRead) {
    base::Json json{{"tickId", "t"}, {"toolName", "todo.create"}, {"result", "error"}};
    Action action = catalog::action_from_json(json, "actions[0]");
    EXPECT_EQ(action.seq, 0);
    EXPECT_EQ(action.outcome, Action::Outcome::error);
    EXPECT_FALSE(action.latency_ms);
    Rating rating =
        catalog::rating_from_json({{"tickId", "t"}, {"module", "todo"}, {"rating", 4}}, "f");
    EXPECT_EQ(rating.status, Rating::Status::rated);
    EXPECT_EQ(rating.score, 4);
}

TEST(Record, EveryLimitOfAnActionHoldsAtItsEdge) {
    struct Case {
        const char* field;
        std::size_t max;
    };
    for (Case edge :
         {Case{"tickId", catalog::visit_id_bytes_max}, Case{"toolName", catalog::tool_bytes_max},
          Case{"module", catalog::module_bytes_max},
          Case{"errorMessage", catalog::error_message_bytes_max}}) {
        base::Json json = catalog::to_json(create());
        json[edge.field] = std::string(edge.max, 'x');
        EXPECT_NO_THROW(catalog::action_from_json(json, "a")) << edge.field;
        json[edge.field] = std::string(edge.max + 1, 'x');
        expect_fault([&] { catalog::action_from_json(json, "a"); }, edge.field);
    }
}

TEST(Record, WrongValuesOfAnActionAreNamed) {
    struct Case {
        const char* field;
        base::Json value;
    };
    for (const Case& wrong : std::initializer_list<Case>{{"seq", 0},
                                                         {"seq", 1.5},
                                                         {"startedAt", "later"},
                                                         {"toolName", ""},
                                                         {"result", "fine"},
                                                         {"outcome", "maybe"},
                                                         {"input", "text"},
                                                         {"latencyMs", 1.5},
                                                         {"latencyMs", -1}}) {
        base::Json json = catalog::to_json(create());
        json[wrong.field] = wrong.value;
        expect_fault([&] { catalog::action_from_json(json, "actions[7]"); },
                     std::string("actions[7].") + wrong.field);
    }
}

TEST(Record, RatingGoesBothWaysWithAndWithoutScore) {
    Rating rated{.visit_id = "v",
                 .module = "todo",
                 .status = Rating::Status::rated,
                 .score = 2,
                 .notes = "hakt",
                 .evidence = {1, 4}};
    EXPECT_EQ(catalog::rating_from_json(catalog::to_json(rated), "f"), rated);
    for (auto status :
         {Rating::Status::unparsed, Rating::Status::refused, Rating::Status::missing}) {
        Rating none{.visit_id = "v", .module = "__parse", .status = status};
        EXPECT_TRUE(catalog::to_json(none)["rating"].is_null());
        EXPECT_EQ(catalog::rating_from_json(catalog::to_json(none), "f"), none);
    }
}

TEST(Record, ARatingIsANumberExactlyWhenItIsRated) {
    base::Json json{{"tickId", "v"}, {"module", "todo"}, {"status", "unparsed"}, {"rating", 3}};
    expect_fault([&] { catalog::rating_from_json(json, "f[0]"); }, "f[0].rating");
    json["status"] = "rated";
    for (const base::Json& score : {base::Json(0), base::Json(6), base::Json(3.5), base::Json()}) {
        json["rating"] = score;
        expect_fault([&] { catalog::rating_from_json(json, "f[0]"); }, "f[0].rating");
    }
    json["rating"] = 3;
    json["evidence"] = {1, "two"};
    expect_fault([&] { catalog::rating_from_json(json, "f[0]"); }, "f[0].evidence");
}

TEST(Record, EndGoesBothWays) {
    EXPECT_EQ(catalog::visit_end_from_json(catalog::to_json(end())), end());
    VisitEnd unpriced = end();
    unpriced.cost_usd.reset();
    unpriced.source = VisitEnd::Source::none;
    unpriced.handed_back = true;
    unpriced.not_before = base::from_iso("2026-11-21T00:00:00.000Z");
    EXPECT_TRUE(catalog::to_json(unpriced)["costUsd"].is_null());
    EXPECT_EQ(catalog::visit_end_from_json(catalog::to_json(unpriced)), unpriced);
}

TEST(Record, WrongValuesOfAnEndAreNamed) {
    base::Json json = catalog::to_json(end());
    json["counts"]["actions"] = -1;
    expect_fault([&] { catalog::visit_end_from_json(json); }, "counts.actions");
    json = catalog::to_json(end());
    json["status"] = "running";
    expect_fault([&] { catalog::visit_end_from_json(json); }, "status");
    json = catalog::to_json(end());
    json["tokens"]["input"] = "many";
    expect_fault([&] { catalog::visit_end_from_json(json); }, "tokens.input");
}

TEST(Record, MaskedInputHidesKeysAndKeepsLittle) {
    base::Json input{{"title", std::string(300, 'x')},
                     {"apiKey", "k"},
                     {"api_key", {{"deep", 1}}},
                     {"newPassword", "p"},
                     {"access-token", "t"},
                     {"done", true},
                     {"nested", {{"secret", "s"}, {"note", "n"}}},
                     {"list", {1, "two"}}};
    base::Json kept = catalog::masked_input(input);
    EXPECT_LE(kept["title"].get<std::string>().size(), catalog::input_text_bytes_max);
    for (const char* name : {"apiKey", "api_key", "newPassword", "access-token"})
        EXPECT_EQ(kept[name], "***") << name;
    EXPECT_EQ(kept["nested"]["secret"], "***");
    EXPECT_EQ(kept["nested"]["note"], "n");
    EXPECT_EQ(kept["done"], true);
    EXPECT_EQ(kept["list"], (base::Json{1, "two"}));
}

TEST(Record, MaskedInputIsBoundedInDepthAndWidth) {
    base::Json deep = "bottom";
    for (int i = 0; i < 10; ++i) deep = base::Json{{"next", deep}};
    EXPECT_EQ(catalog::masked_input(deep).dump().find("bottom"), std::string::npos);
    base::Json wide = base::Json::array();
    for (int i = 0; i < 1000; ++i) wide.push_back(i);
    EXPECT_LE(catalog::masked_input({{"list", wide}})["list"].size(), 50u);
}

}  // namespace
