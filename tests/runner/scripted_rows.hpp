// What the scripted auth service stores: rows by their keys, so that whoever sends them twice is
// seen.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/server.hpp"

namespace runner_tests {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;

inline ServerResponse refusal(int status, const std::string& reason, const std::string& code = {}) {
    Json body{{"error", reason}};
    if (!code.empty()) body["code"] = code;
    return ServerResponse::json(body, status);
}

// Not thread-safe; its owner locks.
class ScriptedRows {
  public:
    ServerResponse store_actions(const Json& list) { return store(actions_, list, "seq"); }
    ServerResponse store_ratings(const Json& list) { return store(ratings_, list, "module"); }
    ServerResponse finish(const std::string& visit, const Json& end) {
        const Json& counts = end.at("counts");
        if (actions_[visit].size() != counts.at("actions").get<std::size_t>() ||
            ratings_[visit].size() != counts.at("ratings").get<std::size_t>()) {
            return refusal(409, "rows are missing", "incomplete");
        }
        ends_.emplace(visit, end);
        return ServerResponse::json({{"ok", true}, {"applied", true}});
    }
    void forget() {
        actions_.clear();
        ratings_.clear();
    }

    std::vector<Json> actions(const std::string& visit) const { return rows(actions_, visit); }
    std::vector<Json> ratings(const std::string& visit) const { return rows(ratings_, visit); }
    std::optional<Json> end_of(const std::string& visit) const {
        const auto found = ends_.find(visit);
        return found == ends_.end() ? std::nullopt : std::optional<Json>(found->second);
    }
    // Rows that came again with another content.
    std::size_t rewrites() const { return rewrites_; }

  private:
    using Rows = std::map<std::string, std::map<std::string, Json>>;

    ServerResponse store(Rows& rows, const Json& list, const char* key) {
        int known = 0, differing = 0;
        for (const Json& row : list) {
            const auto [place, fresh] =
                rows[row.at("tickId")].emplace(base::to_text(row.at(key)), row);
            if (fresh) continue;
            ++known;
            if (place->second != row) ++differing;
        }
        rewrites_ += static_cast<std::size_t>(differing);
        const int all = static_cast<int>(list.size());
        return ServerResponse::json({{"ok", true},
                                     {"written", all},
                                     {"inserted", all - known},
                                     {"known", known},
                                     {"differing", differing}});
    }
    static std::vector<Json> rows(const Rows& all, const std::string& visit) {
        std::vector<Json> found;
        if (const auto one = all.find(visit); one != all.end()) {
            for (const auto& [key, row] : one->second) found.push_back(row);
        }
        return found;
    }

    Rows actions_, ratings_;
    std::map<std::string, Json> ends_;
    std::size_t rewrites_ = 0;
};

}  // namespace runner_tests
