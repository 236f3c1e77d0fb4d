// Which handler answers a path. Patterns are split once; a request compares segments, never a
// regular expression (whose depth grows with what a stranger sends).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/server.hpp"

namespace base {

struct ServerRoute {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;  // ":name", "*" (last one only) or literal.
    std::string rank;                   // Sorts literal before ":name" before "*".
    Handler handler;
};

class ServerRouter {
  public:
    void add(std::string_view method, std::string_view pattern, Handler handler);

    struct Match {
        const ServerRoute* route = nullptr;  // Null: see `allowed`.
        std::map<std::string, std::string, std::less<>> params;
        std::string allowed;  // "GET, HEAD": methods of the path; empty: the path is unknown.
    };
    // HEAD takes the route of GET when it has none of its own.
    Match match(std::string_view method, const std::vector<std::string>& segments) const;

  private:
    std::vector<ServerRoute> routes_;  // By rank.
};

}  // namespace base
