#include "auth/factors/totp.hpp"

#include <gtest/gtest.h>

#include "auth/factors/sealing.hpp"

namespace auth {
namespace {

const base::Secret totp_rfc("12345678901234567890");

base::Moment at_second(std::int64_t second) {
    return base::Moment(std::chrono::seconds(second));
}

// RFC 6238, appendix B; six digits of its eight.
TEST(Totp, TheStandardsCodesAreComputed) {
    EXPECT_EQ(totp_code(totp_rfc, at_second(59)), "287082");
    EXPECT_EQ(totp_code(totp_rfc, at_second(1'111'111'109)), "081804");
    EXPECT_EQ(totp_code(totp_rfc, at_second(2'000'000'000)), "279037");
    EXPECT_EQ(totp_code(totp_rfc, at_second(20'000'000'000)), "353130");
}

TEST(Totp, ACodeFitsItsStepAndBothNeighbours) {
    const std::string code = totp_code(totp_rfc, at_second(3000));
    EXPECT_EQ(step_of_code(totp_rfc, code, at_second(3000)), 100);
    EXPECT_EQ(step_of_code(totp_rfc, code, at_second(2970)), 100);
    EXPECT_EQ(step_of_code(totp_rfc, code, at_second(3059)), 100);
    EXPECT_EQ(step_of_code(totp_rfc, code, at_second(2969)), std::nullopt);
    EXPECT_EQ(step_of_code(totp_rfc, code, at_second(3060)), std::nullopt);
    for (const std::string& wrong : {std::string(), code + "0", code.substr(1), " " + code}) {
        EXPECT_EQ(step_of_code(totp_rfc, wrong, at_second(3000)), std::nullopt) << wrong;
    }
}

TEST(Totp, TheRecordedSecretIsShownAsBase32) {
    EXPECT_EQ(
        totp_uri(base::Secret("iyV2TEkazDDU3leGc_HGSzcnq6KmWl80"), "Mana", "a@b.de"),
        "otpauth://totp/Mana:a%40b.de?secret="
        "NF4VMMSUIVVWC6SEIRKTG3DFI5RV6SCHKN5GG3TRGZFW2V3MHAYA&issuer=Mana&digits=6&period=30");
    EXPECT_EQ(make_totp_secret().reveal().size(), 32u);
    EXPECT_NE(make_totp_secret().reveal(), make_totp_secret().reveal());
}

// auth-api-doubts B43: what signs cookies seals nothing.
TEST(Totp, SecretsAreSealedWithAKeyOfTheirOwn) {
    const base::Secret secret("spec-secret-0123456789abcdef0123456789");
    const std::string sealed = seal_factor(secret, "plain");
    EXPECT_TRUE(sealed.starts_with("v1:"));
    EXPECT_EQ(open_factor(secret, sealed)->reveal(), "plain");
    EXPECT_FALSE(open_factor(secret, sealed.substr(3))) << "the ancestor's key does not open it";
    EXPECT_FALSE(open_factor(base::Secret("another secret"), sealed));
    EXPECT_FALSE(open_factor(secret, "v1:xyz"));
    EXPECT_NE(mac_of_code(secret, "a", "123456"), mac_of_code(secret, "b", "123456"));
}

}  // namespace
}  // namespace auth
