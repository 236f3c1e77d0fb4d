// From where a request comes, as limits, locks, mails and the audit want to know it.
#pragma once

#include <string>

#include "auth/mail/letters.hpp"
#include "base/server.hpp"

namespace auth {

struct Context;

struct Client {
    std::string address;
    std::string user_agent;
    std::string endpoint;  // Path of the request.
    Locale locale = Locale::german;
    bool trusted = false;  // The request carries the service key.
};

Client client_of(const Context& context, const base::ServerRequest& request);

}  // namespace auth
