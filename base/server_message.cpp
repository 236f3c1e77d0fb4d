// What handlers touch: requests read and answers made.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/server.hpp"
#include "base/text.hpp"

namespace base {

std::string_view ServerRequest::header(std::string_view name) const {
    auto found = headers.find(lower_ascii(name));
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

bool ServerRequest::has_header(std::string_view name) const {
    return headers.contains(lower_ascii(name));
}

std::optional<std::string> ServerRequest::query_value(std::string_view name) const {
    // lower_bound, not find: of several equal names the first one sent.
    auto found = query.lower_bound(std::string(name));
    if (found == query.end() || found->first != name) return std::nullopt;
    return found->second;
}

void ServerRequest::only_query(std::span<const std::string_view> names) const {
    constexpr std::size_t name_shown_max = 64;
    for (const auto& [name, value] : query) {
        const std::string shown = cut(clean_utf8(name), name_shown_max);
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            throw Failure(
                Failure::Kind::invalid,
                fmt::format("{} is not a known query parameter; valid are {}", shown,
                            names.empty() ? "none" : fmt::to_string(fmt::join(names, ", "))));
        }
        if (query.count(name) > 1) {
            throw Failure(Failure::Kind::invalid,
                          fmt::format("query parameter {} must be given once", shown));
        }
    }
}

const std::string& ServerRequest::param(std::string_view name) const {
    auto found = params.find(name);
    require(found != params.end(), "the route's pattern has the parameter that its handler reads");
    return found->second;
}

std::optional<std::string> ServerRequest::cookie(std::string_view name) const {
    auto all = cookies(name);
    if (all.empty()) return std::nullopt;
    return std::move(all.front());
}

std::vector<std::string> ServerRequest::cookies(std::string_view name) const {
    std::vector<std::string> values;
    auto [begin, end] = headers.equal_range("cookie");
    for (auto it = begin; it != end; ++it) {
        for (std::string_view part : split(it->second, ';')) {
            std::size_t equals = part.find('=');
            if (equals == part.npos || trim(part.substr(0, equals)) != name) continue;
            values.emplace_back(trim(part.substr(equals + 1)));
        }
    }
    return values;
}

Json ServerRequest::json() const {
    if (trim(body).empty())
        throw Failure(Failure::Kind::invalid, "request body: must be a JSON value, not empty");
    return parse_json(body, "request body");
}

ServerResponse ServerResponse::json(const Json& value, int status) {
    ServerResponse response;
    response.status = status;
    response.body = to_text(value);
    return response;
}

ServerResponse ServerResponse::text(std::string text, int status) {
    ServerResponse response;
    response.status = status;
    response.body = std::move(text);
    response.content_type = "text/plain; charset=utf-8";
    return response;
}

}  // namespace base
