// One request and what came back so far; shared by the process's end of the wire (transport.cpp)
// and by the network that carries it (network.cpp).
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "tests/simulation/far_end.hpp"

namespace simulation {

struct Exchange {
    Caller caller;
    Place place = Place::auth;
    int number = 0;
    base::HttpRequest request;
    bool arrived = false;
    bool gone = false;  // Nobody waits for the answer.
    bool sound = true;  // What came back is what the far end meant to say.
    bool headers_done = false;
    bool ended = false;
    std::string cause;  // Why the answer broke off.
    bool not_sent = false;
    int status = 0;
    base::HttpHeaders headers;
    std::string buffer;
    double usd = 0;  // What the buffer costs whoever takes it.
    std::function<void(double)> bill;
    base::Waiter* waiter = nullptr;

    void wake() {
        if (waiter != nullptr) waiter->wake();
    }
    void fail(std::string why, bool sent = true) {
        cause = std::move(why);
        not_sent = !sent;
        ended = true;
        wake();
    }
    Sent sent() const { return {number, place, caller, request}; }
    Met met() const {
        return {.whole = ended && cause.empty() && headers_done, .sound = sound, .status = status};
    }
    base::Failure failure(const std::string& why) const {
        return base::Failure{base::Failure::Kind::unavailable,
                             "no answer from " + base::origin_of(request.url) + ": " + why,
                             not_sent ? "not_sent" : "outcome_unknown"};
    }
};

}  // namespace simulation
