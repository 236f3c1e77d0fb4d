// Actions and ratings on a real database: nothing lost, nothing doubled, nothing invented.
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class RecordsTest : public PersonaTest {
  protected:
    void SetUp() override {
        keep_alive("runner", friday);
        user_ = add_persona("dora");
        visit_ = claim(friday, "r").at(0).visit_id;
    }

    static catalog::Action old_action(const std::string& tick_id, const std::string& tool,
                                      const std::string& hash = "aa") {
        return {.visit_id = tick_id,
                .tool = tool,
                .input_hash = hash,
                .outcome = catalog::Action::Outcome::ok};
    }

    std::int64_t actions() { return count("select count(*) from auth.persona_actions"); }

    std::string user_;
    std::string visit_;
};

// auth-api-doubts B7
TEST_F(RecordsTest, rows_are_keyed_by_themselves_and_counted_truly) {
    const auto first = store(user_, {action(visit_, 1), action(visit_, 2)});
    EXPECT_EQ(first.written, 2u);
    EXPECT_EQ(first.inserted, 2u);
    // Another batch starts at its own index 0 with the same tool: nothing is dropped.
    const auto second = store(user_, {action(visit_, 2), action(visit_, 3), action(visit_, 4)});
    EXPECT_EQ(second.written, 3u);
    EXPECT_EQ(second.inserted, 2u);
    EXPECT_EQ(second.known, 1u);
    EXPECT_EQ(second.differing, 0u);
    EXPECT_EQ(actions(), 4);
}

TEST_F(RecordsTest, one_batch_sent_many_times_at_once_is_stored_once) {
    std::vector<catalog::Action> batch;
    for (int seq = 1; seq <= 50; ++seq) batch.push_back(action(visit_, seq));
    std::atomic<std::size_t> inserted{0}, known{0}, differing{0};
    std::vector<std::thread> senders;
    for (int i = 0; i < 4; ++i) {
        senders.emplace_back([&] {
            const auto stored = store(user_, batch);
            inserted += stored.inserted;
            known += stored.known;
            differing += stored.differing;
        });
    }
    for (std::thread& sender : senders) sender.join();
    EXPECT_EQ(inserted, 50u);
    EXPECT_EQ(known, 150u);
    EXPECT_EQ(differing, 0u);
    EXPECT_EQ(actions(), 50);
}

TEST_F(RecordsTest, a_known_row_with_other_content_is_reported_and_the_first_one_stays) {
    catalog::Action other = action(visit_, 1);
    store(user_, {action(visit_, 1)});
    other.outcome = catalog::Action::Outcome::error;
    other.error_message = "no such list";
    const auto stored = store(user_, {other, action(visit_, 2), other});
    EXPECT_EQ(stored.inserted, 1u);
    EXPECT_EQ(stored.known, 2u);
    EXPECT_EQ(stored.differing, 2u);
    EXPECT_EQ(sql("select outcome from auth.persona_actions where seq = 1")[0].text("outcome"),
              "ok");

    store(user_, {rating(visit_, "todo", 4)});
    const auto ratings = store(user_, {rating(visit_, "todo", 5), rating(visit_, "notes", 3)});
    EXPECT_EQ(ratings.inserted, 1u);
    EXPECT_EQ(ratings.differing, 1u);
    EXPECT_EQ(
        sql("select rating from auth.persona_feedback where module = 'todo'")[0].integer("rating"),
        4);
}

TEST_F(RecordsTest, every_field_survives) {
    catalog::Action full = action(visit_, 1, "todo.delete");
    full.outcome = catalog::Action::Outcome::unknown;
    full.error_message = std::string("cut\0here", 8);
    full.input = base::Json{{"title", std::string("a\0b", 3)}, {"path", "C:\\u0000"}};
    store(user_, {full});
    const auto row = sql("select * from auth.persona_actions")[0];
    EXPECT_EQ(row.text("tick_id"), visit_);
    EXPECT_EQ(row.integer("seq"), 1);
    EXPECT_EQ(row.moment("started_at"), friday);
    EXPECT_EQ(row.text("module"), "todo");
    EXPECT_EQ(row.text("tool_name"), "todo.delete");
    EXPECT_EQ(row.text("outcome"), "unknown");
    EXPECT_EQ(row.text("result"), "error");
    EXPECT_EQ(row.text("error_message"), "cut\xEF\xBF\xBDhere");
    EXPECT_EQ(row.integer("latency_ms"), 12);
    EXPECT_EQ(row.json("input")["title"],
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(row.json("input")["path"], "C:\\u0000");  // An escaped backslash is no NUL.
    EXPECT_EQ(store(user_, {full}).differing, 0u);

    catalog::Rating refused{.visit_id = visit_,
                            .module = "todo",
                            .status = catalog::Rating::Status::refused,
                            .notes = "Nein.",
                            .evidence = {2, 3}};
    store(user_, std::vector{refused});
    const auto kept = sql("select *, evidence[2] as second from auth.persona_feedback")[0];
    EXPECT_EQ(kept.text("status"), "refused");
    EXPECT_TRUE(kept.is_null("rating"));
    EXPECT_EQ(kept.integer("second"), 3);
    EXPECT_EQ(store(user_, std::vector{refused}).differing, 0u);
}

TEST_F(RecordsTest, texts_that_look_like_an_array_survive) {
    for (int seq = 1;
         const char* text : {R"({"a",\ NULL})", "NULL", "null", "{}", "\"", "\\", "a\nb"}) {
        catalog::Action odd = action(visit_, seq++);
        odd.outcome = catalog::Action::Outcome::error;
        odd.module = text;
        odd.error_message = text;
        odd.input = base::Json{{text, text}};
        store(user_, {odd});
        EXPECT_EQ(store(user_, {odd}).differing, 0u);
        const auto row =
            sql("select * from auth.persona_actions where seq = $1::integer", {odd.seq})[0];
        EXPECT_EQ(row.text("module"), text);
        EXPECT_EQ(row.text("error_message"), text);
        EXPECT_EQ(row.json("input")[text], text);
    }
}

TEST_F(RecordsTest, rows_of_any_existing_visit_are_accepted_and_never_move_due_ness) {
    finish(visit_, friday + minutes(1), finished());
    for (const std::string status : {"finished", "partial", "failed", "lost"}) {
        sql("update auth.persona_visits set status = $1", {status});
        const base::Moment due = next_due_of(user_);
        const auto active = last_active_of(user_);
        const int seq = static_cast<int>(actions()) + 1;
        EXPECT_EQ(store(user_, {action(visit_, seq)}, friday + hours(5)).inserted, 1u) << status;
        EXPECT_EQ(store(user_, {rating(visit_, status, 3)}).inserted, 1u) << status;
        EXPECT_EQ(next_due_of(user_), due);
        EXPECT_EQ(last_active_of(user_), active);
    }
}

TEST_F(RecordsTest, rows_of_a_foreign_or_unknown_visit_are_refused_as_a_whole) {
    const std::string other = add_persona("emma", "daily", friday);
    const std::string foreign = claim(friday, "s").at(0).visit_id;
    for (const std::string& visit_id : {foreign, std::string("nobody")}) {
        try {
            store(user_, {action(visit_, 1), action(visit_id, 2)});
            FAIL() << visit_id;
        } catch (const base::Failure& failure) {
            EXPECT_EQ(failure.kind(), base::Failure::Kind::missing);
            EXPECT_NE(std::string(failure.what()).find("tickId"), std::string::npos);
            EXPECT_NE(std::string(failure.what()).find(visit_id), std::string::npos);
        }
        EXPECT_THROW(store(user_, {rating(visit_id, "todo", 3)}), base::Failure);
    }
    EXPECT_EQ(actions(), 0);
    EXPECT_EQ(count("select count(*) from auth.persona_feedback"), 0);
}

// auth-api-doubts B9: a batch without rows is no error.
TEST_F(RecordsTest, empty_batches_are_accepted) {
    EXPECT_EQ(store(user_, std::vector<catalog::Action>{}).written, 0u);
    EXPECT_EQ(store(user_, std::vector<catalog::Rating>{}).written, 0u);
    EXPECT_EQ(last_active_of(user_), std::nullopt);
}

// auth-api-doubts B7: old clients send no seq; their index restarts with every batch.
TEST_F(RecordsTest, old_clients_lose_no_rows) {
    const std::vector batch{old_action("tick", "todo.create", "aa"),
                            old_action("tick", "todo.create", "bb")};
    EXPECT_EQ(store(user_, batch).inserted, 2u);
    EXPECT_EQ(store(user_, batch).known, 2u);
    EXPECT_EQ(store(user_, {old_action("tick", "todo.create", "cc")}).inserted, 1u);
    // Another persona may use the same tick id.
    const std::string other = add_persona("emma", "daily", friday);
    EXPECT_EQ(store(other, batch).inserted, 2u);
    EXPECT_EQ(actions(), 5);
    EXPECT_EQ(count("select count(*) from auth.persona_actions where seq is null"), 5);
}

// auth-api-doubts B8
TEST_F(RecordsTest, long_keys_do_not_merge) {
    const std::string tick(catalog::visit_id_bytes_max, 't');
    const std::string tool(catalog::tool_bytes_max - 1, 'x');
    EXPECT_EQ(store(user_, {old_action(tick, tool + "1"), old_action(tick, tool + "2")}).inserted,
              2u);
    EXPECT_EQ(store(user_, {old_action(tick, tool + "2"), old_action(tick, tool + "1")}).inserted,
              2u);
    EXPECT_EQ(count("select max(length(id)) as count from auth.persona_actions"), 64);
}

TEST_F(RecordsTest, rows_of_old_clients_are_her_day) {
    const std::string other = add_persona("emma", "daily", friday);
    store(other, {old_action("tick", "todo.create")}, friday + minutes(3));
    EXPECT_EQ(last_active_of(other), friday + minutes(3));
    EXPECT_TRUE(claim(friday + minutes(4), "s").empty());
    // Duplicates count as well: the ancestor moved the time with every batch.
    store(other, {old_action("tick", "todo.create")}, friday + minutes(5));
    EXPECT_EQ(last_active_of(other), friday + minutes(5));
    EXPECT_EQ(store(other, {rating("tick", "todo", 4)}, false, friday + hours(1)).inserted, 1u);
    EXPECT_EQ(last_active_of(other), friday + minutes(5));
}

TEST_F(RecordsTest, the_marker_of_old_clients_is_no_rating) {
    store(user_, {rating("tick", "__parse", 1), rating("tick", "todo", 5)}, false);
    const auto row = sql("select * from auth.persona_feedback where module = '__parse'")[0];
    EXPECT_EQ(row.text("status"), "unparsed");
    EXPECT_TRUE(row.is_null("rating"));
}

TEST_F(RecordsTest, the_table_refuses_invented_ratings) {
    const auto insert = [&](const char* status, base::SqlParam rating) {
        sql(R"(insert into auth.persona_feedback (id, persona_id, tick_id, module, status, rating)
            values ($1 || coalesce($3, '-'), $2, 't', $1 || coalesce($3, '-'), $1, $3::smallint))",
            {status, user_, rating});
    };
    EXPECT_THROW(insert("unparsed", 3), base::Failure);
    EXPECT_THROW(insert("missing", 1), base::Failure);
    EXPECT_THROW(insert("refused", 5), base::Failure);
    EXPECT_THROW(insert("rated", std::nullopt), base::Failure);
    EXPECT_THROW(insert("rated", 0), base::Failure);
    EXPECT_THROW(insert("rated", 6), base::Failure);
    EXPECT_THROW(insert("guessed", 4), base::Failure);
    EXPECT_NO_THROW(insert("rated", 1));
    EXPECT_NO_THROW(insert("rated", 5));
    EXPECT_NO_THROW(insert("unparsed", std::nullopt));
}

TEST_F(RecordsTest, the_export_holds_every_row_once) {
    std::vector<catalog::Action> many;
    for (int seq = 1; seq <= 500; ++seq) many.push_back(action(visit_, seq));
    store(user_, many);
    many.clear();
    for (int seq = 501; seq <= 620; ++seq) many.push_back(action(visit_, seq));
    store(user_, many, friday + minutes(1));
    store(user_, {rating(visit_, "todo", 4)});
    const std::string other = add_persona("emma", "daily", friday);
    store(other, {old_action("tick", "todo.create")});
    auth::Records records(database_, rules_);
    std::map<std::string, int> kinds;
    std::set<int> seqs;
    EXPECT_EQ(records.export_all(user_,
                                 [&](const base::Json& row) {
                                     ++kinds[row["kind"].get<std::string>()];
                                     if (row["kind"] == "action")
                                         seqs.insert(row["seq"].get<int>());
                                     return true;
                                 }),
              622u);
    EXPECT_EQ(kinds["visit"], 1);
    EXPECT_EQ(kinds["action"], 620);
    EXPECT_EQ(kinds["rating"], 1);
    EXPECT_EQ(seqs.size(), 620u);
    int seen = 0;
    EXPECT_EQ(records.export_all(user_, [&](const base::Json&) { return ++seen < 3; }), 2u);
}

}  // namespace
}  // namespace tests
