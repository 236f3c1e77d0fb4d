#include "workspace/mcp_server.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "workspace/json_rpc.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr std::array<std::string_view, 3> mcp_versions = {"2025-11-25", "2025-06-18", "2025-03-26"};
constexpr std::string_view mcp_version_with_batches = "2025-03-26";
constexpr std::size_t mcp_batch_max = 20;
constexpr std::int64_t mcp_visit_seq_max = 1'000'000;

constexpr std::string_view mcp_instructions =
    "The user's personal workspace: tasks, calendar, journal, notes, mood, habits, contacts and "
    "articles of one space. Ids come from the answers of list and search tools. Dates are "
    "YYYY-MM-DD, times ISO 8601 with zone.";

bool mcp_knows(std::string_view version) {
    return std::find(mcp_versions.begin(), mcp_versions.end(), version) != mcp_versions.end();
}

ServerResponse mcp_refusal(int status, std::string_view reason) {
    return ServerResponse::json({{"error", std::string(reason)}}, status);
}

ServerResponse mcp_rpc_refusal(int status, const Json& id, RpcCode code, std::string_view reason) {
    return ServerResponse::json(rpc_error(id, code, reason), status);
}

ServerResponse mcp_empty(int status) {
    ServerResponse response;
    response.status = status;
    response.content_type.clear();
    return response;
}

// "localhost:3069" -> "localhost", "[::1]:80" -> "[::1]".
std::string mcp_host_name(std::string_view authority) {
    if (authority.starts_with('[')) {
        return std::string(authority.substr(0, authority.find(']') + 1));
    }
    return base::lower_ascii(authority.substr(0, authority.find(':')));
}

bool mcp_is_this_machine(std::string_view authority) {
    const std::string name = mcp_host_name(authority);
    return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

// The token of "Bearer <token>"; empty when the header is something else.
std::string mcp_bearer(std::string_view header) {
    constexpr std::string_view scheme = "Bearer ";
    if (header.size() <= scheme.size() ||
        !base::equals_ignoring_case(header.substr(0, scheme.size()), scheme)) {
        return {};
    }
    const std::string_view token = base::trim(header.substr(scheme.size()));
    return token.find(' ') == token.npos ? std::string(token) : std::string();
}

std::string_view mcp_media_type(std::string_view header) {
    return base::trim(header.substr(0, header.find(';')));
}

std::string mcp_base_url(const ServerRequest& request, const std::string& public_url) {
    return public_url.empty() ? "http://" + std::string(request.header("host")) : public_url;
}

// The runner's mark of a call, for audits and for recognising a resent call. Absent is fine.
void mcp_read_mark(const Json& params, Scope& scope) {
    const auto meta = params.find("_meta");
    if (meta == params.end() || meta->is_null()) return;
    const base::Fields fields(*meta, "_meta");
    scope.visit_id = fields.text_or_none("persona-runner/visit", 100);
    scope.visit_seq = fields.integer_or_none("persona-runner/seq", 0, mcp_visit_seq_max);
    if (scope.visit_id.has_value() != scope.visit_seq.has_value()) {
        fields.fail(scope.visit_id ? "persona-runner/seq" : "persona-runner/visit",
                    "must be given together with the other mark");
    }
    if (scope.visit_id && scope.visit_id->empty()) {
        fields.fail("persona-runner/visit", "must not be empty");
    }
}

class McpOutside final : public Outside {
  public:
    McpOutside(Memberships& memberships, const McpCaller& caller)
        : memberships_(memberships), caller_(caller) {}
    Json spaces() override { return memberships_.spaces(caller_.user_id, caller_.token); }

  private:
    Memberships& memberships_;
    const McpCaller& caller_;
};

}  // namespace

// Who calls, and in which session.
struct McpServer::Visitor {
    McpCaller caller;
    std::string session_id;
    Session session;
};

McpServer::McpServer(McpOptions options, base::JwtVerifier& verifier, Memberships& memberships,
                     Sessions& sessions, const Registry& registry, Calls& calls)
    : options_(std::move(options)),
      verifier_(verifier),
      memberships_(memberships),
      sessions_(sessions),
      registry_(registry),
      calls_(calls) {}

std::optional<ServerResponse> McpServer::guard(const ServerRequest& request) const {
    // A name that resolves to this machine but is not its own is how a foreign page reaches it.
    const std::string_view host = request.header("host");
    if (options_.loopback && !host.empty() && !mcp_is_this_machine(host)) {
        return mcp_refusal(403, "this address answers to localhost only");
    }
    const std::string_view origin = request.header("origin");
    if (origin.empty()) return std::nullopt;
    const auto& allowed = options_.allowed_origins;
    if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) return std::nullopt;
    const std::size_t scheme = origin.find("://");
    if (options_.loopback && scheme != origin.npos &&
        mcp_is_this_machine(origin.substr(scheme + 3))) {
        return std::nullopt;
    }
    return mcp_refusal(403, "requests from this origin are not allowed");
}

void McpServer::add_cors(const ServerRequest& request, ServerResponse& response) const {
    const std::string origin(request.header("origin"));
    const auto& allowed = options_.allowed_origins;
    if (std::find(allowed.begin(), allowed.end(), origin) == allowed.end()) return;
    response.headers.emplace_back("Access-Control-Allow-Origin", origin);
    response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
    response.headers.emplace_back("Access-Control-Expose-Headers", "mcp-session-id");
    response.headers.emplace_back("Vary", "Origin");
    if (request.method != "OPTIONS") return;
    response.headers.emplace_back("Access-Control-Allow-Methods", "POST, GET, DELETE, OPTIONS");
    response.headers.emplace_back(
        "Access-Control-Allow-Headers",
        "authorization, content-type, x-mana-space, mcp-session-id, mcp-protocol-version");
}

ServerResponse McpServer::metadata(const ServerRequest& request) const {
    const std::string base_url = mcp_base_url(request, options_.public_url);
    Json body;
    body["resource"] = base_url + "/mcp";
    body["authorization_servers"] = Json::array({options_.auth_url});
    body["bearer_methods_supported"] = Json::array({"header"});
    return ServerResponse::json(body);
}

ServerResponse McpServer::unauthorized(const ServerRequest& request, std::string_view why) const {
    const std::string base_url = mcp_base_url(request, options_.public_url);
    std::string challenge = fmt::format(
        "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"", base_url);
    // A request without a token learns where to get one, not that something is wrong with it.
    if (!why.empty())
        challenge += fmt::format(", error=\"invalid_token\", error_description=\"{}\"", why);
    ServerResponse response = mcp_refusal(
        401, why.empty() ? "send Authorization: Bearer <access token>"
                         : fmt::format("the access token is not accepted ({}); log in again", why));
    response.headers.emplace_back("WWW-Authenticate", challenge);
    return response;
}

McpServer::Refusal McpServer::admit(const ServerRequest& request, McpCaller& caller) {
    if (!request.has_header("authorization")) return unauthorized(request, "");
    const std::string token = mcp_bearer(request.header("authorization"));
    std::string why = "it is no bearer token";
    const std::optional<Json> claims = token.empty() ? std::nullopt : verifier_.verify(token, &why);
    if (!claims) return unauthorized(request, why);
    caller.user_id = claims->at("sub").get<std::string>();
    caller.token = base::Secret(token);
    caller.space_id = base::trim(request.header("x-mana-space"));
    if (caller.space_id.empty() || caller.space_id.size() > 128) {
        return mcp_refusal(400, "send the header X-Mana-Space: <id of one of your spaces>");
    }
    if (!memberships_.role(caller.user_id, caller.space_id, Memberships::Use::reading)) {
        return mcp_refusal(403, "you are not a member of the space in X-Mana-Space");
    }
    return std::nullopt;
}

// Liberal: who does not say what she accepts, or accepts JSON alone, is served.
McpServer::Refusal McpServer::check_form(const ServerRequest& request) const {
    if (!base::equals_ignoring_case(mcp_media_type(request.header("content-type")),
                                    "application/json")) {
        return mcp_refusal(415, "send Content-Type: application/json");
    }
    const std::string accept = base::lower_ascii(request.header("accept"));
    if (!accept.empty() && accept.find("*/*") == accept.npos &&
        accept.find("application/*") == accept.npos &&
        accept.find("application/json") == accept.npos) {
        return mcp_refusal(406, "accept application/json");
    }
    const std::string_view version = request.header("mcp-protocol-version");
    if (!version.empty() && !mcp_knows(version)) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               "MCP-Protocol-Version must be 2025-11-25, 2025-06-18 or 2025-03-26");
    }
    return std::nullopt;
}

McpServer::Refusal McpServer::find_session(const ServerRequest& request, const Json& body,
                                           Visitor& visitor) {
    visitor.session_id = request.header("mcp-session-id");
    if (visitor.session_id.empty()) {
        return mcp_rpc_refusal(400, id_of(body), RpcCode::bad_session,
                               "Mcp-Session-Id is missing; begin with initialize");
    }
    auto session = sessions_.use(visitor.session_id, visitor.caller.user_id);
    if (!session) {
        return mcp_rpc_refusal(404, id_of(body), RpcCode::session_not_found, "Session not found");
    }
    visitor.session = std::move(*session);
    return std::nullopt;
}

bool McpServer::writes(const Json& body) const {
    const auto is_write = [&](const Json& message) {
        if (kind_of(message) != RpcKind::request || message["method"] != "tools/call") return false;
        const Json params = message.value("params", Json::object());
        const auto name = params.find("name");
        if (name == params.end() || !name->is_string()) return false;
        const Tool* tool = registry_.find(name->get<std::string>());
        return tool && tool->effect != Effect::reads;
    };
    return body.is_array() ? std::any_of(body.begin(), body.end(), is_write) : is_write(body);
}

ServerResponse McpServer::post(const ServerRequest& request) {
    Visitor visitor;
    if (auto refusal = admit(request, visitor.caller)) return *refusal;
    if (auto refusal = check_form(request)) return *refusal;
    const auto body = base::try_parse_json(request.body);
    if (!body) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::parse_error, "the body is not valid JSON");
    }
    std::string fault;
    const RpcKind kind = body->is_array() ? RpcKind::request : kind_of(*body, &fault);
    if (kind == RpcKind::invalid) {
        return mcp_rpc_refusal(400, id_of(*body), RpcCode::invalid_request, fault);
    }
    if (kind == RpcKind::request && body->is_object() && (*body)["method"] == "initialize") {
        return open_session(*body, visitor.caller);
    }
    if (auto refusal = find_session(request, *body, visitor)) return *refusal;
    // Reading may rest on an older answer; before anything is written, membership is asked anew.
    if (writes(*body) && !memberships_.role(visitor.caller.user_id, visitor.caller.space_id,
                                            Memberships::Use::writing)) {
        return mcp_refusal(403, "you are not a member of the space in X-Mana-Space");
    }
    if (body->is_array()) return answer_batch(*body, visitor);
    if (kind != RpcKind::request) return mcp_empty(202);
    const Json answered = answer(*body, visitor);
    return ServerResponse::json(answered, http_status_of(answered));
}

ServerResponse McpServer::get(const ServerRequest& request) {
    McpCaller caller;
    if (auto refusal = admit(request, caller)) return *refusal;
    ServerResponse response = mcp_refusal(405, "there is no stream of its own; use POST");
    response.headers.emplace_back("Allow", "POST, DELETE");
    return response;
}

ServerResponse McpServer::end(const ServerRequest& request) {
    Visitor visitor;
    if (auto refusal = admit(request, visitor.caller)) return *refusal;
    if (auto refusal = find_session(request, Json(), visitor)) return *refusal;
    sessions_.close(visitor.session_id, visitor.caller.user_id);
    return mcp_empty(204);
}

ServerResponse McpServer::open_session(const Json& request, const McpCaller& caller) {
    const Json params = request.value("params", Json::object());
    const auto wanted = params.find("protocolVersion");
    if (wanted == params.end() || !wanted->is_string()) {
        return ServerResponse::json(rpc_error(request["id"], RpcCode::invalid_params,
                                              "params.protocolVersion must be a string"));
    }
    auto version = wanted->get<std::string>();
    if (!mcp_knows(version)) version = mcp_versions.front();
    Json result;
    result["protocolVersion"] = version;
    result["capabilities"]["tools"]["listChanged"] = false;
    result["serverInfo"]["name"] = "mana";
    result["serverInfo"]["title"] = "Mana workspace";
    result["serverInfo"]["version"] = PERSONA_RUNNER_VERSION;
    result["instructions"] = std::string(mcp_instructions);
    ServerResponse response = ServerResponse::json(rpc_result(request["id"], std::move(result)));
    response.headers.emplace_back("Mcp-Session-Id",
                                  sessions_.open({.user_id = caller.user_id, .version = version}));
    return response;
}

// Only revision 2025-03-26 knows batches; later ones have taken them out.
ServerResponse McpServer::answer_batch(const Json& messages, const Visitor& visitor) {
    if (visitor.session.version != mcp_version_with_batches) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               "send one message per request, not an array");
    }
    if (messages.empty() || messages.size() > mcp_batch_max) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               fmt::format("a batch has 1 to {} messages", mcp_batch_max));
    }
    Json answers = Json::array();
    for (const Json& message : messages) {
        std::string fault;
        const RpcKind kind = kind_of(message, &fault);
        if (kind == RpcKind::invalid) {
            answers.push_back(rpc_error(id_of(message), RpcCode::invalid_request, fault));
        } else if (kind == RpcKind::request) {
            answers.push_back(answer(message, visitor));
        }
    }
    return answers.empty() ? mcp_empty(202) : ServerResponse::json(answers);
}

Json McpServer::answer(const Json& request, const Visitor& visitor) {
    const Json& id = request["id"];
    const auto method = request["method"].get<std::string>();
    if (method == "ping") return rpc_result(id, Json::object());
    if (method == "tools/list") {
        const Json params = request.value("params", Json::object());
        if (params.contains("cursor") && !params["cursor"].is_null()) {
            return rpc_error(id, RpcCode::invalid_params,
                             "params.cursor is not one of ours; the list has one page");
        }
        return rpc_result(id, {{"tools", registry_.listing()}});
    }
    if (method == "initialize") {
        return rpc_error(id, RpcCode::invalid_request, "initialize must be sent alone");
    }
    if (method != "tools/call") {
        return rpc_error(id, RpcCode::unknown_method,
                         "Method not found: " + base::cut(method, 100));
    }
    try {
        return call_tool(request, visitor);
    } catch (const Failure& failure) {
        // The failure belongs to one message, which must get its answer; the request itself was
        // fine.
        const bool ours = failure.kind() != Failure::Kind::invalid;
        if (ours) {
            base::log_warning("tool call failed", {{"kind", base::name_of(failure.kind())},
                                                   {"reason", failure.what()}});
        }
        return rpc_error(id, ours ? RpcCode::internal_error : RpcCode::invalid_params,
                         failure.what(), {{"kind", std::string(base::name_of(failure.kind()))}});
    }
}

Json McpServer::call_tool(const Json& request, const Visitor& visitor) {
    const Json params = request.value("params", Json::object());
    const base::Fields fields(params, "params");
    const std::string name = fields.text("name", 1, 200);
    const Tool* tool = registry_.find(name);
    if (!tool) {
        return rpc_error(request["id"], RpcCode::invalid_params, "Unknown tool: " + name);
    }
    const Json arguments = fields.has("arguments") ? fields.object("arguments") : Json::object();
    Scope scope{.user_id = visitor.caller.user_id,
                .space_id = visitor.caller.space_id,
                .visit_id = {},
                .visit_seq = {}};
    mcp_read_mark(params, scope);
    if (!sessions_.may_call(visitor.session_id)) {
        Json result;
        result["content"].push_back(
            {{"type", "text"}, {"text", "Too many calls within a minute. Wait, then go on."}});
        result["isError"] = true;
        return rpc_result(request["id"], std::move(result));
    }
    McpOutside outside(memberships_, visitor.caller);
    return rpc_result(request["id"], calls_.perform(*tool, arguments, scope, outside));
}

}  // namespace workspace
