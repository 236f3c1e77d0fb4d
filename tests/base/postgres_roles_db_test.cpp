// Who may do what: the three roles, the database they share, connections that are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "tests/support/temp_database.hpp"

namespace {

using base::Failure;
using base::Postgres;
using base::Transaction;
using test_support::TempDatabase;
using testing::HasSubstr;
using testing::Not;

TEST(PostgresRolesDb, AnUnreachableServerIsUnavailableAndItsPasswordUntold) {
    for (const char* url :
         {"postgresql://anna:geheim@127.0.0.1:1/x", "host=/nowhere password=geheim",
          "postgresql://anna:geheim@host:nonsense/x", "geheim"}) {
        Postgres none({.url = base::Secret(url)});
        EXPECT_FALSE(none.is_reachable());
        try {
            none.transact([](Transaction&) {});
            FAIL();
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), Failure::Kind::unavailable) << url;
            EXPECT_THAT(failure.what(), Not(HasSubstr("geheim")));
        }
        EXPECT_EQ(none.use().open, 0);
    }
}

TEST(PostgresRolesDb, PrivilegedRolesAreRefused) {
    TempDatabase database;
    Postgres app({.url = database.app_url()});
    EXPECT_NO_THROW(app.refuse_privileged_role());
    Postgres superuser({.url = database.superuser_url()});
    EXPECT_THROW(superuser.refuse_privileged_role(), Failure);
    superuser.transact([](Transaction& transaction) {
        transaction.run("create role sees_all bypassrls");
        transaction.run("grant sees_all to mana_app");
    });
    try {
        app.refuse_privileged_role();
        ADD_FAILURE() << "a role that may become a privileged one was accepted";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::forbidden);
        EXPECT_THAT(failure.what(), HasSubstr("mana_app"));
        EXPECT_THAT(failure.what(), HasSubstr("bypasses row security"));
    }
    superuser.transact([](Transaction& transaction) { transaction.run("drop role sees_all"); });
}

TEST(PostgresRolesDb, OpsReadsOnly) {
    TempDatabase database;
    Postgres owner({.url = database.owner_url()});
    owner.transact([](Transaction& transaction) {
        transaction.run("create schema shop");
        transaction.run("create table shop.items (id int)");
        transaction.run("grant usage on schema shop to mana_ops");
        transaction.run("grant select, insert on shop.items to mana_ops");
    });
    Postgres ops({.url = database.ops_url()});
    EXPECT_TRUE(ops.transact([](Transaction& transaction) {
        return transaction.run("select 1 from shop.items").empty();
    }));
    try {
        ops.transact([](Transaction& transaction) {
            transaction.run("insert into shop.items (id) values (1)");
        });
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::forbidden);
        EXPECT_EQ(failure.code(), "25006");
    }
}

TEST(PostgresRolesDb, ARoleThatWasGivenRightsIsRepaired) {
    TempDatabase database({}, test_support::ClusterUse::own);
    Postgres superuser({.url = database.superuser_url()});
    superuser.transact([](Transaction& transaction) {
        transaction.run("alter role mana_app superuser createdb bypassrls");
        transaction.run("alter role mana_ops reset default_transaction_read_only");
    });
    const base::Secret password("neuesPasswort1");
    base::ensure_roles(
        database.superuser_url(),
        {.owner_password = password, .app_password = password, .ops_password = password});
    const auto rows = superuser.transact([](Transaction& transaction) {
        return transaction.run(
            "select count(*) filter (where rolsuper or rolcreatedb or rolcreaterole or "
            "rolbypassrls "
            "or rolreplication) as strong, count(*) as many, "
            "bool_or('default_transaction_read_only=on' = any(rolconfig)) as read_only "
            "from pg_roles where rolname in ('mana_owner', 'mana_app', 'mana_ops')");
    });
    EXPECT_EQ(rows[0].integer("strong"), 0);
    EXPECT_EQ(rows[0].integer("many"), 3);
    EXPECT_TRUE(rows[0].flag("read_only"));
}

TEST(PostgresRolesDb, ADatabaseIsClosedToOtherRoles) {
    TempDatabase database;
    Postgres superuser({.url = database.superuser_url()});
    const auto rows = superuser.transact([](Transaction& transaction) {
        transaction.run("create role stranger");
        auto answer = transaction.run(
            "select has_database_privilege('stranger', current_database(), 'connect') as stranger, "
            "has_database_privilege('mana_app', current_database(), 'connect') as app, "
            "has_database_privilege('mana_app', current_database(), 'create') as app_creates, "
            "has_database_privilege('mana_owner', current_database(), 'create') as owner_creates, "
            "has_database_privilege('mana_ops', current_database(), 'connect') as ops");
        transaction.run("drop role stranger");
        return answer;
    });
    EXPECT_FALSE(rows[0].flag("stranger"));
    EXPECT_TRUE(rows[0].flag("app"));
    EXPECT_FALSE(rows[0].flag("app_creates"));
    EXPECT_TRUE(rows[0].flag("owner_creates"));
    EXPECT_TRUE(rows[0].flag("ops"));
}

TEST(PostgresRolesDb, NamesAreQuotedNotTrusted) {
    TempDatabase database;
    const std::string name = "x\"; drop role mana_app; --";
    base::ensure_database(database.superuser_url(), name);
    base::ensure_database(database.superuser_url(), name);
    Postgres superuser({.url = database.superuser_url()});
    const auto count = [&] {
        return superuser.transact([&](Transaction& transaction) {
            return transaction.run("select 1 from pg_database where datname = $1", {name}).size();
        });
    };
    EXPECT_EQ(count(), 1u);
    test_support::drop_database(database.superuser_url(), name);
    EXPECT_EQ(count(), 0u);
    EXPECT_TRUE(Postgres({.url = database.app_url()}).is_reachable());
}

}  // namespace
