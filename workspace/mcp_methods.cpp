#include "workspace/mcp_methods.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "workspace/json_rpc.hpp"
#include "workspace/mcp_stateless.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;

constexpr std::array<std::string_view, 3> methods_versions = {"2025-11-25", "2025-06-18",
                                                              "2025-03-26"};
// The list is fixed for the life of the process.
constexpr int methods_list_ttl_ms = 300'000;

Json methods_server_info() {
    Json info;
    info["name"] = "mana";
    info["title"] = "Mana workspace";
    info["version"] = PERSONA_RUNNER_VERSION;
    return info;
}

Json methods_capabilities() {
    Json capabilities;
    capabilities["tools"]["listChanged"] = false;
    return capabilities;
}

// What every result of the stateless era carries besides its own members.
Json methods_dressed(Json result) {
    Json dressed;
    dressed["resultType"] = "complete";
    dressed.update(result);
    dressed["_meta"]["io.modelcontextprotocol/serverInfo"] = methods_server_info();
    return dressed;
}

}  // namespace

bool is_session_version(std::string_view version) {
    return std::find(methods_versions.begin(), methods_versions.end(), version) !=
           methods_versions.end();
}

Json McpMethods::initialize(const Json& request, const McpCaller& caller, std::string& session_id) {
    const Json params = request.value("params", Json::object());
    const auto wanted = params.find("protocolVersion");
    if (wanted == params.end() || !wanted->is_string()) {
        return rpc_error(request["id"], RpcCode::invalid_params,
                         "params.protocolVersion must be a string");
    }
    auto version = wanted->get<std::string>();
    if (!is_session_version(version)) version = methods_versions.front();
    Json result;
    result["protocolVersion"] = version;
    result["capabilities"] = methods_capabilities();
    result["serverInfo"] = methods_server_info();
    result["instructions"] = std::string(tools_.instructions());
    session_id = sessions_.open({.user_id = caller.user_id, .version = version});
    return rpc_result(request["id"], std::move(result));
}

bool McpMethods::is_stateless_method(std::string_view method) {
    return method == "server/discover" || method == "tools/list" || method == "tools/call";
}

Json McpMethods::discover() const {
    Json result;
    result["supportedVersions"] = Json::array({std::string(stateless_version)});
    result["capabilities"] = methods_capabilities();
    result["instructions"] = std::string(tools_.instructions());
    result["ttlMs"] = methods_list_ttl_ms;
    result["cacheScope"] = "public";
    return result;
}

Json McpMethods::list(const Json& request, bool stateless) const {
    const Json& id = request["id"];
    const auto params = request.find("params");
    if (params != request.end() && params->contains("cursor") && !(*params)["cursor"].is_null()) {
        return rpc_error(id, RpcCode::invalid_params,
                         "params.cursor is not one of ours; the list has one page");
    }
    Json result;
    result["tools"] = tools_.listing();
    if (stateless) {
        result["ttlMs"] = methods_list_ttl_ms;
        result["cacheScope"] = "public";  // Everybody sees the same list.
    }
    return rpc_result(id, std::move(result));
}

Json McpMethods::answer(const Json& request, const McpVisitor& visitor, CallWatch& watch) {
    Json answer;
    try {
        answer = result_of(request, visitor, watch);
    } catch (const Failure& failure) {
        // The failure belongs to one message, which must get its answer; the request itself was
        // fine.
        const bool ours =
            failure.kind() != Failure::Kind::invalid && failure.kind() != Failure::Kind::conflict;
        if (ours) {
            base::log_warning("tool call failed", {{"kind", base::name_of(failure.kind())},
                                                   {"reason", failure.what()}});
        }
        return rpc_error(request["id"],
                         failure.kind() == Failure::Kind::invalid ? RpcCode::invalid_params
                                                                  : RpcCode::internal_error,
                         failure.what(), {{"kind", std::string(base::name_of(failure.kind()))}});
    }
    const auto result = answer.find("result");
    if (visitor.stateless && result != answer.end()) *result = methods_dressed(std::move(*result));
    return answer;
}

Json McpMethods::result_of(const Json& request, const McpVisitor& visitor, CallWatch& watch) {
    const Json& id = request["id"];
    const auto& method = request["method"].get_ref<const std::string&>();
    if (method == "tools/call") return call(request, visitor, watch);
    if (method == "tools/list") return list(request, visitor.stateless);
    if (visitor.stateless && method == "server/discover") return rpc_result(id, discover());
    if (method == "ping") return rpc_result(id, Json::object());
    if (method == "initialize") {
        return rpc_error(id, RpcCode::invalid_request, "initialize must be sent alone");
    }
    return rpc_error(id, RpcCode::unknown_method, "Method not found: " + base::cut(method, 100));
}

Json McpMethods::call(const Json& request, const McpVisitor& visitor, CallWatch& watch) {
    const Json params = request.value("params", Json::object());
    const base::Fields fields(params, "params");
    ToolCall call{
        .name = fields.text("name", 1, 200),
        .arguments = fields.has("arguments") ? fields.object("arguments") : Json::object(),
        .meta = params.value("_meta", Json(nullptr))};
    if (!tools_.traits(call.name)) {
        return rpc_error(request["id"], RpcCode::invalid_params, "Unknown tool: " + call.name);
    }
    const bool may = visitor.stateless ? sessions_.may_call_without(visitor.caller.user_id)
                                       : sessions_.may_call(visitor.session_id);
    if (!may) {
        Json result;
        result["content"].push_back(
            {{"type", "text"}, {"text", "Too many calls within a minute. Wait, then go on."}});
        result["isError"] = true;
        return rpc_result(request["id"], std::move(result));
    }
    return rpc_result(request["id"], tools_.call(call, visitor.caller, watch));
}

}  // namespace workspace
