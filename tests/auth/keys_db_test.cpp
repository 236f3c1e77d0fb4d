// Signing keys: their life, their rotation, and what ends with them.
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "auth/keys/administration.hpp"
#include "auth/keys/purposes.hpp"
#include "auth/keys/signing_keys.hpp"
#include "base/jwt.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

using auth::Rotation;
using base::Json;

class KeysTest : public ServiceTest {
  protected:
    void SetUp() override {
        start();
        add_user("anna@example.com");
        session_ = login("anna@example.com").text("token");
    }

    std::string jwt() { return get("/api/auth/token", bearer(session_)).text("token"); }
    bool accepted(const std::string& token) {
        return post("/api/v1/auth/validate", {{"token", token}}).json["valid"] == true;
    }
    std::size_t published() { return get("/api/auth/jwks").json["keys"].size(); }
    auth::Rotated rotate(Rotation rotation) {
        return auth::rotate_keys(pool_, clock_, service_secret, rotation);
    }
    std::string states() {
        std::string text;
        for (const auto& key : auth::list_keys(pool_, clock_, service_secret)) {
            text += (text.empty() ? "" : " ") + key.state;
        }
        return text;
    }

    std::string session_;
};

// auth-api-doubts B48
TEST_F(KeysTest, ARotationOverlapsSoThatNoTokenIsRefusedEarly) {
    const std::string before = jwt();
    const auth::Rotated next = rotate(Rotation::gentle);
    EXPECT_TRUE(next.made);
    clock_.advance(std::chrono::minutes(1));
    EXPECT_EQ(published(), 2u) << "verifiers may learn it before it signs";
    EXPECT_EQ(states(), "published signs");
    EXPECT_NE(base::kid_of(jwt()), next.kid);

    clock_.advance(std::chrono::minutes(9));
    const std::string last_of_old = jwt();
    EXPECT_NE(base::kid_of(last_of_old), next.kid);
    clock_.advance(std::chrono::minutes(1));
    const std::string first_of_new = jwt();
    EXPECT_EQ(base::kid_of(first_of_new), next.kid);
    EXPECT_EQ(states(), "signs verifies");
    clock_.advance(std::chrono::minutes(13));
    EXPECT_FALSE(accepted(before)) << "it lived its quarter of an hour";
    EXPECT_TRUE(accepted(last_of_old)) << "the old key still verifies";
    EXPECT_TRUE(accepted(first_of_new));

    clock_.advance(std::chrono::hours(2));
    EXPECT_EQ(published(), 1u);
    EXPECT_EQ(states(), "signs");
}

TEST_F(KeysTest, RotatingTwiceMakesOneKeyThatWaits) {
    const auth::Rotated first = rotate(Rotation::gentle), second = rotate(Rotation::gentle);

    EXPECT_FALSE(second.made);
    EXPECT_EQ(first.kid, second.kid);
    EXPECT_EQ(first.signs_from, second.signs_from);
}

TEST_F(KeysTest, ManyRotationsAtOnceMakeOneKey) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { rotate(Rotation::gentle); });
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(count("auth.jwks"), 2);
}

// auth-api-doubts B37: what must not wait for the end of a token.
TEST_F(KeysTest, RevokingEndsEveryAccessTokenAndNoSession) {
    const std::string before = jwt();
    ASSERT_TRUE(accepted(before));
    const auth::Rotated next = rotate(Rotation::at_once);
    clock_.advance(std::chrono::minutes(1));

    EXPECT_FALSE(accepted(before));
    EXPECT_EQ(published(), 1u);
    const std::string after = jwt();
    EXPECT_EQ(base::kid_of(after), next.kid);
    EXPECT_TRUE(accepted(after));
}

TEST_F(KeysTest, AnOldKeyIsFollowedByItself) {
    EXPECT_EQ(count("auth.jwks"), 1);
    clock_.advance(std::chrono::hours(24 * 90));
    session_ = login("anna@example.com").text("token");
    EXPECT_EQ(count("auth.jwks"), 2);
    clock_.advance(std::chrono::minutes(12));
    const std::string kid = base::kid_of(jwt()).value_or("");
    EXPECT_EQ(count("auth.jwks where id = $1 and verifies_until is null", {kid}), 1);

    auth::Options never = options();
    never.key_days = 0;
    start(never);
    clock_.advance(std::chrono::hours(24 * 400));
    session_ = login("anna@example.com").text("token");
    EXPECT_EQ(base::kid_of(jwt()), kid);
}

TEST_F(KeysTest, EndedKeysAreForgottenAfterAMonth) {
    rotate(Rotation::at_once);
    clock_.advance(std::chrono::hours(24 * 31));
    rotate(Rotation::at_once);

    EXPECT_EQ(count("auth.jwks"), 2);
}

TEST_F(KeysTest, AKeyOfAnotherSecretNeitherSignsNorStopsARevocation) {
    const base::Secret other("another-secret-another-secret");
    EXPECT_EQ(auth::list_keys(pool_, clock_, other).at(0).state, "unreadable");

    auth::rotate_keys(pool_, clock_, other, Rotation::at_once);

    auth::Options changed = options();
    changed.secret = other;
    start(changed);
    session_ = login("anna@example.com").text("token");
    EXPECT_TRUE(accepted(jwt()));
}

TEST_F(KeysTest, OperatorsSeeTheKeysAndNoKeyMaterial) {
    base::Postgres operators({.url = database_.ops_url(), .connections_max = 1});
    const auto rows = operators.transact([](base::Transaction& transaction) {
        return transaction.run("select * from ops.signing_keys");
    });

    EXPECT_EQ(rows.size(), 1u);
    EXPECT_THAT(rows.columns(),
                testing::ElementsAre("key", "created_at", "signs_from", "verifies_until", "state"));
}

TEST(Keys, APrivateKeyRowOpensOnlyWithItsSecret) {
    const Json jwk = {{"crv", "Ed25519"}, {"d", "xx"}, {"x", "yy"}, {"kty", "OKP"}};
    const std::string row = auth::seal_private_jwk(service_secret, jwk);

    EXPECT_EQ(row.front(), '"');
    EXPECT_EQ(row.back(), '"');
    EXPECT_EQ(auth::open_private_jwk(service_secret, row), jwk);
    EXPECT_EQ(auth::open_private_jwk(base::Secret("other"), row), std::nullopt);
    EXPECT_EQ(auth::open_private_jwk(service_secret, "{}"), std::nullopt);
    EXPECT_EQ(auth::open_private_jwk(service_secret, "\"zz\""), std::nullopt);
}

// auth-api-doubts B43
TEST(Keys, EveryPurposeHasAKeyOfItsOwn) {
    std::set<std::string> keys{service_secret.reveal(), base::sha256(service_secret.reveal())};
    for (const auto purpose :
         {auth::Purpose::cookies, auth::Purpose::mailed_links, auth::Purpose::signing_keys,
          auth::Purpose::outbound, auth::Purpose::factors, auth::Purpose::mailed_codes,
          auth::Purpose::devices, auth::Purpose::handles}) {
        const std::string key = auth::key_for(purpose, service_secret).reveal();
        EXPECT_EQ(key.size(), 32u);
        EXPECT_TRUE(keys.insert(key).second);
        EXPECT_NE(auth::key_for(purpose, base::Secret("other")).reveal(), key);
    }
    const Json jwk = {{"d", "xx"}};
    const std::string row = auth::seal_private_jwk(service_secret, jwk);
    const std::string box = *base::from_hex(row.substr(1, row.size() - 2));
    EXPECT_FALSE(base::open_sealed(base::sha256(service_secret.reveal()), box))
        << "not the key of the service before us";
}

}  // namespace
}  // namespace tests
