// Connection strings taken apart by libpq itself.
#include <libpq-fe.h>

#include <memory>

#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace base {

PsqlEnvironment psql_environment(const Secret& url) {
    char* error = nullptr;
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
        PQconninfoParse(url.reveal().c_str(), &error), PQconninfoFree);
    if (error) PQfreemem(error);
    if (!options) {
        throw Failure(Failure::Kind::invalid,
                      "the connection string of the database cannot be read");
    }
    PsqlEnvironment environment;
    for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
        if (option->envvar && option->val) environment.emplace_back(option->envvar, option->val);
    }
    return environment;
}

}  // namespace base
