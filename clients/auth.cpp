#include "clients/auth.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "clients/retry.hpp"

namespace clients {

namespace {

constexpr std::size_t auth_reason_bytes_max = 500;
constexpr std::size_t auth_id_bytes_max = 255;
constexpr std::size_t auth_rows_max = 100'000;

// The service's envelopes differ; these members carry what it has to say, best first.
std::string words_of_refusal_body(const base::Json& body) {
    std::string words;
    for (const char* name : {"message", "error", "details", "hint"}) {
        const auto member = body.find(name);
        if (member == body.end() || member->is_null() || member->is_number()) continue;
        const std::string text =
            member->is_string() ? member->get<std::string>() : base::to_text(*member);
        if (!text.empty() && words.find(text) == std::string::npos) {
            words += (words.empty() ? "" : "; ") + text;
        }
    }
    return words;
}

std::string code_of_refusal_body(const base::Json& body) {
    for (const char* name : {"code", "error"}) {
        const auto member = body.find(name);
        if (member == body.end() || !member->is_string()) continue;
        const std::string code = member->get<std::string>();
        // Only constants are codes; sentences have blanks.
        if (!code.empty() && code.size() <= 64 && code.find(' ') == std::string::npos) return code;
    }
    return {};
}

std::optional<std::chrono::milliseconds> wait_of_refusal(const base::HttpResponse& response,
                                                         const base::Json& body, base::Moment now) {
    for (const std::string_view name : {"retry-after", "x-retry-after"}) {
        if (const auto wait = demanded_wait({}, response.header(name), now)) return wait;
    }
    const auto member = body.find("retryAfterSec");
    if (member == body.end() || !member->is_number_integer()) return std::nullopt;
    const auto seconds = member->get<std::int64_t>();
    if (seconds < 0 || seconds > 86'400 * 365) return std::nullopt;
    return std::chrono::seconds{seconds};
}

base::Failure refusal_of(const base::HttpResponse& response, std::string_view what,
                         base::Moment now) {
    base::Json body = base::try_parse_json(response.body).value_or(base::Json::object());
    if (!body.is_object()) body = base::Json::object();
    std::string words = words_of_refusal_body(body);
    if (words.empty() && response.header("content-type").starts_with("text/plain")) {
        words = response.body;
    }
    words = base::cut(base::clean_utf8(base::trim(words)), auth_reason_bytes_max);
    std::string reason = "auth answered " + std::to_string(response.status) + " to ";
    reason += what;
    if (!words.empty()) reason += ": " + words;
    base::Failure refusal{base::kind_of_status(response.status), reason,
                          code_of_refusal_body(body)};
    if (const auto wait = wait_of_refusal(response, body, now)) {
        return std::move(refusal).retry_after(*wait).status(response.status);
    }
    return std::move(refusal).status(response.status);
}

// "POST /api/v1/auth/login": what failures call a request.
std::string name_of_request(const base::HttpRequest& request, const std::string& base_url) {
    return request.method + " " + request.url.substr(base_url.size());
}

// An answer that does not hold what it must is the service's fault, not our input's.
template <class Read>
auto read_answer(std::string_view what, Read read) {
    try {
        return read();
    } catch (const base::Failure& failure) {
        throw base::Failure{
            base::Failure::Kind::internal,
            "auth's answer to " + std::string{what} + " cannot be used: " + failure.what()};
    }
}

base::Moment moment_field(const base::Fields& fields, std::string_view name) {
    const std::optional<base::Moment> moment = base::from_iso(fields.text(name));
    if (!moment) fields.fail(name, "an ISO 8601 time");
    return *moment;
}

ClaimedVisit claimed_visit(const base::Json& json, const std::string& where,
                           base::Moment server_time) {
    const base::Fields fields{json, where};
    ClaimedVisit visit;
    visit.visit_id = fields.text("tickId", 1, catalog::visit_id_bytes_max);
    visit.attempt = static_cast<int>(fields.integer("attempt", 1, 1'000'000));
    visit.deadline = moment_field(fields, "deadline");
    visit.time_left =
        std::chrono::duration_cast<std::chrono::milliseconds>(visit.deadline - server_time);
    if (json.contains("slot") && json.contains("startedAt")) {
        visit.lateness = std::chrono::duration_cast<std::chrono::milliseconds>(
            moment_field(fields, "startedAt") - moment_field(fields, "slot"));
    }
    visit.persona = catalog::persona_from_json(fields.object("persona"), where + ".persona");
    visit.spent_usd = fields.number_or_none("spentUsd", 0, 1e9).value_or(0);
    return visit;
}

// What a space says about itself: an object, or (from older services) its text.
base::Json metadata_of_space(const base::Json& space) {
    const auto found = space.find("metadata");
    if (found == space.end()) return {};
    if (!found->is_string()) return *found;
    return base::try_parse_json(found->get_ref<const std::string&>()).value_or(base::Json());
}

template <class Row>
base::Json rows_body(const char* name, const std::vector<Row>& rows) {
    base::Json list = base::Json::array();
    for (const Row& row : rows) list.push_back(catalog::to_json(row));
    base::Json body = base::Json::object();
    body[name] = std::move(list);
    return body;
}

}  // namespace

Auth::Auth(base::Http& http, AuthOptions options) : http_(http), options_(std::move(options)) {
    while (options_.url.ends_with('/')) options_.url.pop_back();
}

base::HttpRequest Auth::request(std::string method, std::string path) const {
    base::HttpRequest request;
    request.method = std::move(method);
    request.url = options_.url + path;
    request.headers = {{"accept", "application/json"}};
    request.header_limit = options_.request_limit;
    request.deadline = options_.request_limit;
    request.body_bytes_max = options_.answer_bytes_max;
    // Many personas come from one address: the key exempts them from the limits per address.
    if (!options_.service_key.empty()) {
        request.headers.emplace_back("x-service-key", options_.service_key.reveal());
    }
    return request;
}

base::HttpRequest Auth::service_request(std::string path, const base::Json& body) const {
    base::HttpRequest asked = request("POST", std::move(path));
    asked.headers.emplace_back("x-app-id", "persona-runner");
    asked.headers.emplace_back("content-type", "application/json");
    asked.body = base::to_text(body);
    return asked;
}

base::HttpRequest Auth::bearer_request(std::string method, std::string path,
                                       const base::Secret& bearer) const {
    base::HttpRequest asked = request(std::move(method), std::move(path));
    asked.headers.emplace_back("authorization", "Bearer " + bearer.reveal());
    return asked;
}

base::Task<base::Json> Auth::exchange(base::HttpRequest request) {
    const std::string name = name_of_request(request, options_.url);
    const base::HttpResponse response = co_await http_.send(std::move(request));
    if (response.status < 200 || response.status > 299)
        throw refusal_of(response, name, http_.loop().clock().now());
    base::Json body = read_answer(name, [&] { return base::parse_json(response.body, "answer"); });
    co_return body;
}

base::Task<HeartbeatAnswer> Auth::heartbeat(std::string runner_id, std::string node,
                                            std::chrono::seconds lease,
                                            std::optional<DaySpend> spending) {
    base::Json body = {{"runnerId", runner_id}, {"node", node}, {"leaseSeconds", lease.count()}};
    if (spending) {
        body["spending"] = {{"since", base::to_iso(spending->since)},
                            {"openUsd", spending->open_usd}};
        if (spending->limit_usd) {
            body["spending"]["wantUsd"] = spending->want_usd;
            body["spending"]["limitUsd"] = *spending->limit_usd;
            body["spending"]["number"] = spending->number;
        }
    }
    base::HttpRequest request = service_request("/api/v1/internal/runners/heartbeat", body);
    const std::string name = name_of_request(request, options_.url);
    const base::HttpResponse response = co_await http_.send(std::move(request));
    if (response.status == 410) co_return HeartbeatAnswer{Heartbeat::gone, {}};
    if (response.status < 200 || response.status > 299)
        throw refusal_of(response, name, http_.loop().clock().now());
    HeartbeatAnswer alive;
    if (spending) {
        const base::Json answer =
            read_answer(name, [&] { return base::parse_json(response.body, "answer"); });
        alive.spent_elsewhere_usd = read_answer(name, [&] {
            return base::Fields{answer}.number_or_none("spentElsewhereUsd", 0, 1e12);
        });
        alive.granted_usd = read_answer(
            name, [&] { return base::Fields{answer}.number_or_none("grantedUsd", 0, 1e12); });
    }
    co_return alive;
}

base::Task<std::vector<ClaimedVisit>> Auth::claim(std::string runner_id, std::string request_id,
                                                  int limit, bool everybody,
                                                  std::optional<base::Moment> idle_since,
                                                  std::optional<base::Moment> spent_since) {
    base::Json body = {{"runnerId", runner_id}, {"requestId", request_id}, {"limit", limit}};
    if (everybody) body["due"] = "all";
    if (idle_since) body["idleSince"] = base::to_iso(*idle_since);
    if (spent_since) body["spentSince"] = base::to_iso(*spent_since);
    const base::Json answer =
        co_await exchange(service_request("/api/v1/internal/personas/due", body));
    std::vector<ClaimedVisit> visits = read_answer("the claim", [&] {
        const base::Fields fields{answer};
        const base::Moment server_time = moment_field(fields, "serverTime");
        std::vector<ClaimedVisit> claimed;
        for (const base::Json& each : fields.array("visits", auth_rows_max)) {
            const std::string where = "visits[" + std::to_string(claimed.size()) + "]";
            claimed.push_back(claimed_visit(each, where, server_time));
        }
        return claimed;
    });
    co_return visits;
}

base::Task<Stored> Auth::store(base::HttpRequest request) {
    const base::Json answer = co_await exchange(std::move(request));
    const Stored stored = read_answer("stored rows", [&] {
        const base::Fields fields{answer};
        constexpr std::int64_t most = std::numeric_limits<int>::max();
        Stored counts;
        counts.written = static_cast<int>(fields.integer("written", 0, most));
        // The ancestor's service knows only the first of the four.
        counts.inserted =
            static_cast<int>(fields.integer_or_none("inserted", 0, most).value_or(counts.written));
        counts.known = static_cast<int>(fields.integer_or_none("known", 0, most).value_or(0));
        counts.differing =
            static_cast<int>(fields.integer_or_none("differing", 0, most).value_or(0));
        return counts;
    });
    co_return stored;
}

base::Task<Stored> Auth::store_actions(std::string user_id, std::vector<catalog::Action> actions) {
    return store(
        service_request("/api/v1/internal/personas/" + base::url_encode(user_id) + "/actions",
                        rows_body("actions", actions)));
}

base::Task<Stored> Auth::store_ratings(std::string user_id, std::vector<catalog::Rating> ratings) {
    return store(
        service_request("/api/v1/internal/personas/" + base::url_encode(user_id) + "/feedback",
                        rows_body("feedback", ratings)));
}

base::Task<FinishAnswer> Auth::finish(std::string visit_id, catalog::VisitEnd end) {
    base::HttpRequest request = service_request(
        "/api/v1/internal/visits/" + base::url_encode(visit_id) + "/finish", catalog::to_json(end));
    const std::string name = name_of_request(request, options_.url);
    const base::HttpResponse response = co_await http_.send(std::move(request));
    if (response.status < 200 || response.status > 299) {
        const base::Failure refusal = refusal_of(response, name, http_.loop().clock().now());
        const bool incomplete =
            response.status == 409 && base::equals_ignoring_case(refusal.code(), "incomplete");
        if (incomplete) co_return FinishAnswer::incomplete;
        throw base::Failure{refusal};
    }
    const bool applied = read_answer(name, [&] {
        const base::Json body = base::parse_json(response.body, "answer");
        return base::Fields{body}.flag_or_none("applied").value_or(true);
    });
    co_return applied ? FinishAnswer::applied : FinishAnswer::not_applied;
}

base::Task<Login> Auth::log_in(std::string email, base::Secret password) {
    base::HttpRequest asked = request("POST", "/api/v1/auth/login");
    asked.headers.emplace_back("content-type", "application/json");
    asked.body = base::to_text(base::Json{{"email", email}, {"password", password.reveal()}});
    const base::Json answer = co_await exchange(std::move(asked));
    Login login = read_answer("the login", [&] {
        const base::Fields fields{answer};
        Login read;
        read.user_id = base::Fields{fields.object("user"), "user"}.text("id", 1, auth_id_bytes_max);
        read.access_token = base::Secret{fields.text("accessToken")};
        read.session_token = base::Secret{fields.text("token")};
        read.expires = expiry_of(read.access_token);
        return read;
    });
    co_return login;
}

base::Task<base::Secret> Auth::refresh(base::Secret session_token) {
    base::HttpRequest asked = request("POST", "/api/v1/auth/refresh");
    asked.headers.emplace_back("content-type", "application/json");
    asked.body = base::to_text(base::Json{{"refreshToken", session_token.reveal()}});
    const base::Json answer = co_await exchange(std::move(asked));
    base::Secret access = read_answer(
        "the refresh", [&] { return base::Secret{base::Fields{answer}.text("accessToken")}; });
    co_return access;
}

base::Task<std::vector<Space>> Auth::spaces(base::Secret access_token) {
    const base::Json answer =
        co_await exchange(bearer_request("GET", "/api/auth/organization/list", access_token));
    std::vector<Space> spaces = read_answer("the list of spaces", [&] {
        if (!answer.is_array() || answer.size() > auth_rows_max) {
            throw base::Failure{base::Failure::Kind::invalid, "a list of spaces is expected"};
        }
        std::vector<Space> read;
        for (const base::Json& each : answer) {
            const base::Fields fields{each, "[" + std::to_string(read.size()) + "]"};
            Space space;
            space.id = fields.text("id", 1, auth_id_bytes_max);
            space.name = fields.text_or_none("name").value_or("");
            space.slug = fields.text_or_none("slug").value_or("");
            const base::Json metadata = metadata_of_space(each);
            if (metadata.is_object()) {
                const base::Json type = metadata.value("type", base::Json());
                const base::Json weight = metadata.value("visitWeight", base::Json());
                if (type.is_string()) space.type = type;
                if (weight.is_number()) space.visit_weight = std::clamp<double>(weight, 0, 1);
            }
            read.push_back(std::move(space));
        }
        return read;
    });
    co_return spaces;
}

std::optional<base::Moment> expiry_of(const base::Secret& access_token) {
    const std::vector<std::string_view> parts = base::split(access_token.reveal(), '.');
    if (parts.size() != 3) return std::nullopt;
    const std::optional<std::string> claims_text = base::from_base64url(parts[1]);
    if (!claims_text) return std::nullopt;
    const std::optional<base::Json> claims = base::try_parse_json(*claims_text);
    if (!claims || !claims->is_object()) return std::nullopt;
    const auto exp = claims->find("exp");
    if (exp == claims->end() || !exp->is_number_integer()) return std::nullopt;
    const auto seconds = exp->get<std::int64_t>();
    constexpr std::int64_t latest = 253'402'300'799;  // End of the year 9999.
    if (seconds < 0 || seconds > latest) return std::nullopt;
    return base::Moment{std::chrono::seconds{seconds}};
}

}  // namespace clients
