// What the network carries: requests of runner processes to far ends in memory, and their replies.
#pragma once

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
    };
    enum class End { whole, reset, silence };

    int status = 200;
    base::HttpHeaders headers;
    std::vector<Piece> pieces;
    End end = End::whole;
    base::Duration takes{};  // Until the headers.

    static Reply json(const base::Json& body, int status = 200) {
        return {.status = status,
                .headers = {{"content-type", "application/json"}},
                .pieces = {{{}, base::to_text(body)}}};
    }
    static Reply bare(int status) { return {.status = status}; }
};

enum class Place { auth, product, model };

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

}  // namespace simulation
