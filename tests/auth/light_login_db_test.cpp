// Cheap logins of personas: what is stored in the light form, what a failure costs, and whom the
// service key lets pass.
#include <gmock/gmock.h>

#include "auth/identity/credential.hpp"
#include "catalog/password.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

const std::string persona_anna = "persona.anna@mana.test";

class LightLoginTest : public ServiceTest {
  protected:
    void SetUp() override { start(with_seed()); }

    auth::Options with_seed() const {
        auth::Options told = options();
        told.seed_secret = base::Secret("a seed secret of the tests");
        return told;
    }
    static std::string derived(const std::string& email) {
        return catalog::password_of(email, base::Secret("a seed secret of the tests")).reveal();
    }
    static base::HttpHeaders key() { return {{"X-Service-Key", "dev-service-key"}}; }

    std::string add_persona(const std::string& password_hash) {
        const auto id = pool_.transact([&](base::Transaction& transaction) {
            return *auth::create_user(transaction,
                                      {.email = persona_anna,
                                       .password_hash = password_hash,
                                       .kind = "persona",
                                       .verified = true},
                                      clock_.now());
        });
        return id;
    }
    Answer log_in(const std::string& email, const std::string& password,
                  const base::HttpHeaders& headers = {}) {
        return post("/api/v1/auth/login", {{"email", email}, {"password", password}}, headers);
    }
    std::string stored(const std::string& email) {
        return sql("select a.password from auth.accounts a join auth.users u on u.id = a.user_id "
                   "where u.email = $1",
                   {email})[0]
            .text("password");
    }
    double scrypts() { return metrics_.counter("auth_scrypts_total", "").value(); }
    // What a call costs in slow hashes.
    double cost(const std::function<void()>& call) {
        const double before = scrypts();
        call();
        return scrypts() - before;
    }
    base::HttpHeaders admin() {
        add_user("root@example.com", "admin");
        return bearer(login("root@example.com").text("accessToken"));
    }
    static base::Json form(const std::string& password) {
        return {{"email", persona_anna},
                {"password", password},
                {"archetype", "tester"},
                {"systemPrompt", "Du bist Anna und lebst in Bremen."},
                {"moduleMix", {{"todo", 1}}}};
    }
};

TEST_F(LightLoginTest, SeedingADerivedPasswordAndLoggingInCostNoScrypt) {
    const base::HttpHeaders root = admin();
    EXPECT_EQ(
        cost([&] {
            EXPECT_EQ(post("/api/v1/admin/personas", form(derived(persona_anna)), root).status,
                      200);
            EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 200);
            EXPECT_EQ(log_in("Persona.Anna@Mana.test", derived(persona_anna)).status, 200);
            const Answer again = post("/api/v1/admin/personas", form(derived(persona_anna)), root);
            EXPECT_EQ(again.json["passwordChanged"], false);
        }),
        0);
    EXPECT_TRUE(auth::is_light_hash(stored(persona_anna)));
}

TEST_F(LightLoginTest, AnEarlierScryptHashIsReplacedAtTheFirstCorrectLogin) {
    add_persona(auth::hash_password(base::Secret(derived(persona_anna))));
    EXPECT_EQ(log_in(persona_anna, "wrong-password").status, 401);
    EXPECT_FALSE(auth::is_light_hash(stored(persona_anna)));

    EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 200); }), 1);

    EXPECT_TRUE(auth::is_light_hash(stored(persona_anna)));
    EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 200); }), 0);
}

TEST_F(LightLoginTest, LoginsClearAwayOldAttemptsAndSessionsBetweenThem) {
    const std::string user =
        add_persona(auth::hash_derived_password(base::Secret(derived(persona_anna))));
    sql("insert into auth.login_attempts (email, attempted_at) "
        "select 'old@example.com', $1::timestamptz - interval '400 days' "
        "from generate_series(1, 250)",
        {clock_.now()});
    sql("insert into auth.sessions (id, token, user_id, expires_at) "
        "select 'old-' || n, 'sha256:' || encode(sha256(n::text::bytea), 'hex'), $2, "
        "$1::timestamptz - interval '1 day' "
        "from generate_series(1, 250) n",
        {clock_.now(), user});
    const auto left = [&] {
        return sql("select (select count(*) from auth.login_attempts "
                   "where email = 'old@example.com') + (select count(*) from auth.sessions "
                   "where id like 'old-%') as rows")[0]
            .integer("rows");
    };

    int logins = 0;
    for (; left() > 0 && logins < 1'000; ++logins) {
        ASSERT_EQ(log_in(persona_anna, derived(persona_anna), key()).status, 200);
    }

    EXPECT_EQ(left(), 0) << "after " << logins << " logins";
    EXPECT_GE(logins, 3) << "one login clears a hundred of each at most";
}

TEST_F(LightLoginTest, EveryFailedLoginCostsExactlyOneScrypt) {
    add_persona(auth::hash_derived_password(base::Secret(derived(persona_anna))));
    add_user("human@example.com");
    for (const std::string& email :
         {persona_anna, std::string("human@example.com"), std::string("nobody@example.com")}) {
        const std::string wrong = "wrong-password";
        EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(email, wrong).status, 401); }), 1) << email;
        EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(email, wrong, key()).status, 401); }), 1) << email;
    }
    // Another's derived password is a wrong one like any other.
    EXPECT_EQ(cost([&] {
                  EXPECT_EQ(log_in(persona_anna, derived("persona.ben@mana.test")).status, 401);
              }),
              1);
}

TEST_F(LightLoginTest, WhatAPersonChoosesIsAlwaysScrypt) {
    const base::HttpHeaders root = admin();
    post("/api/v1/admin/personas", form(derived(persona_anna)), root);

    // A reset to a password that somebody chose.
    const Answer reset = post("/api/v1/admin/personas", form("chosen by a person"), root);
    EXPECT_EQ(reset.json["passwordChanged"], true);
    EXPECT_FALSE(auth::is_light_hash(stored(persona_anna)));
    EXPECT_EQ(log_in(persona_anna, "chosen by a person").status, 200);
    EXPECT_FALSE(auth::is_light_hash(stored(persona_anna)));
    EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 401);

    // A human whose password happens to be the derived one of her address stays a human.
    post("/api/v1/auth/register",
         {{"email", "eve@example.com"}, {"password", derived("eve@example.com")}});
    sql("update auth.users set email_verified = true");
    EXPECT_EQ(log_in("eve@example.com", derived("eve@example.com")).status, 200);
    EXPECT_FALSE(auth::is_light_hash(stored("eve@example.com")));
}

TEST_F(LightLoginTest, WithoutASeedSecretNothingIsLight) {
    start();
    post("/api/v1/admin/personas", form(derived(persona_anna)), admin());
    EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 200);
    EXPECT_FALSE(auth::is_light_hash(stored(persona_anna)));
}

TEST_F(LightLoginTest, ARotatedSeedSecretKeepsWhoWasSeededBeforeUntilSheIsSeededAgain) {
    const base::HttpHeaders root = admin();
    post("/api/v1/admin/personas", form(derived(persona_anna)), root);
    auth::Options rotated = with_seed();
    rotated.seed_secret = base::Secret("another seed secret of the tests");
    start(rotated);

    EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).status, 200); }), 0);
    const std::string fresh = catalog::password_of(persona_anna, rotated.seed_secret).reveal();
    EXPECT_EQ(log_in(persona_anna, fresh).status, 401);
    const base::HttpHeaders again = bearer(login("root@example.com").text("accessToken"));
    EXPECT_EQ(post("/api/v1/admin/personas", form(fresh), again).json["passwordChanged"], true);
    EXPECT_EQ(cost([&] { EXPECT_EQ(log_in(persona_anna, fresh).status, 200); }), 0);
}

// Strangers who guess at a persona stop no visit.
TEST_F(LightLoginTest, TheDerivedPasswordWithTheKeyPassesALockout) {
    add_persona(auth::hash_derived_password(base::Secret(derived(persona_anna))));
    const auto lock = [&](const std::string& email) {
        for (int i = 0; i < 5; ++i) log_in(email, "wrong-password");
        ASSERT_EQ(log_in(email, "wrong-password").text("error"), "ACCOUNT_LOCKED");
    };
    lock(persona_anna);

    EXPECT_EQ(log_in(persona_anna, derived(persona_anna)).text("error"), "ACCOUNT_LOCKED");
    EXPECT_EQ(log_in(persona_anna, derived(persona_anna), {{"X-Service-Key", "wrong"}}).status,
              429);
    EXPECT_EQ(log_in(persona_anna, "wrong-password", key()).text("error"), "ACCOUNT_LOCKED");
    EXPECT_EQ(log_in(persona_anna, derived(persona_anna), key()).status, 200);

    // A person's account stays locked, key or not, and so does a persona whose password was reset.
    add_user("human@example.com");
    lock("human@example.com");
    EXPECT_EQ(log_in("human@example.com", good_password, key()).text("error"), "ACCOUNT_LOCKED");
    sql("update auth.accounts set password = $1", {good_password_hash});
    lock(persona_anna);
    EXPECT_EQ(log_in(persona_anna, good_password, key()).text("error"), "ACCOUNT_LOCKED");
    EXPECT_EQ(log_in(persona_anna, derived(persona_anna), key()).text("error"), "ACCOUNT_LOCKED");
}

TEST_F(LightLoginTest, TheKeyExemptsFromLimitsAndCapsOnEveryRoute) {
    auth::Options limited = with_seed();
    limited.address_limits = true;
    limited.daily_signups_max = 1;
    start(limited);
    const auto sign_up = [&](int number, const base::HttpHeaders& headers) {
        return post("/api/v1/auth/register",
                    {{"email", "u" + std::to_string(number) + "@example.com"},
                     {"password", good_password}},
                    headers)
            .status;
    };
    for (int i = 0; i < 5; ++i) EXPECT_EQ(sign_up(i, key()), 200);
    EXPECT_EQ(count("auth.users"), 5);
    EXPECT_EQ(sign_up(9, {}), 429);
    EXPECT_EQ(sign_up(9, {{"X-Service-Key", "wrong"}}), 429);

    add_user("anna@example.com");
    const base::Json body = {{"email", "anna@example.com"}, {"password", good_password}};
    for (const char* path : {"/api/v1/auth/login", "/api/auth/sign-in/email"}) {
        for (int i = 0; i < 5; ++i) EXPECT_EQ(post(path, body, key()).status, 200) << path;
    }
}

}  // namespace
}  // namespace tests
