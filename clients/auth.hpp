// The auth service over HTTP, as the runner (service key) and a persona (her login) use it. No call
// is repeated here: outbox and scheduler decide about that.
//
// Every call throws base::Failure: unavailable when no answer came, else the kind of the status
// with the service's own words, its code and its retry_after.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "catalog/persona.hpp"
#include "catalog/record.hpp"
#include "catalog/standing.hpp"

namespace clients {

struct AuthOptions {
    std::string url;  // "http://127.0.0.1:3001"
    base::Secret service_key;
    std::chrono::milliseconds request_limit{30'000};
    std::size_t answer_bytes_max = std::size_t{16} * 1024 * 1024;
};

enum class Heartbeat {
    alive,
    gone,  // This runner is dead for the service: drop all visits, register anew.
};

// What a runner tells the others about the money of a day.
struct DaySpend {
    base::Moment since{};  // The day's start.
    double open_usd = 0;   // Held by visits whose end the service does not have.
    // With a limit of all: how much they want to hold, and the number of this report.
    std::optional<double> limit_usd;
    double want_usd = 0;
    std::int64_t number = 0;
};

struct HeartbeatAnswer {
    Heartbeat heartbeat = Heartbeat::alive;
    // What everybody else spent and reserved; nothing: not asked, or the service does not know.
    std::optional<double> spent_elsewhere_usd;
    std::optional<double> granted_usd;  // Of what the report wanted; nothing: no limit, no grant.
};

struct ClaimedVisit {
    std::string visit_id;
    int attempt = 1;
    base::Moment deadline{};                // By the service's clock.
    std::chrono::milliseconds time_left{};  // Until then, when the service answered.
    // How long after its slot it was claimed, by the service's clock; nothing when it does not say.
    std::optional<std::chrono::milliseconds> lateness;
    catalog::Persona persona;
    double spent_usd = 0;  // By her, since the claim's `spent_since`.
};

struct Login {
    std::string user_id;
    base::Secret access_token;            // JWT; what products and this service take.
    base::Secret session_token;           // For refresh().
    std::optional<base::Moment> expires;  // Of the access token; nothing when it does not say.
};

struct Space {
    std::string id, name, slug;
    std::string type;         // "personal", …; empty when the service does not say.
    double visit_weight = 0;  // Of a shared space: share of a visit that its members spend there.
};

// What became of a batch of rows: written = inserted + known.
struct Stored {
    int written = 0, inserted = 0, known = 0;
    int differing = 0;  // Known rows whose content is not the same; the first one stays.
};

enum class FinishAnswer {
    applied,      // The end stands, also when it was sent before.
    not_applied,  // The visit was already lost; tokens and cost were kept.
    incomplete,   // Rows are missing: send them, then finish again.
};

// Resource of the loop thread.
class Auth {
  public:
    Auth(base::Http& http, AuthOptions options);
    Auth(const Auth&) = delete;
    Auth& operator=(const Auth&) = delete;

    // With the service key.
    base::Task<HeartbeatAnswer> heartbeat(std::string runner_id, std::string node,
                                          std::chrono::seconds lease,
                                          std::optional<DaySpend> spending = std::nullopt);
    // `everybody`: every active persona without a running visit, due or not. The same request_id
    // gets the same visits. `spent_since`: visits say what their personas spent since then.
    // `idle_since`: only personas without a visit started since then.
    // Failure::missing: the service knows no such call.
    base::Task<std::vector<ClaimedVisit>> claim(
        std::string runner_id, std::string request_id, int limit, bool everybody,
        std::optional<base::Moment> idle_since = std::nullopt,
        std::optional<base::Moment> spent_since = std::nullopt);
    base::Task<Stored> store_actions(std::string user_id, std::vector<catalog::Action> actions);
    base::Task<Stored> store_ratings(std::string user_id, std::vector<catalog::Rating> ratings);
    // Failure::missing: the visit or its persona is gone.
    base::Task<FinishAnswer> finish(std::string visit_id, catalog::VisitEnd end);
    // Pauses, quarantines, slots given up lately. Failure::missing: the service knows no such call.
    base::Task<catalog::Standing> standing();

    // As a persona.
    base::Task<Login> log_in(std::string email, base::Secret password);
    base::Task<base::Secret> refresh(base::Secret session_token);  // A new access token.
    base::Task<std::vector<Space>> spaces(base::Secret access_token);

    const std::string& url() const { return options_.url; }

  private:
    base::HttpRequest request(std::string method, std::string path) const;
    base::HttpRequest service_request(std::string path, const base::Json& body) const;
    base::HttpRequest bearer_request(std::string method, std::string path,
                                     const base::Secret& bearer) const;
    base::Task<Stored> store(base::HttpRequest request);
    // Sends it and answers the body of a 2xx.
    base::Task<base::Json> exchange(base::HttpRequest request);

    base::Http& http_;
    AuthOptions options_;
};

// When an access token ends, read without checking it; nothing when it does not say.
std::optional<base::Moment> expiry_of(const base::Secret& access_token);

}  // namespace clients
