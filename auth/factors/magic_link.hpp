// Logging in by a mailed link: good once, for ten minutes; the database holds its digest. Whoever
// opens it has proven the address: unknown ones get an account, and of an account whose address
// nobody had proven, what was set up before (its password, sessions) ends.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "auth/identity/login.hpp"
#include "auth/mail/letters.hpp"

namespace auth {

struct Context;

inline constexpr std::chrono::minutes magic_link_life{10};

struct MagicLinkWish {
    std::string email;
    std::optional<std::string> name;  // Of a new account.
    std::string query;                // "&callbackURL=…": where the link leads on; trusted.
    Locale locale = Locale::german;
};

void mail_magic_link(const Context& context, const MagicLinkWish& wish);

struct MagicLinkUse {
    std::string token;
    std::string address;
    std::string user_agent;
    Locale locale = Locale::german;
};

struct MagicLinkResult {
    std::string error;  // INVALID_TOKEN, EXPIRED_TOKEN, failed_to_create_user; empty: good.
    LoginAnswer answer;
    bool is_new = false;
};

MagicLinkResult use_magic_link(const Context& context, const MagicLinkUse& use);

}  // namespace auth
