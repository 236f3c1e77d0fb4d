#include "auth/identity/credential.hpp"

#include "base/metrics.hpp"

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
    Passwords passwords({.parallel_max = 1, .waiting_max = 4});

    EXPECT_FALSE(passwords.matches(base::Secret("Aa-123456789"), std::nullopt));
    EXPECT_TRUE(passwords.matches(base::Secret("Aa-123456789"), credential_recorded));
}

TEST(Credential, TheLightFormIsItsOwnSaltedAndMatched) {
    const base::Secret password("1FJ7w8KbjK5CWVa8NqfobexAFNuQKxiA");
    const std::string hash = hash_derived_password(password);

    EXPECT_TRUE(hash.starts_with("persona-v1:"));
    EXPECT_EQ(hash.size(), 11u + 32 + 1 + 64);
    EXPECT_TRUE(is_light_hash(hash));
    EXPECT_EQ(hash.find(password.reveal()), std::string::npos);
    EXPECT_NE(hash_derived_password(password), hash);
    EXPECT_TRUE(password_matches(password, hash));
    EXPECT_FALSE(password_matches(base::Secret("1FJ7w8KbjK5CWVa8NqfobexAFNuQKxiB"), hash));
    EXPECT_FALSE(is_light_hash(credential_recorded));
    for (const std::string& broken : {hash.substr(1), hash + "0", hash.substr(0, hash.size() - 1),
                                      "persona-v2" + hash.substr(10)}) {
        EXPECT_FALSE(is_light_hash(broken)) << broken;
        EXPECT_FALSE(password_matches(password, broken)) << broken;
    }
}

TEST(Credential, OnlyTheDerivedPasswordOfTheAddressIsDerived) {
    const base::Secret seed("dev-persona-seed-secret-rotate-in-prod");
    const Passwords passwords({.seed_secret = seed});
    const base::Secret hers("1FJ7w8KbjK5CWVa8NqfobexAFNuQKxiA");

    EXPECT_TRUE(passwords.is_derived("persona.anna@mana.test", hers));
    EXPECT_FALSE(passwords.is_derived("persona.ben@mana.test", hers));
    EXPECT_FALSE(passwords.is_derived("persona.anna@mana.test", base::Secret("Aa-123456789")));
    EXPECT_FALSE(Passwords({}).is_derived("persona.anna@mana.test", hers));
}

// Time must not tell whose account it is: what costs is counted.
TEST(Credential, AWrongPasswordCostsOneScryptWhateverIsStored) {
    base::Counter scrypts;
    Passwords passwords({.seed_secret = base::Secret("seed"), .scrypts = &scrypts});
    const base::Secret right("Aa-123456789"), wrong("wrong-password");
    const std::string light = hash_derived_password(right);
    const auto cost = [&](const base::Secret& password, const std::optional<std::string>& hash,
                          bool matches) {
        const double before = scrypts.value();
        EXPECT_EQ(passwords.matches(password, hash), matches);
        return scrypts.value() - before;
    };

    EXPECT_EQ(cost(wrong, std::nullopt, false), 1);
    EXPECT_EQ(cost(wrong, credential_recorded, false), 1);
    EXPECT_EQ(cost(wrong, light, false), 1);
    EXPECT_EQ(cost(wrong, "nonsense", false), 1);
    EXPECT_EQ(cost(right, credential_recorded, true), 1);
    EXPECT_EQ(cost(right, light, true), 0);
}

TEST(Credential, MoreThanMayWaitAreTurnedAway) {
    Passwords passwords({.parallel_max = 1, .waiting_max = 0});
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
