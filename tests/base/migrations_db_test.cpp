// The migrations runner: order, record, refusals, two daemons at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "tests/support/temp_database.hpp"

namespace {

using base::EmbeddedText;
using base::Failure;
using base::Postgres;
using base::Transaction;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<EmbeddedText>;

constexpr EmbeddedText one{"001_one.sql",
                           "create schema shop; create table shop.one (id int); "
                           "insert into shop.one values (1)"};
constexpr EmbeddedText two{"002_two.sql", "create table shop.two (id int)"};
constexpr EmbeddedText three{"003_three.sql", "create table shop.three (id int)"};

class MigrationsDb : public testing::Test {
  protected:
    std::vector<std::string> migrate(const Texts& files) {
        return base::migrate(database.owner_url(), "shop", files);
    }

    std::string refusal(const Texts& files) {
        try {
            migrate(files);
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), Failure::Kind::conflict) << failure.what();
            return failure.what();
        }
        ADD_FAILURE() << "the migrations were accepted";
        return {};
    }

    bool has_table(std::string_view name) {
        return owner.transact([&](Transaction& transaction) {
            return transaction.run("select to_regclass($1) is not null as present", {name})[0].flag(
                "present");
        });
    }

    test_support::TempDatabase database;
    Postgres owner{{.url = database.owner_url()}};
};

TEST_F(MigrationsDb, AppliesWhatIsMissingInOrderAndRecordsIt) {
    Postgres app({.url = database.app_url()});
    EXPECT_THAT(base::pending_migrations(app, "shop", Texts{one, two}),
                ElementsAre("001_one.sql", "002_two.sql"));
    EXPECT_THAT(migrate({one, two}), ElementsAre("001_one.sql", "002_two.sql"));
    EXPECT_THAT(migrate({one, two}), IsEmpty());
    EXPECT_THAT(base::pending_migrations(app, "shop", Texts{one, two, three}),
                ElementsAre("003_three.sql"));
    EXPECT_THAT(migrate({one, two, three}), ElementsAre("003_three.sql"));
    const auto rows = owner.transact([](Transaction& transaction) {
        return transaction.run(
            "select name, length(sha256) as length, applied_at <= now() as past "
            "from public.schema_migrations where set = 'shop' order by name");
    });
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0].text("name"), "001_one.sql");
    EXPECT_EQ(rows[0].integer("length"), 64);
    EXPECT_TRUE(rows[0].flag("past"));
}

TEST_F(MigrationsDb, SetsDoNotKnowEachOther) {
    migrate({one});
    constexpr EmbeddedText other{"001_one.sql", "create schema depot"};
    EXPECT_THAT(base::migrate(database.owner_url(), "depot", Texts{other}),
                ElementsAre("001_one.sql"));
    EXPECT_THAT(migrate({one}), IsEmpty());
}

TEST_F(MigrationsDb, RefusesAChangedFile) {
    migrate({one});
    const EmbeddedText changed{one.name, "create schema shop"};
    EXPECT_THAT(refusal({changed, two}), HasSubstr("shop/001_one.sql was changed"));
    EXPECT_FALSE(has_table("shop.two"));
    Postgres app({.url = database.app_url()});
    EXPECT_THROW(base::pending_migrations(app, "shop", Texts{changed}), Failure);
}

TEST_F(MigrationsDb, RefusesAGap) {
    migrate({one, three});
    EXPECT_THAT(refusal({one, two, three}), HasSubstr("shop/002_two.sql was never applied"));
    EXPECT_FALSE(has_table("shop.two"));
}

TEST_F(MigrationsDb, APreparationComesFirstOrNever) {
    const EmbeddedText zero{"000_zero.sql", "create schema depot"};
    migrate({one});
    EXPECT_THAT(migrate({zero, one, two}), ElementsAre("002_two.sql"));
    EXPECT_THAT(migrate({zero, one, two}), IsEmpty());
    Postgres app({.url = database.app_url()});
    EXPECT_THAT(base::pending_migrations(app, "shop", Texts{zero, one, two}), IsEmpty());
}

TEST_F(MigrationsDb, RefusesADatabaseNewerThanTheProgram) {
    migrate({one, two});
    EXPECT_THAT(refusal({one}), HasSubstr("shop/002_two.sql is in the database but unknown"));
}

TEST_F(MigrationsDb, AFailedFileLeavesNothingAndCanBeMended) {
    const EmbeddedText broken{two.name, "create table shop.two (id int); select * from nowhere"};
    try {
        migrate({one, broken});
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_THAT(failure.what(), HasSubstr("shop/002_two.sql failed"));
        EXPECT_THAT(failure.what(), HasSubstr("nowhere"));
    }
    EXPECT_TRUE(has_table("shop.one"));
    EXPECT_FALSE(has_table("shop.two"));
    EXPECT_THAT(migrate({one, two}), ElementsAre("002_two.sql"));
}

TEST_F(MigrationsDb, RefusesAFileThatCommits) {
    const EmbeddedText commits{"001_one.sql", "create schema shop; commit; create schema depot"};
    EXPECT_THAT(refusal({commits}), HasSubstr("ends the transaction"));
}

TEST_F(MigrationsDb, TwoDaemonsAtOnceApplyEachFileOnce) {
    std::vector<std::string> applied[2];
    std::thread other([&] { EXPECT_NO_THROW(applied[1] = migrate({one, two, three})); });
    EXPECT_NO_THROW(applied[0] = migrate({one, two, three}));
    other.join();
    EXPECT_EQ(applied[0].size() + applied[1].size(), 3u);
    const auto rows = owner.transact(
        [](Transaction& transaction) { return transaction.run("select id from shop.one"); });
    EXPECT_EQ(rows.size(), 1u);
}

TEST_F(MigrationsDb, TheAppRoleCannotMigrate) {
    EXPECT_THROW(base::migrate(database.app_url(), "shop", Texts{one}), Failure);
    EXPECT_FALSE(has_table("shop.one"));
}

TEST(TempDatabaseDb, CopiesAreMigratedAndIndependent) {
    static const EmbeddedText files[] = {one, two};
    test_support::TempDatabase first({{"shop", files}});
    test_support::TempDatabase second({{"shop", files}});
    EXPECT_NE(first.name(), second.name());
    Postgres one_owner({.url = first.owner_url()});
    one_owner.transact([](Transaction& transaction) { transaction.run("delete from shop.one"); });
    Postgres other_owner({.url = second.owner_url()});
    EXPECT_EQ(other_owner.transact([](Transaction& transaction) {
        return transaction.run("select id from shop.one").size();
    }),
              1u);
    EXPECT_THAT(base::migrate(second.owner_url(), "shop", files), IsEmpty());
}

}  // namespace
