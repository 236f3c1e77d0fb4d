#include "workspace/mcp_server.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/bearer.hpp"
#include "workspace/call_watch.hpp"
#include "workspace/json_rpc.hpp"
#include "workspace/mcp_stateless.hpp"

namespace workspace {

namespace {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr std::string_view mcp_version_with_batches = "2025-03-26";
// Older clients do not know the empty event that a stream begins with.
constexpr std::string_view mcp_version_with_resumption = "2025-11-25";
constexpr std::size_t mcp_batch_max = 20;

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

std::string_view mcp_media_type(std::string_view header) {
    return base::trim(header.substr(0, header.find(';')));
}

std::string mcp_base_url(const ServerRequest& request, const std::string& public_url) {
    return public_url.empty() ? "http://" + std::string(request.header("host")) : public_url;
}

bool mcp_takes_streams(const ServerRequest& request) {
    return base::lower_ascii(request.header("accept")).find("text/event-stream") !=
           std::string::npos;
}

ServerResponse mcp_event_stream() {
    ServerResponse response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("Cache-Control", "no-cache");
    response.headers.emplace_back("X-Accel-Buffering", "no");
    return response;
}

ServerResponse mcp_fault(const Json& id, StatelessFault fault) {
    Json answer = rpc_error(id, fault.code, fault.reason);
    if (!fault.data.is_null()) answer["error"]["data"] = std::move(fault.data);
    return ServerResponse::json(answer, 400);
}

const Json* mcp_called_tool(const Json& message) {
    if (!message.is_object()) return nullptr;
    const auto method = message.find("method");
    const auto params = message.find("params");
    if (method == message.end() || *method != "tools/call" || !message.contains("id") ||
        params == message.end() || !params->is_object()) {
        return nullptr;
    }
    const auto name = params->find("name");
    return name != params->end() && name->is_string() ? &*name : nullptr;
}

}  // namespace

McpServer::McpServer(McpOptions options, base::JwtVerifier& verifier, Memberships& memberships,
                     Sessions& sessions, Toolbox& tools)
    : options_(std::move(options)),
      verifier_(verifier),
      memberships_(memberships),
      sessions_(sessions),
      tools_(tools),
      methods_(tools, sessions) {}

ServerResponse McpServer::metadata(const ServerRequest& request) const {
    const std::string base_url = mcp_base_url(request, options_.public_url);
    Json body;
    body["resource"] = base_url + "/mcp";
    body["authorization_servers"] = Json::array({options_.token_issuer});
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
    const std::string token = bearer_in(request.header("authorization"));
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
    return std::nullopt;
}

McpServer::Refusal McpServer::check_version(const ServerRequest& request) const {
    const std::string_view version = request.header("mcp-protocol-version");
    if (version.empty() || is_session_version(version)) return std::nullopt;
    return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                           "MCP-Protocol-Version must be 2025-11-25, 2025-06-18 or 2025-03-26, or "
                           "2026-07-28 with its _meta");
}

McpServer::Refusal McpServer::find_session(const ServerRequest& request, const Json& body,
                                           McpVisitor& visitor) {
    visitor.session_id = request.header("mcp-session-id");
    if (visitor.session_id.empty()) {
        return mcp_rpc_refusal(400, id_of(body), RpcCode::bad_session,
                               "Mcp-Session-Id is missing; begin with initialize");
    }
    auto session = sessions_.use(visitor.session_id, visitor.caller.user_id);
    if (!session) {
        return mcp_rpc_refusal(404, id_of(body), RpcCode::session_not_found, "Session not found");
    }
    visitor.version = std::move(session->version);
    return std::nullopt;
}

// Reading may rest on an older answer; before anything is written, membership is asked anew.
McpServer::Refusal McpServer::check_writing(const Json& body, const McpCaller& caller) {
    const auto writes = [this](const Json& message) {
        const Json* name = mcp_called_tool(message);
        const auto traits =
            name ? tools_.traits(name->get_ref<const std::string&>()) : std::nullopt;
        return traits && traits->writes;
    };
    const bool any = body.is_array() ? std::any_of(body.begin(), body.end(), writes) : writes(body);
    if (!any) return std::nullopt;
    const auto role = memberships_.role(caller.user_id, caller.space_id, Memberships::Use::writing);
    if (role && may_write(*role)) return std::nullopt;
    return mcp_refusal(403, role ? "your role in the space in X-Mana-Space does not write"
                                 : "you are not a member of the space in X-Mana-Space");
}

ServerResponse McpServer::post(const ServerRequest& request) {
    McpVisitor visitor;
    if (auto refusal = admit(request, visitor.caller)) return *refusal;
    if (auto refusal = check_form(request)) return *refusal;
    const auto body = base::try_parse_json(request.body);
    if (!body) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::parse_error,
                               "the body is not valid JSON, nests deeper than 64 levels or has an "
                               "object of more than 1000 members");
    }
    std::string fault;
    const RpcKind kind = body->is_array() ? RpcKind::request : kind_of(*body, &fault);
    if (kind == RpcKind::invalid) {
        return mcp_rpc_refusal(400, id_of(*body), RpcCode::invalid_request, fault);
    }
    if (kind != RpcKind::response && is_stateless(request, *body)) {
        return post_stateless(request, *body, std::move(visitor));
    }
    if (auto refusal = check_version(request)) return *refusal;
    if (kind == RpcKind::request && body->is_object() && (*body)["method"] == "initialize") {
        std::string session_id;
        ServerResponse response =
            ServerResponse::json(methods_.initialize(*body, visitor.caller, session_id));
        if (!session_id.empty()) response.headers.emplace_back("Mcp-Session-Id", session_id);
        return response;
    }
    if (auto refusal = find_session(request, *body, visitor)) return *refusal;
    if (auto refusal = check_writing(*body, visitor.caller)) return *refusal;
    if (body->is_array()) return answer_batch(*body, visitor);
    if (kind == RpcKind::notification && (*body)["method"] == "notifications/cancelled") {
        running_.cancel(visitor.session_id, body->value("params", Json::object()));
    }
    if (kind != RpcKind::request) return mcp_empty(202);
    return answer_one(request, *body, visitor);
}

ServerResponse McpServer::post_stateless(const ServerRequest& request, const Json& body,
                                         McpVisitor visitor) {
    visitor.stateless = true;
    if (body.is_array()) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               "send one message per request, not an array");
    }
    const bool is_request = body.contains("id");
    // A notification changes nothing here, so its `_meta` is nobody's business.
    if (!is_request) return mcp_empty(202);
    if (auto fault = check_stateless(request, body)) return mcp_fault(body["id"], *fault);
    if (!McpMethods::is_stateless_method(body["method"].get_ref<const std::string&>())) {
        return mcp_rpc_refusal(
            404, body["id"], RpcCode::unknown_method,
            fmt::format("Method not found: {} (revision {} at this address; older revisions begin "
                        "with initialize)",
                        base::cut(body["method"].get<std::string>(), 100), stateless_version));
    }
    if (const Json* name = mcp_called_tool(body)) {
        const auto traits = tools_.traits(name->get_ref<const std::string&>());
        if (traits) {
            if (auto fault = check_capabilities(body, traits->needs))
                return mcp_fault(body["id"], *fault);
            const Json arguments = body["params"].value("arguments", Json::object());
            if (auto fault = check_param_headers(request, *traits->input_schema, arguments))
                return mcp_fault(body["id"], *fault);
        }
    }
    if (auto refusal = check_writing(body, visitor.caller)) return *refusal;
    return answer_one(request, body, visitor);
}

ServerResponse McpServer::answer_one(const ServerRequest& request, const Json& body,
                                     const McpVisitor& visitor) {
    if (const Json* name = mcp_called_tool(body)) {
        const auto traits = tools_.traits(name->get_ref<const std::string&>());
        if (traits && traits->slow && mcp_takes_streams(request)) return stream(body, visitor);
    }
    SilentWatch nobody;
    const Json answered = methods_.answer(body, visitor, nobody);
    return ServerResponse::json(answered, http_status_of(answered));
}

ServerResponse McpServer::stream(const Json& body, const McpVisitor& visitor) {
    ServerResponse response = mcp_event_stream();
    response.stream = [this, body, visitor](base::StreamWriter& writer) {
        // Told apart from the stateless era, where the end of the stream says the same.
        const auto entry = running_.begin(visitor.session_id, body["id"]);
        const bool resumable = visitor.version == mcp_version_with_resumption;
        KeptWriter kept(writer, resumable ? streams_.begin(visitor.session_id) : nullptr);
        StreamWatch watch(kept, body, visitor.stateless ? nullptr : entry.flag());
        const Json answered = methods_.answer(body, visitor, watch);
        if (!watch.cancelled()) kept.write(event_of(answered));
    };
    return response;
}

ServerResponse McpServer::get(const ServerRequest& request) {
    McpVisitor visitor;
    if (auto refusal = admit(request, visitor.caller)) return *refusal;
    const std::string_view last_event_id = request.header("last-event-id");
    if (last_event_id.empty() ||
        base::trim(request.header("mcp-protocol-version")) == stateless_version) {
        ServerResponse response = mcp_refusal(405, "there is no stream of its own; use POST");
        response.headers.emplace_back("Allow", "POST, DELETE");
        return response;
    }
    if (auto refusal = find_session(request, nullptr, visitor)) return *refusal;
    CallStreams::Place place = streams_.find(visitor.session_id, last_event_id);
    if (!place.stream) return mcp_refusal(400, "Last-Event-ID names nothing that is still known");
    ServerResponse response = mcp_event_stream();
    response.stream = [place](base::StreamWriter& writer) {
        place.stream->follow(place.last, writer);
    };
    return response;
}

ServerResponse McpServer::end(const ServerRequest& request) {
    McpVisitor visitor;
    if (auto refusal = admit(request, visitor.caller)) return *refusal;
    if (base::trim(request.header("mcp-protocol-version")) == stateless_version) {
        ServerResponse response =
            mcp_refusal(405, "revision 2026-07-28 has no sessions that could be ended");
        response.headers.emplace_back("Allow", "POST");
        return response;
    }
    if (auto refusal = find_session(request, nullptr, visitor)) return *refusal;
    sessions_.close(visitor.session_id, visitor.caller.user_id);
    return mcp_empty(204);
}

// Only revision 2025-03-26 knows batches; later ones have taken them out.
ServerResponse McpServer::answer_batch(const Json& messages, const McpVisitor& visitor) {
    if (visitor.version != mcp_version_with_batches) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               "send one message per request, not an array");
    }
    if (messages.empty() || messages.size() > mcp_batch_max) {
        return mcp_rpc_refusal(400, nullptr, RpcCode::invalid_request,
                               fmt::format("a batch has 1 to {} messages", mcp_batch_max));
    }
    Json answers = Json::array();
    SilentWatch nobody;
    for (const Json& message : messages) {
        std::string fault;
        const RpcKind kind = kind_of(message, &fault);
        if (kind == RpcKind::invalid) {
            answers.push_back(rpc_error(id_of(message), RpcCode::invalid_request, fault));
        } else if (kind == RpcKind::request) {
            answers.push_back(methods_.answer(message, visitor, nobody));
        }
    }
    return answers.empty() ? mcp_empty(202) : ServerResponse::json(answers);
}

}  // namespace workspace
