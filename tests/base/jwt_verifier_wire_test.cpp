// The verifier against a key set that comes, changes and goes away.
#include <atomic>
#include <deque>
#include <mutex>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/jwt.hpp"
#include "base/server.hpp"
#include "tests/support/fake_clock.hpp"

namespace base {
namespace {

class JwtVerifierTest : public testing::Test {
  protected:
    struct Key {
        std::string kid;
        Ed25519Pair pair = make_ed25519();
    };

    JwtVerifierTest() {
        server_ = std::make_unique<Server>(ServerOptions{.name = "keys"});
        server_->route("GET", "/jwks", [this](const ServerRequest&) {
            ++fetches_;
            const std::lock_guard lock(mutex_);
            if (broken_) return ServerResponse::text("no", 500);
            Json list = Json::array();
            for (const Key& key : keys_) {
                list.push_back({{"kty", "OKP"},
                                {"crv", "Ed25519"},
                                {"kid", key.kid},
                                {"x", to_base64url(key.pair.public_key)}});
            }
            return ServerResponse::json({{"keys", list}});
        });
        server_->start();
        verifier_ = std::make_unique<JwtVerifier>(
            server_->url() + "/jwks", JwtRules{.issuers = {"us"}, .audience = "mana"}, clock_);
    }

    const Key& add_key(const std::string& kid) {
        const std::lock_guard lock(mutex_);
        return keys_.emplace_back(Key{.kid = kid});
    }
    // The one key that there is from now on.
    const Key& replace_keys(const std::string& kid) {
        const std::lock_guard lock(mutex_);
        keys_.clear();
        return keys_.emplace_back(Key{.kid = kid});
    }
    void set_broken(bool broken) {
        const std::lock_guard lock(mutex_);
        broken_ = broken;
    }
    std::string token(const Key& key, std::chrono::seconds life = std::chrono::hours(9)) {
        const auto now =
            std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch());
        return sign_jwt({{"sub", "u"},
                         {"iss", "us"},
                         {"aud", "mana"},
                         {"iat", now.count()},
                         {"exp", (now + life).count()}},
                        key.kid, key.pair.private_key);
    }

    tests::FakeClock clock_;
    std::mutex mutex_;
    std::deque<Key> keys_;
    bool broken_ = false;
    std::atomic<int> fetches_{0};
    std::unique_ptr<Server> server_;
    std::unique_ptr<JwtVerifier> verifier_;
};

TEST_F(JwtVerifierTest, FetchesOnceForManyTokens) {
    const Key& key = add_key("a");

    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(verifier_->verify(token(key, std::chrono::hours(i + 1))));
    }
    EXPECT_FALSE(verifier_->verify("nonsense"));
    EXPECT_EQ(fetches_, 1);

    clock_.advance(std::chrono::seconds(59));
    EXPECT_TRUE(verifier_->verify(token(key)));
    EXPECT_EQ(fetches_, 1);
    clock_.advance(std::chrono::seconds(1));
    EXPECT_TRUE(verifier_->verify(token(key)));
    EXPECT_EQ(fetches_, 2);
}

TEST_F(JwtVerifierTest, AnUnknownKeyAsksAgainButNotOften) {
    const Key& old_key = add_key("a");
    ASSERT_TRUE(verifier_->verify(token(old_key)));
    const Key& key = add_key("b");

    EXPECT_FALSE(verifier_->verify(token(key)));
    EXPECT_EQ(fetches_, 1) << "the last fetch was just now";
    clock_.advance(std::chrono::seconds(30));
    EXPECT_TRUE(verifier_->verify(token(key)));
    EXPECT_EQ(fetches_, 2);
}

TEST_F(JwtVerifierTest, ACachedTokenStillExpires) {
    const Key& key = add_key("a");
    const std::string short_token = token(key, std::chrono::seconds(60));
    ASSERT_TRUE(verifier_->verify(short_token));
    ASSERT_TRUE(verifier_->verify(short_token));

    clock_.advance(std::chrono::seconds(91));
    EXPECT_FALSE(verifier_->verify(short_token));
}

TEST_F(JwtVerifierTest, ARevokedKeyEndsWithinAMinuteInCachedTokensToo) {
    const std::string revoked = token(add_key("a"));
    ASSERT_TRUE(verifier_->verify(revoked));
    const Key& key = replace_keys("b");

    clock_.advance(std::chrono::seconds(60));
    EXPECT_FALSE(verifier_->verify(revoked));
    EXPECT_TRUE(verifier_->verify(token(key)));
    EXPECT_EQ(fetches_, 2);
}

TEST_F(JwtVerifierTest, OldKeysServeAnHourWithoutTheService) {
    const Key& key = add_key("a");
    ASSERT_TRUE(verifier_->verify(token(key)));
    set_broken(true);

    clock_.advance(std::chrono::minutes(59));
    EXPECT_TRUE(verifier_->verify(token(key)));
    clock_.advance(std::chrono::minutes(2));
    EXPECT_THROW(verifier_->verify(token(key)), Failure);
    EXPECT_THROW(verifier_->verify(token(key)), Failure);

    set_broken(false);
    clock_.advance(std::chrono::seconds(30));
    EXPECT_TRUE(verifier_->verify(token(key)));
}

}  // namespace
}  // namespace base
