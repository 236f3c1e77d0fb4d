// The stores of users and spaces, and what administrators are made of.
#include "auth/identity/users.hpp"

#include <thread>

#include "auth/identity/administration.hpp"
#include "auth/spaces/spaces.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

class UsersTest : public ServiceTest {
  protected:
    std::string slug_of(const std::string& user_id) {
        return sql("select slug from auth.organizations where personal_user_id = $1", {user_id})[0]
            .text("slug");
    }
};

TEST(Slug, IsWhatTheAddressSuggests) {
    EXPECT_EQ(auth::slug_of_email("Anna@x.de"), "anna");
    EXPECT_EQ(auth::slug_of_email("anna.b+c@x.de"), "anna-b-c");
    EXPECT_EQ(auth::slug_of_email("--anna--b--@x.de"), "anna-b");
    EXPECT_EQ(auth::slug_of_email("...@x.de"), "");
    EXPECT_EQ(auth::slug_of_email(std::string(40, 'a') + "@x.de"), std::string(30, 'a'));
    EXPECT_EQ(auth::slug_of_email(std::string(29, 'a') + ".b@x.de"), std::string(29, 'a') + "-");
}

TEST_F(UsersTest, SlugsAreUniqueAndNotReserved) {
    EXPECT_EQ(slug_of(add_user("anna@a.de")), "anna");
    EXPECT_EQ(slug_of(add_user("anna@b.de")), "anna-2");
    EXPECT_EQ(slug_of(add_user("anna@c.de")), "anna-3");
    EXPECT_EQ(slug_of(add_user("admin@a.de")), "admin-2");
    EXPECT_TRUE(slug_of(add_user("_@a.de")).starts_with("user-"));
}

TEST_F(UsersTest, ManyUsersOfOneNameAtOnceEachGetASpace) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] { add_user("anna@host" + std::to_string(i) + ".de"); });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(count("auth.users"), 8);
    EXPECT_EQ(count("auth.organizations"), 8);
    EXPECT_EQ(count("auth.members where role = 'owner'"), 8);
}

TEST_F(UsersTest, AnAddressBelongsToOneUser) {
    add_user("anna@example.com");

    const auto second = pool_.transact([&](base::Transaction& transaction) {
        return auth::create_user(transaction, {.email = " ANNA@Example.com "}, clock_.now());
    });

    EXPECT_EQ(second, std::nullopt);
    EXPECT_EQ(count("auth.users"), 1);
}

// auth-api-doubts B35, B64
TEST_F(UsersTest, OnePersonalSpaceAndOneMembershipPerSpace) {
    const std::string id = add_user("anna@example.com");
    pool_.transact([&](base::Transaction& transaction) {
        auth::ensure_personal_space(transaction, id, clock_.now());
    });
    EXPECT_EQ(count("auth.organizations"), 1);

    EXPECT_THROW(sql("insert into auth.members (id, organization_id, user_id, role) select 'x', "
                     "organization_id, user_id, role from auth.members"),
                 base::Failure);
    EXPECT_THROW(sql("insert into auth.organizations (id, name, personal_user_id) values ('o', "
                     "'n', $1)",
                     {id}),
                 base::Failure);
}

// auth-api-doubts B16, B47
TEST_F(UsersTest, DeletingLeavesNothingButPseudonymousEvents) {
    start();
    const std::string anna_id = add_user("anna@example.com");
    const std::string ben = add_user("ben@example.com");
    login("anna@example.com", "wrong-password");
    login("anna@example.com");
    sql("insert into auth.organizations (id, name, slug) values ('team', 'Team', 'team'), "
        "('alone', 'Alone', 'alone')");
    sql("insert into auth.members (id, organization_id, user_id, role) values "
        "('m1', 'team', $1, 'owner'), ('m2', 'team', $2, 'owner'), ('m3', 'alone', $1, 'owner')",
        {anna_id, ben});

    for (const char* name : {"member", "newEmail", "email"}) {
        sql("insert into auth.security_events (user_id, event_type, metadata) values "
            "($1, 'OF_BEN', jsonb_build_object($2::text, 'anna@example.com', 'kept', 1))",
            {ben, name});
    }

    const bool deleted = pool_.transact([&](base::Transaction& transaction) {
        return auth::delete_user_completely(transaction, anna_id).has_value();
    });

    EXPECT_TRUE(deleted);
    EXPECT_EQ(count("auth.security_events e where e::text like '%anna@example.com%'"), 0);
    const auto of_ben =
        sql("delete from auth.security_events where event_type = 'OF_BEN' "
            "and metadata ->> 'kept' = '1' returning metadata::text as m");
    ASSERT_EQ(of_ben.size(), 3U);
    EXPECT_NE(of_ben[0].text("m").find(
                  sql("select pseudonym from auth.security_events limit 1")[0].text("pseudonym")),
              std::string::npos);
    EXPECT_EQ(count("auth.users"), 1);
    EXPECT_EQ(count("auth.accounts"), 1);
    EXPECT_EQ(count("auth.sessions"), 0);
    EXPECT_EQ(count("auth.login_attempts"), 0);
    EXPECT_EQ(count("auth.login_locks"), 0);
    EXPECT_EQ(count("auth.organizations where id = 'team'"), 1);
    EXPECT_EQ(count("auth.organizations"), 2) << "the team and Ben's own";
    EXPECT_EQ(count("auth.members where user_id = $1", {ben}), 2);
    EXPECT_EQ(count("auth.security_events"), 2);
    EXPECT_EQ(count("auth.security_events where user_id is not null or ip_address is not null or "
                    "metadata is not null"),
              0);
    const auto pseudonyms = sql("select distinct pseudonym from auth.security_events");
    ASSERT_EQ(pseudonyms.size(), 1u) << "her events stay together";
    EXPECT_TRUE(pseudonyms[0].text("pseudonym").starts_with("deleted-"));
    EXPECT_EQ(pseudonyms[0].text("pseudonym").find(anna_id), std::string::npos);
    EXPECT_FALSE(pool_.transact([&](base::Transaction& transaction) {
        return auth::delete_user_completely(transaction, anna_id).has_value();
    }));
    EXPECT_EQ(slug_of(add_user("anna@example.com")), "anna") << "the slug is free again";
}

TEST_F(UsersTest, AnOperatorMakesAnAdminWhoseTokenWorks) {
    start();
    const base::Secret password(good_password);
    const auto made = auth::create_administrator(pool_, clock_, "Root@Example.com", password);
    EXPECT_TRUE(made.created);
    EXPECT_EQ(made.email, "root@example.com");
    ASSERT_EQ(login("root@example.com").status, 200);
    const auto again = auth::create_administrator(pool_, clock_, "root@example.com", password);
    EXPECT_FALSE(again.created || again.promoted);
    EXPECT_EQ(again.sessions_ended, 1u);
    auth::Options told = options();
    told.base_url = service_->url();

    const std::string jwt =
        auth::mint_admin_token(pool_, clock_, told, "root@example.com", std::chrono::minutes(20))
            .reveal();

    EXPECT_EQ(get("/api/v1/admin/personas", bearer(jwt)).status, 200);
    EXPECT_EQ(login("root@example.com").status, 200);
    clock_.advance(std::chrono::minutes(21));
    EXPECT_EQ(get("/api/v1/admin/personas", bearer(jwt)).status, 401);
}

// auth-api-doubts B29: who registered the address first, and never proved it, has no way in after
// somebody else stood for it.
TEST_F(UsersTest, APromotedUsersEarlierPasswordEnds) {
    start();
    add_user("anna@example.com", "user", false);
    ASSERT_EQ(login("anna@example.com").text("error"), "EMAIL_NOT_VERIFIED");

    auth::create_administrator(pool_, clock_, "anna@example.com", base::Secret("another password"));

    EXPECT_EQ(login("anna@example.com").text("error"), "INVALID_CREDENTIALS");
    EXPECT_EQ(login("anna@example.com", "another password").status, 200);
}

TEST_F(UsersTest, AnOperatorPromotesHumansOnly) {
    start();
    const base::Secret password(good_password);
    const auto kind_of = [&](const auto& action) {
        try {
            action();
        } catch (const base::Failure& failure) {
            return std::string(base::name_of(failure.kind()));
        }
        return std::string("done");
    };
    const auto create = [&] {
        auth::create_administrator(pool_, clock_, "anna@example.com", password);
    };
    const auto mint = [&](const std::string& email) {
        auth::mint_admin_token(pool_, clock_, options(), email, std::chrono::minutes(1));
    };

    add_user("anna@example.com", "user", false);
    EXPECT_EQ(kind_of([&] { mint("anna@example.com"); }), "forbidden");
    EXPECT_TRUE(auth::create_administrator(pool_, clock_, "anna@example.com", password).promoted);
    EXPECT_EQ(count("auth.users where role = 'admin' and email_verified"), 1);

    sql("update auth.users set kind = 'persona', role = 'user'");
    EXPECT_EQ(kind_of(create), "conflict");
    sql("update auth.users set kind = 'human', deleted_at = now()");
    EXPECT_EQ(kind_of(create), "conflict");
    EXPECT_EQ(kind_of([&] { mint("nobody@example.com"); }), "missing");
}

}  // namespace
}  // namespace tests
