#include "auth/identity/token.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace auth {
namespace {

const base::Secret token_secret("spec-secret-0123456789abcdef0123456789");
const base::Moment token_now = std::chrono::sys_seconds(std::chrono::seconds(1'795'187'396));
const std::string token_recorded =
    "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImNhcmxAZXhhbXBsZS5jb20iLCJpYXQiOjE3OTUxODczOTYsImV4cCI6MTc5N"
    "TE5MDk5Nn0.F9Q8MJ8yOycTIz5N7E0SvbGy1ioO_jfPDTk6gmAvSzg";

// auth-api-doubts B2: the role is the database's.
TEST(Token, ClaimsKeepTheirOrderAndTellTheDatabasesRole) {
    Login login;
    login.user.id = "u1";
    login.user.email = "anna@example.com";
    login.user.role = "admin";
    login.user.tier = "founder";
    login.user.kind = "persona";
    login.session.id = "s1";
    Options options;
    options.base_url = "http://localhost:3101";

    EXPECT_EQ(
        base::to_text(access_claims(login, options, token_now)),
        R"({"iat":1795187396,"sub":"u1","email":"anna@example.com","role":"admin","sid":"s1",)"
        R"("tier":"founder","kind":"persona","exp":1795188296,"iss":"http://localhost:3101",)"
        R"("aud":"mana"})");
}

TEST(Token, AMailTokenIsTheRecordedOne) {
    EXPECT_EQ(sign_mail_token(token_secret.reveal(), "carl@example.com", token_now),
              token_recorded);

    const MailToken opened = open_mail_token(token_secret.reveal(), token_recorded, token_now);
    EXPECT_EQ(opened.fault, MailTokenFault::none);
    EXPECT_EQ(opened.email, "carl@example.com");
}

TEST(Token, AMailTokenOfAChangedAddressSaysWhichAndIsNoOther) {
    const std::string& key = token_secret.reveal();
    const std::string token = sign_mail_token(key, "a@example.com", token_now, "b@example.com");

    const MailToken opened = open_mail_token(key, token, token_now);

    EXPECT_EQ(opened.fault, MailTokenFault::none);
    EXPECT_EQ(opened.email, "a@example.com");
    EXPECT_EQ(opened.update_to, "b@example.com");
    EXPECT_EQ(open_mail_token(key, token_recorded, token_now).update_to, "");
}

TEST(Token, AMailTokenEndsAfterAnHourAndNeedsItsKey) {
    const auto fault = [](std::string_view key, std::string_view token, int after_s) {
        return open_mail_token(key, token, token_now + std::chrono::seconds(after_s)).fault;
    };
    const std::string& key = token_secret.reveal();

    EXPECT_EQ(fault(key, token_recorded, 3599), MailTokenFault::none);
    EXPECT_EQ(fault(key, token_recorded, 3600), MailTokenFault::expired);
    EXPECT_EQ(fault("other", token_recorded, 0), MailTokenFault::invalid);
    EXPECT_EQ(fault(key, token_recorded + "A", 0), MailTokenFault::invalid);
    EXPECT_EQ(fault(key, "", 0), MailTokenFault::invalid);
    EXPECT_EQ(fault(key, "a.b.c", 0), MailTokenFault::invalid);
}

}  // namespace
}  // namespace auth
