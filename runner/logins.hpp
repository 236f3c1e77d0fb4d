// The personas' tokens between their visits: in memory only, one login per persona.
//
//   enter ─► none kept ───────────────────────► password ─► kept
//         ├► holds long enough ───────────────► as it is
//         └► ends too soon ─► refresh ─► kept
//                               └─ refused ───► password, once
//
// The password goes only where clients::Auth goes: to the auth service that this runner serves.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "clients/auth.hpp"

namespace runner {

struct LoginsOptions {
    base::Secret seed_secret;           // Passwords are derived from it.
    std::size_t personas_max = 20'000;  // Kept; the one not used for longest makes room.
};

// Resource of the loop thread. Every call throws what clients::Auth throws; who was refused by
// password is forgotten, who could not be asked is kept.
class Logins {
  public:
    Logins(base::Loop& loop, clients::Auth& auth, LoginsOptions options, base::Metrics& metrics);
    Logins(const Logins&) = delete;
    Logins& operator=(const Logins&) = delete;

    // A login whose access token holds for `needed`, or as long as the service's tokens do.
    base::Task<clients::Login> enter(std::string email, std::chrono::milliseconds needed);
    // After a 401 to `refused`: that token is dropped for another one.
    base::Task<clients::Login> renew(std::string email, base::Secret refused);

    std::size_t size() const { return kept_.size(); }

  private:
    struct Kept {
        std::string email;
        clients::Login login;
    };

    base::Task<clients::Login> by_refresh(std::string email, clients::Login login);
    base::Task<clients::Login> by_password(std::string email);
    const clients::Login* find(const std::string& email);
    void keep(const std::string& email, const clients::Login& login);
    void forget(const std::string& email);
    void count(const char* way);

    base::Loop& loop_;
    clients::Auth& auth_;
    const LoginsOptions options_;
    base::Metrics& metrics_;
    std::list<Kept> kept_;  // Used last comes first.
    std::unordered_map<std::string, std::list<Kept>::iterator> places_;
};

}  // namespace runner
