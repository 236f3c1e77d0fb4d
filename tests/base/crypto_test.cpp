#include "base/crypto.hpp"

#include <gtest/gtest.h>

#include <set>

namespace base {
namespace {

const std::string crypto_secret = "spec-secret-0123456789abcdef0123456789";

TEST(Crypto, DigestsMatchPublishedValues) {
    EXPECT_EQ(to_hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(hmac_sha256("key", "The quick brown fox jumps over the lazy dog")),
              "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

TEST(Crypto, DerivedKeysDifferByPurposeAndSecret) {
    const std::string key = derive_key("secret", "purpose");

    EXPECT_EQ(key.size(), 32u);
    EXPECT_EQ(key, derive_key("secret", "purpose"));
    EXPECT_NE(key, derive_key("secret", "other"));
    EXPECT_NE(key, derive_key("other", "purpose"));
    EXPECT_EQ(derive_key("secret", "purpose", 64).size(), 64u);
}

TEST(Crypto, ComparesInConstantTimeByValue) {
    EXPECT_TRUE(equal_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_constant_time("abc", "ab"));
    EXPECT_TRUE(equal_constant_time("", ""));
}

TEST(Crypto, ScryptMatchesTheRecordedPasswordKey) {
    EXPECT_EQ(to_hex(scrypt("Aa-123456789", "b8a72df88bdf16e2f4610b2700cea3da")),
              "86341699b09b872c457213d309ff16c5a4691ece5b324d5e287ac776a6057a4af4c42f31977a7700ec5b"
              "a149a450602e2fc21dd9511a72d05043419f01d54ea0");
}

TEST(Crypto, OpensTheRecordedBox) {
    const auto sealed = from_hex(
        "ff647444505efc11e21ebb194940cd48c712d49dbf880c55ae8ce4657c84baaae8c24e390925c1324a111f8333"
        "4b199df7ff04c55d34bdba893745c61ab3054230244cb706c349fa");

    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(open_sealed(sha256(crypto_secret), *sealed), "iyV2TEkazDDU3leGc_HGSzcnq6KmWl80");
}

TEST(Crypto, ASealedBoxOpensOnlyWhole) {
    const std::string key = sha256("k");
    std::string sealed = seal(key, "plain");

    EXPECT_EQ(open_sealed(key, sealed), "plain");
    EXPECT_EQ(open_sealed(sha256("other"), sealed), std::nullopt);
    EXPECT_EQ(open_sealed(key, sealed.substr(0, 39)), std::nullopt);
    sealed.back() = static_cast<char>(sealed.back() ^ 1);
    EXPECT_EQ(open_sealed(key, sealed), std::nullopt);
    EXPECT_NE(seal(key, "plain"), seal(key, "plain"));
}

TEST(Crypto, SignsAndVerifiesWithThePublishedEd25519Key) {
    // RFC 8032, 7.1, test 2.
    const Secret key(*from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
    const std::string point =
        *from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const std::string signature = sign_ed25519(key, "\x72");

    EXPECT_EQ(to_hex(signature),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_TRUE(verify_ed25519(point, "\x72", signature));
    EXPECT_FALSE(verify_ed25519(point, "\x73", signature));
    EXPECT_FALSE(verify_ed25519(point, "\x72", signature.substr(1)));
    EXPECT_FALSE(verify_ed25519(point.substr(1), "\x72", signature));
}

TEST(Crypto, AFreshKeyPairFitsTogether) {
    const Ed25519Pair pair = make_ed25519();

    EXPECT_TRUE(verify_ed25519(pair.public_key, "text", sign_ed25519(pair.private_key, "text")));
}

TEST(Crypto, EncodingsGoBothWays) {
    for (std::size_t size = 0; size < 70; ++size) {
        const std::string bytes = random_bytes(size);
        EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
        EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    }
    EXPECT_EQ(to_base64("ab"), "YWI=");
    EXPECT_EQ(to_base64url("\xff\xfe"), "__4");
}

TEST(Crypto, DecodingIsStrict) {
    EXPECT_EQ(from_base64("YWI"), std::nullopt);
    EXPECT_EQ(from_base64("YWI=\n"), std::nullopt);
    EXPECT_EQ(from_base64("YW=I"), std::nullopt);
    EXPECT_EQ(from_base64("YWJ="), std::nullopt) << "the left-over bits are not zero";
    EXPECT_EQ(from_base64url("YWI="), std::nullopt);
    EXPECT_EQ(from_base64url("YW+I"), std::nullopt);
    EXPECT_EQ(from_base64url("A"), std::nullopt);
    EXPECT_EQ(from_hex("abc"), std::nullopt);
    EXPECT_EQ(from_hex("zz"), std::nullopt);
}

TEST(Crypto, RandomTextsKeepTheirShape) {
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const std::string id = random_id();
        EXPECT_EQ(id.size(), 32u);
        EXPECT_EQ(id.find_first_not_of(alphanumeric), std::string::npos);
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 200u);

    const std::string uuid = random_uuid();
    EXPECT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
}

}  // namespace
}  // namespace base
