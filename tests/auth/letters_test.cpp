#include "auth/mail/letters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace auth {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// auth-api-doubts B33
TEST(Letters, NamesLinksAndSpacesAreEscaped) {
    const Letter letter = write_letter(
        {.to = "a@b.c",
         .text = MailText::verify_email,
         .fields = {.name = "<script>alert('x')</script>", .link = "http://h/?a=1&b=\"2\""}});
    EXPECT_THAT(letter.html,
                AllOf(Not(HasSubstr("<script")), HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"),
                      HasSubstr("href=\"http://h/?a=1&amp;b=&quot;2&quot;\"")));

    const Letter invitation = write_letter({.to = "a@b.c",
                                            .text = MailText::invitation,
                                            .fields = {.link = "http://h/",
                                                       .inviter = "<b>{space}</b>",
                                                       .space = "<img src=x>",
                                                       .life = std::chrono::hours(48)}});
    EXPECT_THAT(invitation.html,
                AllOf(HasSubstr("&lt;b&gt;{space}&lt;/b&gt;"), HasSubstr("&lt;img src=x&gt;"),
                      HasSubstr("48 Stunden"), Not(HasSubstr("<img"))));
}

// A name with a line break makes no header of the mail, and a stranger's link is not ours to send.
TEST(Letters, NamesMakeNeitherHeadersNorLinks) {
    const Letter invitation = write_letter({.to = "a@b.c",
                                            .text = MailText::invitation,
                                            .fields = {.name = "A\r\nBcc: x@evil.example",
                                                       .link = "http://h/",
                                                       .inviter = "I\r\nX: y",
                                                       .space = "S\r\nBcc: x@evil.example"}});
    EXPECT_EQ(invitation.subject.find_first_of("\r\n"), std::string::npos) << invitation.subject;
    EXPECT_THAT(invitation.html, Not(HasSubstr("\nBcc:")));
    EXPECT_THAT(invitation.html, HasSubstr("I  X: y"));
    for (const char* name : {"Win https://evil.example", "WWW.evil.example"}) {
        const Letter letter = write_letter({.to = "a@b.c",
                                            .text = MailText::verify_email,
                                            .fields = {.name = name, .link = "http://h/"}});
        EXPECT_THAT(letter.html, Not(HasSubstr("evil"))) << name;
    }
    const Letter longer = write_letter(
        {.to = "a@b.c", .text = MailText::verify_email, .fields = {.name = std::string(200, 'n')}});
    EXPECT_THAT(longer.html, Not(HasSubstr(std::string(81, 'n'))));
}

TEST(Letters, EveryTextIsThereInBothLanguages) {
    for (int i = 0; i <= static_cast<int>(MailText::account_deleted); ++i) {
        const auto text = static_cast<MailText>(i);
        const MailFields fields{.name = "Anna",
                                .link = "https://example.com/x",
                                .code = "123456",
                                .inviter = "Ben",
                                .space = "Haus",
                                .detail = "neu@example.com"};
        const Letter german = write_letter({"a@b.c", text, Locale::german, fields});
        const Letter english = write_letter({"a@b.c", text, Locale::english, fields});
        EXPECT_THAT(german.html, HasSubstr("Hallo Anna,")) << i;
        EXPECT_THAT(english.html, HasSubstr("Hello Anna,")) << i;
        EXPECT_NE(german.html, english.html) << i;
        EXPECT_FALSE(german.subject.empty() || english.subject.empty()) << i;
        for (const Letter& letter : {german, english}) {
            EXPECT_THAT(letter.subject + letter.html, Not(HasSubstr("{"))) << i;
        }
        EXPECT_TRUE(name_of(text).starts_with("mail.")) << i;
    }
}

TEST(Letters, TheBetterLikedLanguageWins) {
    EXPECT_EQ(locale_of(""), Locale::german);
    EXPECT_EQ(locale_of("en"), Locale::english);
    EXPECT_EQ(locale_of("en-GB,en;q=0.9,de;q=0.8"), Locale::english);
    EXPECT_EQ(locale_of("de-AT, en;q=0.7"), Locale::german);
    EXPECT_EQ(locale_of("fr;q=1, en;q=0.3, de;q=0.2"), Locale::english);
    EXPECT_EQ(locale_of("fr, es"), Locale::german);
    EXPECT_EQ(locale_of("en;q=x, ;;;,q=,\xff"), Locale::german);
}

TEST(Letters, ALifeIsToldInHoursWhenItIsWholeOnes) {
    const auto told = [](std::chrono::minutes life, Locale locale) {
        return write_letter({"a@b.c", MailText::magic_link, locale, {.life = life}}).html;
    };
    EXPECT_THAT(told(std::chrono::minutes(10), Locale::german), HasSubstr("10 Minuten"));
    EXPECT_THAT(told(std::chrono::hours(1), Locale::german), HasSubstr("eine Stunde"));
    EXPECT_THAT(told(std::chrono::hours(48), Locale::english), HasSubstr("48 hours"));
}

}  // namespace
}  // namespace auth
