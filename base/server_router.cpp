#include "base/server_router.hpp"

#include <algorithm>
#include <set>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace base {

namespace {

bool router_is_name(std::string_view segment) {
    return segment.starts_with(':');
}

bool router_fits(const ServerRoute& route, const std::vector<std::string>& segments) {
    for (std::size_t i = 0; i < route.segments.size(); ++i) {
        if (route.segments[i] == "*") return segments.size() > i;
        if (i >= segments.size()) return false;
        if (router_is_name(route.segments[i]) ? segments[i].empty()
                                              : route.segments[i] != segments[i])
            return false;
    }
    return route.segments.size() == segments.size();
}

void router_fill(const ServerRoute& route, const std::vector<std::string>& segments,
                 std::map<std::string, std::string, std::less<>>& params) {
    for (std::size_t i = 0; i < route.segments.size(); ++i) {
        if (router_is_name(route.segments[i])) {
            params[route.segments[i].substr(1)] = segments[i];
        } else if (route.segments[i] == "*") {
            std::string rest = segments[i];
            for (std::size_t j = i + 1; j < segments.size(); ++j) rest += "/" + segments[j];
            params["*"] = std::move(rest);
        }
    }
}

}  // namespace

void ServerRouter::add(std::string_view method, std::string_view pattern, Handler handler) {
    require(pattern.starts_with('/'), "a route pattern starts with '/'");
    require(handler != nullptr, "a route has a handler");
    ServerRoute route{std::string(method), std::string(pattern), {}, {}, std::move(handler)};
    if (pattern != "/") {
        for (std::string_view segment : split(pattern.substr(1), '/')) {
            require(!route.rank.ends_with('c'), "'*' is the last segment of a route pattern");
            route.segments.emplace_back(segment);
            route.rank += segment == "*" ? 'c' : router_is_name(segment) ? 'b' : 'a';
        }
    }
    for (const ServerRoute& other : routes_)
        require(other.method != method || other.pattern != pattern, "a route is added once");
    auto place = std::ranges::upper_bound(routes_, route.rank, {}, &ServerRoute::rank);
    routes_.insert(place, std::move(route));
}

ServerRouter::Match ServerRouter::match(std::string_view method,
                                        const std::vector<std::string>& segments) const {
    Match match;
    const ServerRoute* get = nullptr;
    std::set<std::string> methods;
    bool known = false;  // A pattern without '*' fits: what takes the rest has no say then.
    for (const ServerRoute& route : routes_) {
        if (!router_fits(route, segments)) continue;
        const bool takes_rest = route.rank.ends_with('c');
        if (takes_rest && known) continue;
        known = known || !takes_rest;
        methods.insert(route.method);
        if (!match.route && route.method == method) match.route = &route;
        if (!get && route.method == "GET") get = &route;
    }
    if (!match.route && method == "HEAD") match.route = get;
    if (match.route) {
        router_fill(*match.route, segments, match.params);
        return match;
    }
    if (get) methods.insert("HEAD");
    for (const std::string& name : methods) {
        if (!match.allowed.empty()) match.allowed += ", ";
        match.allowed += name;
    }
    return match;
}

}  // namespace base
