// What every handler may use. Built once by Service; handlers hold it by reference.
#pragma once

#include <vector>

#include "auth/options.hpp"
#include "base/address.hpp"

namespace base {
class Clock;
class Metrics;
class Postgres;
}  // namespace base

namespace auth {

class DatabaseTime;
class Limits;
class Passwords;
class PostOffice;
class SigningKeys;

struct Context {
    base::Postgres& database;
    base::Clock& clock;
    DatabaseTime& time;  // Of personas and their visits.
    base::Metrics& metrics;
    const Options& options;
    SigningKeys& keys;
    Passwords& passwords;
    PostOffice& mail;
    Limits& limits;
    const std::vector<base::AddressRange>& proxies;  // Whose X-Forwarded-For is believed.
};

}  // namespace auth
