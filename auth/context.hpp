// What every handler may use. Built once by Service; handlers hold it by reference.
#pragma once

#include "auth/options.hpp"

namespace base {
class Clock;
class Metrics;
class Postgres;
}  // namespace base

namespace auth {

class AddressLimits;
class Passwords;
class PostOffice;
class SigningKeys;

struct Context {
    base::Postgres& database;
    base::Clock& clock;
    base::Metrics& metrics;
    const Options& options;
    SigningKeys& keys;
    Passwords& passwords;
    PostOffice& mail;
    AddressLimits& limits;
};

}  // namespace auth
