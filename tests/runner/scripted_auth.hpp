// An auth service in miniature: keeps rows by their keys, hands out due personas, and does whatever
// the test puts before that, call by call.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
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

// The connection breaks where the answer should come.
inline ServerResponse lost_answer() {
    ServerResponse response;
    response.stream = [](base::StreamWriter& writer) { writer.reset(); };
    return response;
}

// Any thread.
class ScriptedAuth {
  public:
    struct Call {
        std::string name;  // heartbeat, claim, actions, feedback, finish, login, refresh, spaces
        Json body;
        std::string bearer;
    };

    ScriptedAuth() : server_({.name = "scripted auth"}) {
        serve("POST", "/api/v1/internal/runners/heartbeat", "heartbeat");
        serve("POST", "/api/v1/internal/personas/due", "claim");
        serve("POST", "/api/v1/internal/personas/:id/actions", "actions");
        serve("POST", "/api/v1/internal/personas/:id/feedback", "feedback");
        serve("POST", "/api/v1/internal/visits/:id/finish", "finish");
        serve("POST", "/api/v1/auth/login", "login");
        serve("POST", "/api/v1/auth/refresh", "refresh");
        serve("GET", "/api/auth/organization/list", "spaces");
        server_.start();
    }
    ScriptedAuth(const ScriptedAuth&) = delete;
    ScriptedAuth& operator=(const ScriptedAuth&) = delete;

    std::string url() const { return server_.url(); }
    void stop() { server_.stop(); }

    // The next call of that name is answered by this; calls behind it as usual.
    void then(const std::string& name, base::Handler handler) {
        const std::lock_guard lock(mutex_);
        scripts_[name].push_back(std::move(handler));
    }
    void then(const std::string& name, const ServerResponse& response) {
        then(name, [response](const ServerRequest&) { return response; });
    }
    // Every call of that name, behind what then() put there; nothing: as usual.
    void always(const std::string& name, base::Handler handler) {
        const std::lock_guard lock(mutex_);
        rules_[name] = std::move(handler);
    }
    // The usual answer, to be used by handlers: the rows are stored.
    ServerResponse usual(const std::string& name, const ServerRequest& request) {
        const std::lock_guard lock(mutex_);
        return answer(name, request);
    }

    void add_due(const std::string& name, std::chrono::milliseconds time_left) {
        const std::lock_guard lock(mutex_);
        due_.push_back({name, time_left});
    }
    void forget_rows() {
        const std::lock_guard lock(mutex_);
        actions_.clear();
        ratings_.clear();
    }

    std::vector<Call> calls(const std::string& name = {}) const {
        const std::lock_guard lock(mutex_);
        std::vector<Call> found;
        for (const Call& call : calls_) {
            if (name.empty() || call.name == name) found.push_back(call);
        }
        return found;
    }
    std::size_t count(const std::string& name) const { return calls(name).size(); }
    // Rows of a visit as stored, by seq or by module.
    std::vector<Json> actions(const std::string& visit) const { return rows(actions_, visit); }
    std::vector<Json> ratings(const std::string& visit) const { return rows(ratings_, visit); }
    std::optional<Json> end_of(const std::string& visit) const {
        const std::lock_guard lock(mutex_);
        const auto found = ends_.find(visit);
        return found == ends_.end() ? std::nullopt : std::optional<Json>(found->second);
    }
    std::size_t rewrites() const {
        const std::lock_guard lock(mutex_);
        return rewrites_;
    }

  private:
    struct Due {
        std::string name;
        std::chrono::milliseconds time_left;
    };
    using Rows = std::map<std::string, std::map<std::string, Json>>;

    void serve(const char* method, const char* pattern, const char* name) {
        server_.route(method, pattern,
                      [this, name = std::string(name)](const ServerRequest& request) {
                          return call(name, request);
                      });
    }
    ServerResponse call(const std::string& name, const ServerRequest& request) {
        base::Handler handler;
        {
            const std::lock_guard lock(mutex_);
            calls_.push_back({name, request.body.empty() ? Json() : request.json(),
                              std::string(request.header("authorization"))});
            std::deque<base::Handler>& script = scripts_[name];
            if (!script.empty()) {
                handler = std::move(script.front());
                script.pop_front();
            } else {
                handler = rules_[name];
            }
        }
        return handler ? handler(request) : usual(name, request);
    }
    ServerResponse answer(const std::string& name, const ServerRequest& request) {
        if (name == "heartbeat") return ServerResponse::json({{"ok", true}});
        if (name == "claim") return claim(request.json());
        if (name == "actions") return store(actions_, request.json().at("actions"), "seq");
        if (name == "feedback") return store(ratings_, request.json().at("feedback"), "module");
        if (name == "finish") return finish(request.param("id"), request.json());
        if (name == "refresh") return ServerResponse::json({{"accessToken", "jwt-2"}});
        if (name == "spaces") {
            return ServerResponse::json(Json::array(
                {{{"id", "space-team"}, {"name", "Team"}, {"metadata", {{"type", "brand"}}}},
                 {{"id", "space-own"}, {"name", "Anna"}, {"metadata", {{"type", "personal"}}}}}));
        }
        return ServerResponse::json(
            {{"token", "session-token"}, {"accessToken", "jwt-1"}, {"user", {{"id", "user-1"}}}});
    }
    // Everybody who is due once; `due: all` hands out whoever had no visit since `idleSince`.
    ServerResponse claim(const Json& body) {
        Json visits = Json::array();
        const base::Moment now = clock_.now();
        const auto limit = body.at("limit").get<std::size_t>();
        const bool everybody = body.contains("due");
        for (auto one = due_.begin(); one != due_.end() && visits.size() < limit;) {
            if (everybody && body.contains("idleSince") && visited_.contains(one->name)) {
                ++one;
                continue;
            }
            visits.push_back(visit_of(*one, now));
            visited_.insert(one->name);
            one = everybody ? one + 1 : due_.erase(one);
        }
        return ServerResponse::json({{"visits", visits}, {"serverTime", base::to_iso(now)}});
    }
    Json visit_of(const Due& due, base::Moment now) {
        return Json{{"tickId", fmt::format("visit-{}-{}", due.name, ++visits_)},
                    {"attempt", 1},
                    {"deadline", base::to_iso(now + due.time_left)},
                    {"persona",
                     {{"userId", "user-" + due.name},
                      {"email", "persona." + due.name + "@mana.test"},
                      {"name", due.name},
                      {"archetype", "adhs"},
                      {"systemPrompt", "Du bist " + due.name + " und lebst in Bremen."},
                      {"moduleMix", {{"todo", 0.5}, {"notes", 0.5}}},
                      {"tickCadence", "daily"},
                      {"lastActiveAt", nullptr}}}};
    }
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
    ServerResponse finish(const std::string& visit, const Json& end) {
        const Json& counts = end.at("counts");
        if (actions_[visit].size() != counts.at("actions").get<std::size_t>() ||
            ratings_[visit].size() != counts.at("ratings").get<std::size_t>()) {
            return refusal(409, "rows are missing", "incomplete");
        }
        ends_.emplace(visit, end);
        return ServerResponse::json({{"ok", true}, {"applied", true}});
    }
    std::vector<Json> rows(const Rows& all, const std::string& visit) const {
        const std::lock_guard lock(mutex_);
        std::vector<Json> found;
        if (const auto one = all.find(visit); one != all.end()) {
            for (const auto& [key, row] : one->second) found.push_back(row);
        }
        return found;
    }

    base::SystemClock clock_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<base::Handler>> scripts_;
    std::map<std::string, base::Handler> rules_;
    std::vector<Call> calls_;
    std::deque<Due> due_;
    std::set<std::string> visited_;
    Rows actions_, ratings_;
    std::map<std::string, Json> ends_;
    std::size_t rewrites_ = 0;
    int visits_ = 0;
    base::Server server_;
};

}  // namespace runner_tests
