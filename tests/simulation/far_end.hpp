// What the network carries: requests of runner processes to far ends in memory, and their replies.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"

namespace simulation {

// Names one runner process: a node's state directory, and which life of it.
struct Caller {
    int node = 0;
    int life = 0;
    bool operator==(const Caller&) const = default;
    auto operator<=>(const Caller&) const = default;
};

// Headers at once, then the pieces, each after its pause.
struct Reply {
    struct Piece {
        base::Duration pause{};
        std::string bytes;
        double usd = 0;  // What the bytes cost whoever receives them.
    };
    enum class End { whole, reset, silence };

    int status = 200;
    base::HttpHeaders headers;
    std::vector<Piece> pieces;
    End end = End::whole;
    base::Duration takes{};            // Until the headers.
    bool sound = true;                 // false: what it says is broken on purpose.
    std::function<void(double)> bill;  // Called with the cost of what has been received.

    static Reply json(const base::Json& body, int status = 200) {
        return {.status = status,
                .headers = {{"content-type", "application/json"}},
                .pieces = {{{}, base::to_text(body)}}};
    }
    static Reply bare(int status) { return {.status = status}; }
};

enum class Place { auth, product, model };

// A request under way. Valid during the call that it is handed to.
struct Sent {
    int number = 0;
    Place place = Place::auth;
    Caller caller;
    const base::HttpRequest& request;
};

// What became of it, as far as its process knows.
struct Met {
    bool whole = false;  // The answer came to its end.
    bool sound = true;   // And said what the far end meant.
    int status = 0;      // 0: no headers came.
    bool well() const { return whole && sound && status >= 200 && status < 300; }
};

class FarEnd {
  public:
    FarEnd() = default;
    FarEnd(const FarEnd&) = delete;
    FarEnd& operator=(const FarEnd&) = delete;
    virtual ~FarEnd() = default;

    // The request has arrived. Changes the far end's state at once; the reply may never get home.
    virtual Reply serve(const base::HttpRequest& request, Caller caller) = 0;
};

inline std::string header_of(const base::HttpRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) return value;
    }
    return {};
}

// "/api/v1/x" of "http://auth.test/api/v1/x".
inline std::string path_of(const base::HttpRequest& request) {
    const std::size_t start = request.url.find('/', request.url.find("://") + 3);
    return start == std::string::npos ? "/" : request.url.substr(start);
}

// Rows or the end of a visit on their way to the auth service.
inline bool is_delivery(const base::HttpRequest& request) {
    const std::string& url = request.url;
    return url.ends_with("/actions") || url.ends_with("/feedback") || url.ends_with("/finish");
}

}  // namespace simulation
