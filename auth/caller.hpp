// Who knocks, as proof values: only caller.cpp can make one, so a handler that asks for an Admin
// cannot be reached by anybody else.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/server.hpp"

namespace auth {

struct Context;

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A living session of a user who is not deleted; role as the database says.
class User {
  public:
    const std::string& user_id() const { return user_id_; }
    const std::string& email() const { return email_; }
    const std::string& role() const { return role_; }
    const std::string& session_id() const { return session_id_; }

  private:
    friend class Gate;
    User() = default;
    std::string user_id_, email_, role_, session_id_;
};

// A user whose role is admin in the database at this moment, shown by a JWT.
class Admin {
  public:
    const User& user() const { return user_; }

  private:
    friend class Gate;
    explicit Admin(User user) : user_(std::move(user)) {}
    User user_;
};

// Another service of ours, shown by the service key.
class ServiceCaller {
  public:
    const std::string& app_id() const { return app_id_; }

  private:
    friend class Gate;
    ServiceCaller() = default;
    std::string app_id_;
};

// The checks. Each throws Failure::unauthenticated or ::forbidden. Session cookies that were
// renewed on the way are appended to `headers` and belong into the answer.
class Gate {
  public:
    // Cookie, bearer session token or bearer JWT.
    static User user(const Context& context, const base::ServerRequest& request,
                     HeaderList& headers);
    // Bearer JWT; role and session are looked up again.
    static Admin admin(const Context& context, const base::ServerRequest& request);
    static ServiceCaller service(const Context& context, const base::ServerRequest& request);
};

// Whether the request carries the right service key; never throws.
bool has_service_key(const Context& context, const base::ServerRequest& request);

// The text after "Bearer ", empty when there is none.
std::string_view bearer_of(const base::ServerRequest& request);

// The client's address: the socket's, or, behind trusted proxies, the last forwarded one that is
// not itself trusted.
std::string address_of(const Context& context, const base::ServerRequest& request);

}  // namespace auth
