// Connection strings as psql's environment; no server needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

TEST(PsqlEnvironment, TakesBothFormsApart) {
    for (const char* url : {"postgresql://mana_ops:ge%20heim@/mana?host=%2Fvar%2Fpg%2Fsocket",
                            "host=/var/pg/socket user=mana_ops password='ge heim' dbname=mana"}) {
        const auto environment = base::psql_environment(base::Secret(url));
        EXPECT_THAT(environment, Contains(Pair("PGHOST", "/var/pg/socket")));
        EXPECT_THAT(environment, Contains(Pair("PGUSER", "mana_ops")));
        EXPECT_THAT(environment, Contains(Pair("PGPASSWORD", "ge heim")));
        EXPECT_THAT(environment, Contains(Pair("PGDATABASE", "mana")));
    }
}

TEST(PsqlEnvironment, RefusesNonsenseWithoutQuotingIt) {
    for (const char* url : {"geheim", "postgresql://anna:geheim@[host/x"}) {
        try {
            base::psql_environment(base::Secret(url));
            ADD_FAILURE() << url;
        } catch (const base::Failure& failure) {
            EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
            EXPECT_THAT(failure.what(), Not(HasSubstr("geheim")));
        }
    }
}

}  // namespace
