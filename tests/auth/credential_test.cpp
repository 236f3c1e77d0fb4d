#include "auth/identity/credential.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/failure.hpp"

namespace auth {
namespace {

const std::string credential_recorded =
    "b8a72df88bdf16e2f4610b2700cea3da:86341699b09b872c457213d309ff16c5a4691ece5b324d5e287ac776a6057"
    "a4af4c42f31977a7700ec5ba149a450602e2fc21dd9511a72d05043419f01d54ea0";

std::string credential_fault(const std::string& password) {
    try {
        check_password_length(base::Secret(password));
    } catch (const base::Failure& failure) {
        return failure.code();
    }
    return "";
}

TEST(Credential, ARecordedHashIsMatched) {
    EXPECT_TRUE(password_matches(base::Secret("Aa-123456789"), credential_recorded));
    EXPECT_FALSE(password_matches(base::Secret("Aa-123456780"), credential_recorded));
    EXPECT_EQ(hash_password(base::Secret("Aa-123456789"), "b8a72df88bdf16e2f4610b2700cea3da"),
              credential_recorded);
}

TEST(Credential, OnePasswordTypedOnTwoKeyboardsIsOne) {
    const std::string salt = "b8a72df88bdf16e2f4610b2700cea3da";
    const std::string composed = hash_password(base::Secret("Pässwörd①"), salt);

    EXPECT_EQ(composed.substr(33, 32), "518e5be32d3a081d9b2ccc6e50d939a0");
    EXPECT_EQ(hash_password(base::Secret("Pa\xcc\x88sswo\xcc\x88rd1"), salt), composed);
}

TEST(Credential, HashesHaveTheirOwnSalt) {
    const std::string hash = hash_password(base::Secret("geheim-123"));

    EXPECT_EQ(hash.size(), 161u);
    EXPECT_NE(hash, hash_password(base::Secret("geheim-123")));
    EXPECT_TRUE(password_matches(base::Secret("geheim-123"), hash));
    EXPECT_FALSE(password_matches(base::Secret("geheim-123"), "garbage"));
}

TEST(Credential, LengthCountsUtf16Units) {
    EXPECT_EQ(credential_fault(""), "INVALID_PASSWORD");
    EXPECT_EQ(credential_fault("1234567"), "PASSWORD_TOO_SHORT");
    EXPECT_EQ(credential_fault("12345678"), "");
    EXPECT_EQ(credential_fault("😀😀😀😀"), "");
    EXPECT_EQ(credential_fault("😀😀😀"), "PASSWORD_TOO_SHORT");
    EXPECT_EQ(credential_fault(std::string(128, 'a')), "");
    EXPECT_EQ(credential_fault(std::string(129, 'a')), "PASSWORD_TOO_LONG");
}

TEST(Credential, WithoutAHashNoPasswordMatches) {
    Passwords passwords(1, 4);

    EXPECT_FALSE(passwords.matches(base::Secret("Aa-123456789"), std::nullopt));
    EXPECT_TRUE(passwords.matches(base::Secret("Aa-123456789"), credential_recorded));
}

TEST(Credential, MoreThanMayWaitAreTurnedAway) {
    Passwords passwords(1, 0);
    std::atomic<int> done{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            try {
                passwords.hash(base::Secret("Aa-123456789"));
                ++done;
            } catch (const base::Failure& failure) {
                if (failure.kind() == base::Failure::Kind::unavailable &&
                    failure.retry_after().has_value()) {
                    ++refused;
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();

    EXPECT_EQ(done + refused, 4);
    EXPECT_GE(done, 1);
    EXPECT_GE(refused, 1) << "four at once cannot all have had the only place";
}

}  // namespace
}  // namespace auth
