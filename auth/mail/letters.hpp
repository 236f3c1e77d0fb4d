// The texts of mails, in German and English. Pure; whatever users chose (names, links) is escaped.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace auth {

enum class Locale { german, english };

// The better liked one of the two in an Accept-Language header; German when neither is named.
Locale locale_of(std::string_view accept_language);

enum class MailText {
    verify_email,      // link: proves the address of a new account.
    change_email,      // link: proves the new address of an account; goes to that one.
    email_changed,     // To the old address, afterwards. detail: the new address.
    reset_password,    // link
    password_changed,  // Tells that it happened.
    magic_link,        // link: logs in.
    sign_in_code,      // code: the second factor by mail.
    invitation,        // link, inviter, space
    account_deleted,
};

// What stands in a mail beside its text; empty where the text has no place for it.
struct MailFields {
    std::string name;  // Of whom we write to; empty: no name in the greeting.
    std::string link;
    std::string code;
    std::string inviter;
    std::string space;
    std::string detail;
    std::chrono::minutes life{60};  // How long the link or code is good.
};

struct Mail {
    std::string to;
    MailText text = MailText::verify_email;
    Locale locale = Locale::german;
    MailFields fields;
};

struct Letter {
    std::string to;
    std::string subject;  // Plain text.
    std::string html;
};

Letter write_letter(const Mail& mail);

std::string escape_html(std::string_view text);

// Short and constant, for queues and metrics: "mail.verify_email".
std::string_view name_of(MailText text);

}  // namespace auth
