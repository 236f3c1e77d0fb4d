// The part of the auth service that the workspace asks, in miniature: keys, memberships, spaces.
// Records what it was asked and can be told to fail.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/jwt.hpp"
#include "base/server.hpp"

namespace tests {

using base::Json;

inline constexpr const char* service_key = "test-service-key";
inline constexpr const char* issuer = "http://auth.test";

class FakeAuth {
  public:
    FakeAuth() : keys_(base::make_ed25519()), server_({.name = "fake_auth", .threads_max = 16}) {
        server_.route("GET", "/api/auth/jwks", [this](const base::ServerRequest&) {
            ++jwks_fetches;
            Json key = {{"kty", "OKP"},
                        {"crv", "Ed25519"},
                        {"kid", "k1"},
                        {"alg", "EdDSA"},
                        {"x", base::to_base64url(keys_.public_key)}};
            return base::ServerResponse::json({{"keys", Json::array({key})}});
        });
        server_.route("GET", "/api/v1/internal/users/:id/memberships",
                      [this](const base::ServerRequest& request) { return memberships(request); });
        server_.route("GET", "/api/auth/organization/list", [](const base::ServerRequest& request) {
            if (!request.header("authorization").starts_with("Bearer ey")) {
                return base::ServerResponse::json({{"error", "no token"}}, 401);
            }
            return base::ServerResponse::json(
                Json::array({{{"id", "home"},
                              {"name", "Anna"},
                              {"slug", "anna"},
                              {"logo", nullptr},
                              {"metadata", {{"type", "personal"}, {"tier", "public"}}}},
                             {{"id", "flat"},
                              {"name", "Flat"},
                              {"slug", "flat"},
                              {"metadata", R"({"type":"family"})"}}}));
        });
        server_.route("GET", "/api/auth/organization/list-members",
                      [this](const base::ServerRequest& request) { return members(request); });
        server_.start();
    }

    std::string url() const { return server_.url(); }

    void join(const std::string& user, const std::string& space,
              const std::string& role = "owner") {
        const std::lock_guard lock(mutex_);
        roles_[user][space] = role;
    }
    void leave(const std::string& user, const std::string& space) {
        const std::lock_guard lock(mutex_);
        roles_[user].erase(space);
    }

    std::string token(const std::string& user, base::Moment now, Json changes = Json::object()) {
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
        Json claims = {{"sub", user},         {"email", user + "@mana.test"},
                       {"role", "user"},      {"iss", issuer},
                       {"aud", "mana"},       {"iat", seconds},
                       {"exp", seconds + 900}};
        claims.update(changes);
        return base::sign_jwt(claims, "k1", keys_.private_key);
    }

    std::atomic<int> jwks_fetches = 0, membership_fetches = 0;
    std::atomic<bool> down = false;

  private:
    base::ServerResponse members(const base::ServerRequest& request) {
        const std::lock_guard lock(mutex_);
        const std::string space = request.query_value("organizationId").value_or("");
        Json members = Json::array();
        for (const auto& [user, roles] : roles_) {
            const auto role = roles.find(space);
            if (role == roles.end()) continue;
            members.push_back({{"id", "m-" + user},
                               {"organizationId", space},
                               {"userId", user},
                               {"role", role->second},
                               {"user", {{"id", user}, {"name", "Name of " + user}}}});
        }
        const std::size_t total = members.size();
        return base::ServerResponse::json({{"members", members}, {"total", total}});
    }

    base::ServerResponse memberships(const base::ServerRequest& request) {
        ++membership_fetches;
        if (down) return base::ServerResponse::json({{"error", "down"}}, 503);
        if (request.header("x-service-key") != service_key) {
            return base::ServerResponse::json({{"error", "key"}}, 401);
        }
        const std::lock_guard lock(mutex_);
        Json list = Json::array();
        for (const auto& [space, role] : roles_[request.param("id")]) {
            list.push_back({{"organizationId", space}, {"role", role}});
        }
        return base::ServerResponse::json({{"userId", request.param("id")}, {"memberships", list}});
    }

    base::Ed25519Pair keys_;
    std::mutex mutex_;
    std::map<std::string, std::map<std::string, std::string>> roles_;
    base::Server server_;
};

}  // namespace tests
