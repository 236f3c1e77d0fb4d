#include "auth/factors/webauthn.hpp"

#include <gtest/gtest.h>

#include "tests/auth/soft_authenticator.hpp"

namespace auth {
namespace {

WebauthnRules webauthn_test_rules(bool verified = false) {
    return {"the-challenge", {"http://localhost:5173"}, "localhost", verified};
}

std::string webauthn_refusal(const base::Json& response,
                             const WebauthnRules& rules = webauthn_test_rules()) {
    std::string why;
    return verify_registration(response, rules, &why) ? "taken" : why;
}

TEST(Webauthn, ACredentialIsRegisteredAndItsSignatureHolds) {
    tests::SoftAuthenticator key;
    const auto made = verify_registration(key.create("the-challenge"), webauthn_test_rules());
    ASSERT_TRUE(made);
    EXPECT_EQ(made->id, key.credential_id());
    EXPECT_EQ(made->aaguid, "01010101-0101-0101-0101-010101010101");
    EXPECT_FALSE(made->backup_eligible);

    const auto shown = verify_assertion(key.get("the-challenge"), webauthn_test_rules(),
                                        {made->public_key, made->counter});
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->counter, 1u);
    EXPECT_TRUE(shown->user_verified);
}

TEST(Webauthn, WhatIsNotForUsIsRefused) {
    const auto lying = [](const auto& change) {
        tests::SoftAuthenticator key;
        change(key);
        return webauthn_refusal(key.create("the-challenge"));
    };
    const std::string client = "client data: other type, challenge or origin";
    const std::string site = "authData: other site, or nobody was there";
    EXPECT_EQ(lying([](auto& key) { key.origin = "https://evil.example"; }), client);
    EXPECT_EQ(lying([](auto& key) { key.origin = "http://localhost:5173.evil.example"; }), client);
    EXPECT_EQ(lying([](auto& key) { key.type_create = "webauthn.get"; }), client);
    EXPECT_EQ(lying([](auto& key) { key.rp_id = "evil.example"; }), site);
    EXPECT_EQ(lying([](auto& key) { key.user_present = false; }), site);
    EXPECT_EQ(lying([](auto& key) { key.format = "tpm"; }),
              "attestation: not genuine, or of a kind that is not taken");
    EXPECT_EQ(lying([](auto& key) { key.format = "packed"; }),
              "attestation: not genuine, or of a kind that is not taken");
    tests::SoftAuthenticator key;
    EXPECT_EQ(webauthn_refusal(key.create("another-challenge")), client);
    key.user_verified = false;
    EXPECT_EQ(webauthn_refusal(key.create("the-challenge")), "taken");
    EXPECT_EQ(webauthn_refusal(key.create("the-challenge"), webauthn_test_rules(true)), site);
    base::Json other = key.create("the-challenge");
    other["id"] = "AAAA";
    EXPECT_EQ(webauthn_refusal(other), "id: not that of the credential");
}

TEST(Webauthn, ASignatureOfAnotherKeyDoesNotHold) {
    tests::SoftAuthenticator key, other;
    const auto made = verify_registration(key.create("the-challenge"), webauthn_test_rules());
    ASSERT_TRUE(made);
    const StoredCredential stored{made->public_key, 5};
    std::string why;
    key.counter = 5;
    EXPECT_FALSE(verify_assertion(other.get("the-challenge"), webauthn_test_rules(), stored, &why));
    EXPECT_EQ(why, "signature: does not hold");
    base::Json good = key.get("the-challenge");
    EXPECT_TRUE(verify_assertion(good, webauthn_test_rules(), stored));
    EXPECT_FALSE(verify_assertion(good, webauthn_test_rules(), {made->public_key, 6}, &why));
    EXPECT_EQ(why, "counter: did not grow, the authenticator may be a copy");
    for (const char* part : {"clientDataJSON", "authenticatorData", "signature"}) {
        base::Json broken = good;
        std::string text = broken["response"][part].get<std::string>();
        text[5] = text[5] == 'A' ? 'B' : 'A';
        broken["response"][part] = text;
        EXPECT_FALSE(verify_assertion(broken, webauthn_test_rules(), stored)) << part;
        broken["response"][part] = "***";
        EXPECT_FALSE(verify_assertion(broken, webauthn_test_rules(), stored)) << part;
        broken["response"].erase(part);
        EXPECT_FALSE(verify_assertion(broken, webauthn_test_rules(), stored)) << part;
    }
}

TEST(Webauthn, EveryCutOfAnAttestationIsRefused) {
    tests::SoftAuthenticator key;
    const base::Json whole = key.create("the-challenge");
    const std::string object =
        *base::from_base64url(whole["response"]["attestationObject"].get<std::string>());
    for (std::size_t size = 0; size < object.size(); ++size) {
        base::Json cut = whole;
        cut["response"]["attestationObject"] = base::to_base64url(object.substr(0, size));
        EXPECT_NE(webauthn_refusal(cut), "taken") << size;
    }
    base::Json longer = whole;
    longer["response"]["attestationObject"] = base::to_base64url(object + "x");
    EXPECT_NE(webauthn_refusal(longer), "taken");
    // Lists that claim to be huge cost nothing.
    for (const std::string& huge : std::vector<std::string>{
             std::string("\xbb\x00\x00\x00\x10\x00\x00\x00\x00", 9), "\x9a\xff\xff\xff\xff"}) {
        base::Json claim = whole;
        claim["response"]["attestationObject"] = base::to_base64url(huge);
        EXPECT_NE(webauthn_refusal(claim), "taken");
    }
}

}  // namespace
}  // namespace auth
