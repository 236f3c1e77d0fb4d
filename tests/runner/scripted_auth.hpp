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
#include "tests/runner/scripted_rows.hpp"

namespace runner_tests {

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
        rows_.forget();
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
    std::vector<Json> actions(const std::string& visit) const {
        const std::lock_guard lock(mutex_);
        return rows_.actions(visit);
    }
    std::vector<Json> ratings(const std::string& visit) const {
        const std::lock_guard lock(mutex_);
        return rows_.ratings(visit);
    }
    std::optional<Json> end_of(const std::string& visit) const {
        const std::lock_guard lock(mutex_);
        return rows_.end_of(visit);
    }
    std::size_t rewrites() const {
        const std::lock_guard lock(mutex_);
        return rows_.rewrites();
    }

  private:
    struct Due {
        std::string name;
        std::chrono::milliseconds time_left;
    };

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
        if (name == "actions") return rows_.store_actions(request.json().at("actions"));
        if (name == "feedback") return rows_.store_ratings(request.json().at("feedback"));
        if (name == "finish") return rows_.finish(request.param("id"), request.json());
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
    base::SystemClock clock_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<base::Handler>> scripts_;
    std::map<std::string, base::Handler> rules_;
    std::vector<Call> calls_;
    std::deque<Due> due_;
    std::set<std::string> visited_;
    ScriptedRows rows_;
    int visits_ = 0;
    base::Server server_;
};

}  // namespace runner_tests
