// From a request's head to its answer: body, checks, route, handler, printed failures, metrics.
// Knows nothing of the library that carries the bytes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/server_connection.hpp"
#include "base/server_failures.hpp"
#include "base/server_head.hpp"
#include "base/server_router.hpp"

namespace base {

// One request on its way through.
struct ServerExchange {
    ServerConnection& connection;
    ServerHead& head;
    Steady begun;
    bool close = false;  // The connection ends after this answer.
};

// Filled before the server starts, then read by all its threads.
class ServerAnswers {
  public:
    explicit ServerAnswers(const ServerOptions& options) : options_(options) {}

    ServerRouter router;
    std::vector<std::function<std::optional<ServerResponse>(const ServerRequest&)>> checks;
    std::vector<std::function<void(const ServerRequest&, ServerResponse&)>> finishers;
    FailurePrinter printer = print_failure_plainly;

    // Whatever goes wrong becomes an answer too.
    ServerResponse answer(ServerExchange& exchange) const;

  private:
    ServerResponse answer_or_print(ServerExchange& exchange, const ServerRoute*& route) const;
    ServerResponse respond(ServerExchange& exchange, const ServerRoute*& route) const;
    ServerResponse refuse(ServerExchange& exchange, int status, const std::string& reason) const;
    ServerResponse print(const ServerRequest& request, const Failure& failure, int status) const;
    void count(const ServerExchange& exchange, const ServerRoute* route, int status) const;

    const ServerOptions& options_;
};

}  // namespace base
