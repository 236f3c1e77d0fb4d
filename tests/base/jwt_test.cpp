#include "base/jwt.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace base {
namespace {

const Moment jwt_now = std::chrono::sys_seconds(std::chrono::seconds(1'795'187'247));
const JwtRules jwt_rules{.issuers = {"http://localhost:3101"}, .audience = "mana"};

// The recorded signing key.
const Secret jwt_private(*from_base64url("xDkfQH1987Mk6KWBGtDNrIie0accJfIYYaBnboNFZ2E"));
const JwtKeys jwt_keys{{"k1", *from_base64url("GPAlKY5Y39ZaxXL1a3DJ9whlRKtWv3Jje9aeSC_KCQI")}};

Json jwt_claims() {
    return {{"iat", 1'795'187'247},
            {"sub", "u1"},
            {"exp", 1'795'188'147},
            {"iss", "http://localhost:3101"},
            {"aud", "mana"}};
}

std::string jwt_why(const std::string& token, Moment now = jwt_now) {
    std::string why = "good";
    verify_jwt(token, jwt_keys, jwt_rules, now, &why);
    return why;
}

std::string jwt_raw(const std::string& header, const std::string& claims) {
    const std::string text = to_base64url(header) + "." + to_base64url(claims);
    return text + "." + to_base64url(sign_ed25519(jwt_private, text));
}

TEST(Jwt, TheRecordedKeyPairFits) {
    const std::string token = sign_jwt(jwt_claims(), "k1", jwt_private);

    const auto claims = verify_jwt(token, jwt_keys, jwt_rules, jwt_now);

    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(*claims, jwt_claims());
    EXPECT_EQ(kid_of(token), "k1");
    EXPECT_EQ(from_base64url(token.substr(0, token.find('.'))), R"({"alg":"EdDSA","kid":"k1"})");
}

TEST(Jwt, TimesAreCheckedWithTheSkew) {
    const std::string token = sign_jwt(jwt_claims(), "k1", jwt_private);
    using std::chrono::seconds;

    EXPECT_EQ(jwt_why(token, jwt_now + seconds(929)), "good");
    EXPECT_EQ(jwt_why(token, jwt_now + seconds(930)), "expired");
    EXPECT_EQ(jwt_why(token, jwt_now - seconds(30)), "good");
    EXPECT_EQ(jwt_why(token, jwt_now - seconds(31)), "issued in the future");

    Json later = jwt_claims();
    later["nbf"] = 1'795'187'300;
    EXPECT_EQ(jwt_why(sign_jwt(later, "k1", jwt_private)), "not valid yet");
}

TEST(Jwt, EveryClaimThatMustHoldIsChecked) {
    const auto with = [](const char* name, const Json& value) {
        Json claims = jwt_claims();
        claims[name] = value;
        return jwt_why(sign_jwt(claims, "k1", jwt_private));
    };
    EXPECT_EQ(with("iss", "http://evil"), "wrong issuer");
    EXPECT_EQ(with("aud", "other"), "wrong audience");
    EXPECT_EQ(with("aud", Json::array({"x", "mana"})), "good");
    EXPECT_EQ(with("aud", 7), "wrong audience");
    EXPECT_EQ(with("sub", ""), "no subject");
    EXPECT_EQ(with("sub", 1), "no subject");
    EXPECT_EQ(with("exp", "soon"), "exp, nbf or iat is missing or no time");
    EXPECT_EQ(with("exp", nullptr), "exp, nbf or iat is missing or no time");
    EXPECT_EQ(with("iat", -1), "exp, nbf or iat is missing or no time");
}

TEST(Jwt, TheTokenDoesNotChooseTheAlgorithm) {
    const std::string claims = to_text(jwt_claims());

    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA","kid":"k1"})", claims)), "good");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"none","kid":"k1"})", claims)), "algorithm is not EdDSA");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"HS256","kid":"k1"})", claims)), "algorithm is not EdDSA");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA","kid":"k2"})", claims)), "unknown key");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA"})", claims)), "unknown key");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA","kid":"k1","crit":["b64"]})", claims)),
              "crit is not supported");
}

TEST(Jwt, DuplicateMembersAreRefused) {
    std::string claims = to_text(jwt_claims());
    claims.insert(1, R"("sub":"someone else",)");

    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA","kid":"k1"})", claims)), "malformed");
}

TEST(Jwt, AnyChangedByteIsNoticed) {
    const std::string token = sign_jwt(jwt_claims(), "k1", jwt_private);
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string other = token;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(verify_jwt(other, jwt_keys, jwt_rules, jwt_now)) << i;
    }
}

TEST(Jwt, GarbageIsMalformed) {
    for (const std::string text : {"", ".", "..", "a.b", "a.b.c", "e30.e30", "e30.W10.AA"}) {
        EXPECT_EQ(jwt_why(text), "malformed") << text;
        EXPECT_EQ(kid_of(text), std::nullopt) << text;
    }
    const std::string token = sign_jwt(jwt_claims(), "k1", jwt_private);
    EXPECT_EQ(jwt_why(token + "="), "malformed");
    EXPECT_EQ(jwt_why(std::string(17'000, 'a') + "." + token), "malformed");
    EXPECT_EQ(jwt_why(jwt_raw(R"({"alg":"EdDSA","kid":"k1"})", std::string(4000, '['))),
              "malformed");
}

TEST(Jwt, KeySetsLeaveOutForeignKeys) {
    const Json jwks = {{"keys",
                        {{{"kty", "OKP"},
                          {"crv", "Ed25519"},
                          {"kid", "a"},
                          {"x", to_base64url(jwt_keys.at("k1"))}},
                         {{"kty", "RSA"}, {"kid", "b"}, {"n", "x"}, {"e", "AQAB"}},
                         {{"kty", "OKP"}, {"crv", "X25519"}, {"kid", "c"}, {"x", "AAAA"}},
                         {{"kty", "OKP"}, {"crv", "Ed25519"}, {"kid", "d"}, {"x", "AAAA"}},
                         "nonsense"}}};

    const JwtKeys keys = read_jwks(jwks);

    EXPECT_EQ(keys.size(), 1u);
    EXPECT_EQ(keys.at("a"), jwt_keys.at("k1"));
    EXPECT_THROW(read_jwks(Json::array()), Failure);
    EXPECT_THROW(read_jwks({{"keys", 1}}), Failure);
}

}  // namespace
}  // namespace base
