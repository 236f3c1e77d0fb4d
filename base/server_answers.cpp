#include "base/server_answers.hpp"

#include <chrono>

#include "base/metrics.hpp"

namespace base {

namespace {

std::string server_status_class(int status) {
    return std::to_string(status / 100) + "xx";
}

}  // namespace

ServerResponse ServerAnswers::answer(ServerExchange& exchange) const {
    const ServerRequest& request = exchange.head.request;
    const ServerRoute* route = nullptr;
    ServerResponse response;
    try {
        response = answer_or_print(exchange, route);
        for (const auto& finish : finishers) finish(request, response);
        require_clean_headers(response);
    } catch (...) {
        // A finisher failed (a header that cannot be sent): the client gets a plain answer.
        failure_of(std::current_exception(), options_.name, request);
        response =
            print_failure_plainly(request, Failure(Failure::Kind::internal, "internal error"));
    }
    count(exchange, route, response.status);
    return response;
}

// Every failure of the way to an answer, printed.
ServerResponse ServerAnswers::answer_or_print(ServerExchange& exchange,
                                              const ServerRoute*& route) const {
    try {
        return respond(exchange, route);
    } catch (...) {
        // The boundary of handlers: here failures become answers.
        const ServerRequest& request = exchange.head.request;
        Failure failure = failure_of(std::current_exception(), options_.name, request);
        return print(request, failure, 0);
    }
}

ServerResponse ServerAnswers::respond(ServerExchange& exchange, const ServerRoute*& route) const {
    ServerHead& head = exchange.head;
    ServerRequest& request = head.request;
    if (head.refused != 0) return refuse(exchange, head.refused, head.refusal);
    if (head.content_length > 0) {
        if (head.expects_continue) exchange.connection.write("HTTP/1.1 100 Continue\r\n\r\n");
        auto body = exchange.connection.read_body(head.content_length,
                                                  exchange.begun + options_.request_deadline);
        if (!body) return refuse(exchange, 408, "request body: did not arrive in time");
        request.body = std::move(*body);
    }
    for (const auto& check : checks) {
        if (auto early = check(request)) return std::move(*early);
    }
    ServerRouter::Match match = router.match(request.method, head.segments);
    if (!match.route && match.allowed.empty())
        return print(request, Failure(Failure::Kind::missing, "no such path").status(404), 404);
    if (!match.route) {
        ServerResponse response =
            print(request,
                  Failure(Failure::Kind::invalid,
                          "method not allowed here; valid: " + match.allowed, "METHOD_NOT_ALLOWED")
                      .status(405),
                  405);
        response.headers.emplace_back("Allow", match.allowed);
        return response;
    }
    route = match.route;
    request.params = std::move(match.params);
    return route->handler(request);
}

ServerResponse ServerAnswers::refuse(ServerExchange& exchange, int status,
                                     const std::string& reason) const {
    exchange.close = true;
    exchange.connection.leave_unread();
    // The printer sees the status too, so that a body that repeats it agrees.
    return print(exchange.head.request, Failure(kind_of_status(status), reason).status(status),
                 status);
}

ServerResponse ServerAnswers::print(const ServerRequest& request, const Failure& failure,
                                    int status) const {
    const Failure shown = failure.kind() == Failure::Kind::internal
                              ? Failure(Failure::Kind::internal, "internal error")
                              : failure;
    ServerResponse response = printer(request, shown);
    if (status != 0) response.status = status;
    return response;
}

void ServerAnswers::count(const ServerExchange& exchange, const ServerRoute* route,
                          int status) const {
    if (!options_.metrics) return;
    std::string pattern = route ? route->pattern : "none";
    std::string method = route ? route->method : "none";
    options_.metrics
        ->counter("http_requests_total", "Answered requests.",
                  {{"server", options_.name},
                   {"method", method},
                   {"route", pattern},
                   {"status", server_status_class(status)}})
        .add();
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - exchange.begun;
    options_.metrics
        ->histogram("http_request_seconds",
                    "From the first byte to the answer (streams: its start).",
                    {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60},
                    {{"server", options_.name}, {"route", pattern}})
        .observe(taken.count());
}

}  // namespace base
