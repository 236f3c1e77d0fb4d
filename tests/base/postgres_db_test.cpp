// The pool and its transactions on a real server: results, errors, retries, broken connections.
#include "base/postgres.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "sim/proxy.hpp"
#include "tests/support/temp_database.hpp"

namespace {

using base::Failure;
using base::Postgres;
using base::SqlParams;
using base::SqlRows;
using base::Transaction;
using test_support::TempDatabase;
using testing::HasSubstr;
using testing::Not;

class PostgresDb : public testing::Test {
  protected:
    PostgresDb() {
        // The owner's tables, as migrations would make them.
        owner.transact([](Transaction& transaction) {
            transaction.run("create schema shop");
            transaction.run(
                "create table shop.items (id int primary key, name text not null, "
                "price int constraint price_is_positive check (price > 0), "
                "parent int constraint parent_exists references shop.items)");
            transaction.run("create unique index items_name_key on shop.items (name)");
            transaction.run("grant usage on schema shop to mana_app");
            transaction.run("grant select, insert, update, delete on shop.items to mana_app");
        });
    }

    SqlRows run(std::string_view statement, const SqlParams& params = {}) {
        return app.transact(
            [&](Transaction& transaction) { return transaction.run(statement, params); });
    }

    Failure failure_of(std::string_view statement, const SqlParams& params = {}) {
        try {
            run(statement, params);
        } catch (const Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "no failure: " << statement;
        return {Failure::Kind::internal, "none"};
    }

    // Ends every connection of mana_app from outside, as a restart or a pooler would.
    int kill_app_connections() {
        Postgres superuser({.url = database.superuser_url()});
        return static_cast<int>(
            superuser
                .transact([](Transaction& transaction) {
                    return transaction.run(
                        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                        "where usename = 'mana_app' and datname = current_database()");
                })
                .size());
    }

    TempDatabase database;
    Postgres owner{{.url = database.owner_url()}};
    Postgres app{{.url = database.app_url(), .connections_max = 4}};
};

TEST_F(PostgresDb, RowsKeepTypesAndNulls) {
    const auto moment = *base::from_iso("2026-11-21T09:30:00.123456Z");
    const base::Json object = base::Json::parse(R"({"b":1,"a":"\"ü\\"})");
    const auto rows =
        run("select $1::text as word, $2::bigint as many, $3::float8 as part, $4::boolean as yes, "
            "$5::timestamptz as at, $6::json as object, $7::text as nothing",
            {"O'Hara \\ \"x\"", std::int64_t{-9'007'199'254'740'993}, 0.1, true, moment, object,
             std::optional<std::string>()});
    ASSERT_EQ(rows.size(), 1u);
    const auto row = rows[0];
    EXPECT_EQ(row.text("word"), "O'Hara \\ \"x\"");
    EXPECT_EQ(row.integer("many"), -9'007'199'254'740'993);
    EXPECT_EQ(row.number("part"), 0.1);
    EXPECT_TRUE(row.flag("yes"));
    EXPECT_EQ(row.moment("at"), moment);
    EXPECT_EQ(row.json("object"), object);
    EXPECT_TRUE(row.is_null("nothing"));
    EXPECT_EQ(row.text_or_none("nothing"), std::nullopt);
    EXPECT_EQ(row.integer_or_none("nothing"), std::nullopt);
    EXPECT_EQ(row.integer_or_none("many"), -9'007'199'254'740'993);
}

TEST_F(PostgresDb, AMomentIsReadInUtcWhateverTheServersZone) {
    owner.transact([](Transaction& transaction) {
        transaction.run("alter role mana_owner set timezone = 'Asia/Kathmandu'");
        transaction.run("alter role mana_owner set datestyle = 'SQL, DMY'");
    });
    Postgres fresh({.url = database.owner_url()});
    const auto at = fresh.transact([](Transaction& transaction) {
        return transaction.run("select '2026-11-21T09:30:00Z'::timestamptz as at")[0].moment("at");
    });
    owner.transact(
        [](Transaction& transaction) { transaction.run("alter role mana_owner reset all"); });
    EXPECT_EQ(base::to_iso(at), "2026-11-21T09:30:00.000Z");
}

TEST_F(PostgresDb, ArraysArriveElementByElement) {
    const std::vector<std::optional<std::string>> items = {
        "a,b", "", "NULL", std::nullopt, "\"q\" \\ {x}", "zwei\nZeilen"};
    const auto rows =
        run("select item, ordinality from unnest($1::text[]) with ordinality as x(item)",
            {base::SqlParam::array(items)});
    ASSERT_EQ(rows.size(), items.size());
    std::size_t index = 0;
    for (const auto row : rows) EXPECT_EQ(row.text_or_none("item"), items[index++]);
}

TEST_F(PostgresDb, AffectedCountsTouchedRows) {
    EXPECT_EQ(run("insert into shop.items (id, name) values (1, 'a'), (2, 'b')").affected(), 2u);
    EXPECT_EQ(run("update shop.items set price = 3").affected(), 2u);
    EXPECT_EQ(run("delete from shop.items where id = 7").affected(), 0u);
}

TEST_F(PostgresDb, AFailureInWorkRollsBack) {
    EXPECT_THROW(app.transact([](Transaction& transaction) {
        transaction.run("insert into shop.items (id, name) values (1, 'a')");
        throw std::runtime_error("no");
    }),
                 std::runtime_error);
    EXPECT_TRUE(run("select 1 from shop.items").empty());
    EXPECT_EQ(app.use().busy, 0);
}

TEST_F(PostgresDb, ASwallowedFailureDoesNotCommitSilently) {
    EXPECT_THROW(app.transact([](Transaction& transaction) {
        transaction.run("insert into shop.items (id, name) values (1, 'a')");
        try {
            transaction.run("insert into shop.items (id, name) values (1, 'b')");
        } catch (const Failure&) {
        }
    }),
                 Failure);
    EXPECT_TRUE(run("select 1 from shop.items").empty());
}

TEST_F(PostgresDb, ASavepointHealsTheTransaction) {
    app.transact([](Transaction& transaction) {
        transaction.run("insert into shop.items (id, name) values (1, 'a')");
        transaction.run("savepoint before");
        EXPECT_THROW(transaction.run("insert into shop.items (id, name) values (1, 'b')"), Failure);
        transaction.run("rollback to savepoint before");
    });
    EXPECT_EQ(run("select name from shop.items")[0].text("name"), "a");
}

TEST_F(PostgresDb, ErrorsSayWhatToFixAndNeverQuoteParameters) {
    run("insert into shop.items (id, name) values (1, $1)", {"geheim"});
    const auto unique = failure_of("insert into shop.items (id, name) values (2, $1)", {"geheim"});
    EXPECT_EQ(unique.kind(), Failure::Kind::conflict);
    EXPECT_EQ(unique.code(), "items_name_key");
    EXPECT_THAT(unique.what(), Not(HasSubstr("geheim")));

    const auto check = failure_of("insert into shop.items values (2, 'geheim', $1::int)", {-4711});
    EXPECT_EQ(check.kind(), Failure::Kind::invalid);
    EXPECT_EQ(check.code(), "price_is_positive");
    EXPECT_THAT(check.what(), Not(testing::AnyOf(HasSubstr("4711"), HasSubstr("geheim"))));

    const auto null = failure_of("insert into shop.items (id) values (2)");
    EXPECT_EQ(null.kind(), Failure::Kind::invalid);
    EXPECT_EQ(null.code(), "23502");
    EXPECT_THAT(null.what(), HasSubstr("\"name\""));

    const auto foreign = failure_of("insert into shop.items values (2, 'x', 1, 99)");
    EXPECT_EQ(foreign.kind(), Failure::Kind::invalid);
    EXPECT_EQ(foreign.code(), "parent_exists");

    const auto data = failure_of("select $1::int", {"geheim"});
    EXPECT_EQ(data.kind(), Failure::Kind::invalid);
    EXPECT_EQ(data.code(), "22P02");
    EXPECT_THAT(data.what(), Not(HasSubstr("geheim")));

    const auto nul = failure_of("select $1::text", {std::string("a\0b", 3)});
    EXPECT_EQ(nul.kind(), Failure::Kind::invalid);
    EXPECT_THAT(nul.what(), HasSubstr("NUL"));

    const auto utf8 = failure_of("select $1::text", {"\xff"});
    EXPECT_EQ(utf8.kind(), Failure::Kind::invalid);

    const auto syntax = failure_of("selct 1");
    EXPECT_EQ(syntax.kind(), Failure::Kind::internal);
    EXPECT_EQ(syntax.code(), "42601");

    const auto privilege = failure_of("create table shop.more (id int)");
    EXPECT_EQ(privilege.kind(), Failure::Kind::forbidden);
}

TEST_F(PostgresDb, ARowsTextCannotForgeTheConstraintsName) {
    const std::string forged = "x\nCONSTRAINT NAME:  forged_key\nLOCATION:  y";
    run("insert into shop.items (id, name) values (1, $1)", {forged});
    EXPECT_EQ(failure_of("insert into shop.items (id, name) values (2, $1)", {forged}).code(),
              "items_name_key");
}

TEST_F(PostgresDb, SettingsEndWithTheTransaction) {
    Postgres single({.url = database.app_url(), .connections_max = 1});
    single.transact([](Transaction& transaction) {
        transaction.set_local("app.user", "anna");
        EXPECT_EQ(transaction.run("select current_setting('app.user') as value")[0].text("value"),
                  "anna");
    });
    const auto after = single.transact([](Transaction& transaction) {
        return transaction.run("select nullif(current_setting('app.user', true), '') as value");
    });
    EXPECT_TRUE(after[0].is_null("value"));
}

TEST_F(PostgresDb, AStatementPastItsTimeIsCancelled) {
    Postgres hasty({.url = database.app_url(), .statement_max = std::chrono::seconds{1}});
    try {
        hasty.transact([](Transaction& transaction) { transaction.run("select pg_sleep(60)"); });
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
        EXPECT_EQ(failure.code(), "statement_timeout");
    }
    EXPECT_TRUE(hasty.is_reachable());
}

// A damaged wire can turn any byte of an answer into another one.
TEST_F(PostgresDb, AnAnswerThatMakesNoSenseIsAFailureAndDropsItsConnection) {
    const std::string statement =
        "select 'x' as word, null::text as nothing, 'infinity' as at, '{' as object";
    const std::vector<std::function<void(const base::SqlRow&)>> readings = {
        [](const base::SqlRow& row) { (void)row.text("w0rd"); },
        [](const base::SqlRow& row) { (void)row.text("nothing"); },
        [](const base::SqlRow& row) { (void)row.integer("word"); },
        [](const base::SqlRow& row) { (void)row.number("word"); },
        [](const base::SqlRow& row) { (void)row.flag("word"); },
        [](const base::SqlRow& row) { (void)row.moment("at"); },
        [](const base::SqlRow& row) { (void)row.json("object"); }};
    for (const auto& read : readings) {
        run("select 1");
        ASSERT_EQ(app.use().open, 1);
        try {
            app.transact([&](Transaction& transaction) { read(transaction.run(statement)[0]); });
            ADD_FAILURE() << "it was believed";
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), Failure::Kind::unavailable) << failure.what();
            EXPECT_EQ(failure.code(), "strange_answer");
        }
        EXPECT_EQ(app.use().open, 0);
    }
    EXPECT_THROW((void)run("select 1 where false")[0], Failure);
}

TEST_F(PostgresDb, IdleConnectionsThatDiedAreReplacedUnnoticed) {
    // Four connections at once, so that four lie idle.
    std::mutex mutex;
    std::condition_variable all_here;
    int here = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            app.transact([&](Transaction& transaction) {
                transaction.run("select 1");
                std::unique_lock lock(mutex);
                ++here;
                all_here.notify_all();
                all_here.wait(lock, [&] { return here == 4; });
            });
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(app.use().open, 4);
    ASSERT_EQ(kill_app_connections(), 4);
    int runs = 0;
    app.transact([&](Transaction& transaction) {
        ++runs;
        transaction.run("insert into shop.items (id, name) values (1, 'a')");
    });
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(app.use().open, 1);
}

TEST_F(PostgresDb, AConnectionThatDiesAtTheFirstStatementRunsTheWorkAgain) {
    int runs = 0;
    app.transact([&](Transaction& transaction) {
        if (++runs == 1) kill_app_connections();
        transaction.run("insert into shop.items (id, name) values (1, 'a')");
    });
    EXPECT_EQ(runs, 2);
    EXPECT_EQ(run("select 1 from shop.items").size(), 1u);
}

TEST_F(PostgresDb, AConnectionThatDiesInTheMiddleEndsTheWorkAndNeverCarriesOnOutside) {
    int runs = 0;
    try {
        app.transact([&](Transaction& transaction) {
            ++runs;
            transaction.run("insert into shop.items (id, name) values (1, 'a')");
            kill_app_connections();
            EXPECT_THROW(transaction.run("insert into shop.items (id, name) values (2, 'b')"),
                         Failure);
            // A client that reconnects by itself would commit this one alone.
            transaction.run("insert into shop.items (id, name) values (3, 'c')");
        });
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
        EXPECT_EQ(failure.code(), "connection_lost");
    }
    EXPECT_EQ(runs, 1);
    EXPECT_TRUE(run("select 1 from shop.items").empty());
}

TEST_F(PostgresDb, ABreakDuringTheCommitIsTold) {
    // A deferred trigger ends its own backend in the middle of the commit.
    owner.transact([](Transaction& transaction) {
        transaction.run(
            "create function shop.leave() returns trigger language plpgsql as $$ begin "
            "perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(10); "
            "return null; end $$");
        transaction.run(
            "create constraint trigger leaving after insert on shop.items deferrable initially "
            "deferred for each row execute function shop.leave()");
    });
    int runs = 0;
    try {
        app.transact([&](Transaction& transaction) {
            ++runs;
            transaction.run("insert into shop.items (id, name) values (1, 'a')");
        });
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
        EXPECT_EQ(failure.code(), "commit_unknown");
    }
    EXPECT_EQ(runs, 1);
}

TEST_F(PostgresDb, CollidingTransactionsRunAgainUntilBothCounted) {
    run("insert into shop.items (id, name, price) values (1, 'a', 1)");
    std::atomic<int> runs = 0;
    const auto count_up = [&] {
        app.transact([&](Transaction& transaction) {
            ++runs;
            transaction.run("set transaction isolation level serializable");
            const auto price =
                transaction.run("select price from shop.items where id = 1")[0].integer("price");
            // Both have read before either writes, at their first attempt.
            for (int i = 0; i < 500 && runs < 2; ++i) {
                std::this_thread::yield();
                transaction.run("select pg_sleep(0.01)");
            }
            transaction.run("update shop.items set price = $1::int where id = 1", {price + 1});
        });
    };
    std::thread other([&] { EXPECT_NO_THROW(count_up()); });
    EXPECT_NO_THROW(count_up());
    other.join();
    EXPECT_GE(runs, 3);
    EXPECT_EQ(run("select price from shop.items")[0].integer("price"), 3);
}

TEST_F(PostgresDb, WaitingForAConnectionIsBounded) {
    base::Metrics metrics;
    Postgres small({.url = database.app_url(),
                    .connections_max = 1,
                    .wait_max = std::chrono::seconds{0},
                    .metrics = &metrics});
    small.transact([&](Transaction&) {
        EXPECT_EQ(small.use().busy, 1);
        try {
            small.transact([](Transaction&) {});
            ADD_FAILURE() << "a second connection was opened";
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
            EXPECT_EQ(failure.code(), "pool_exhausted");
        }
    });
    EXPECT_EQ(small.use().busy, 0);
    EXPECT_EQ(small.use().open, 1);
    EXPECT_NE(metrics.text().find("postgres_pool_wait_seconds_count 2\n"), std::string::npos)
        << "both waits are counted, the one in vain too: " << metrics.text();
}

TEST(PostgresRestartDb, TheNextTransactionAfterARestartSucceeds) {
    TempDatabase database({}, test_support::ClusterUse::own);
    Postgres app({.url = database.app_url()});
    ASSERT_TRUE(app.is_reachable());
    database.restart();
    EXPECT_EQ(app.transact([](Transaction& transaction) {
        return transaction.run("select 42 as answer")[0].integer("answer");
    }),
              42);
}

// A link that is dead or stuck keeps the connection open and says nothing; the server's own
// statement_timeout cannot help then.
TEST(PostgresLink, GivesUpOnAServerThatSaysNothingAnyMore) {
    test_support::TempDatabase database;
    const base::PsqlEnvironment direct = base::psql_environment(database.app_url());
    const auto value = [&](std::string_view name) {
        for (const auto& [variable, text] : direct) {
            if (variable == name) return text;
        }
        return std::string();
    };
    sim::Proxy proxy({.name = "database", .target = value("PGHOST") + "/.s.PGSQL.5432"});
    proxy.start();
    base::Postgres postgres(
        {.url = base::Secret(fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}?connect_timeout=2",
                                         value("PGUSER"), value("PGPASSWORD"), proxy.port(),
                                         value("PGDATABASE"))),
         .connections_max = 2,
         .statement_max = std::chrono::seconds{1}});
    ASSERT_TRUE(postgres.is_reachable());

    const auto began = std::chrono::steady_clock::now();
    try {
        postgres.transact([&](base::Transaction& transaction) {
            transaction.run("select 1");
            proxy.set_fault(sim::parse_proxy_fault("half-open"));
            transaction.run("select 2");
        });
        ADD_FAILURE() << "nothing came of it";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable);
        EXPECT_THAT(failure.what(), testing::HasSubstr("no answer for 4 s"));
    }
    EXPECT_FALSE(postgres.is_reachable());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{25});

    proxy.set_fault({});
    EXPECT_TRUE(postgres.is_reachable());
}

}  // namespace
