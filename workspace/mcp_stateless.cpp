#include "workspace/mcp_stateless.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace workspace {

namespace {

using base::Json;
using base::ServerRequest;

constexpr std::string_view stateless_version_key = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view stateless_capabilities_key =
    "io.modelcontextprotocol/clientCapabilities";
constexpr int stateless_depth_max = 32;

const Json* stateless_member(const Json& object, std::string_view name) {
    if (!object.is_object()) return nullptr;
    const auto member = object.find(name);
    return member == object.end() ? nullptr : &*member;
}

const Json* stateless_meta(const Json& message) {
    const Json* params = stateless_member(message, "params");
    return params ? stateless_member(*params, "_meta") : nullptr;
}

StatelessFault stateless_mismatch(std::string reason) {
    return {.code = RpcCode::header_mismatch, .reason = std::move(reason)};
}

// What the named header should say for a value of the body; nothing: no such header.
std::optional<std::string> stateless_wanted(const Json* value) {
    if (!value || value->is_null()) return std::nullopt;
    return value->is_string() ? value->get<std::string>() : base::to_text(*value);
}

std::optional<StatelessFault> stateless_compare(const ServerRequest& request,
                                                const std::string& header,
                                                const std::optional<std::string>& wanted) {
    if (!wanted) {
        if (!request.has_header(header)) return std::nullopt;
        return stateless_mismatch(
            fmt::format("the header {} has no counterpart in the body", header));
    }
    if (!request.has_header(header)) {
        return stateless_mismatch(fmt::format("the header {} is missing", header));
    }
    const auto said = header_text(request.header(header));
    if (!said) return stateless_mismatch(fmt::format("the header {} is no valid Base64", header));
    if (*said == *wanted) return std::nullopt;
    return stateless_mismatch(fmt::format("the header {} does not match the body", header));
}

std::optional<StatelessFault> stateless_properties(const ServerRequest& request, const Json& schema,
                                                   const Json& value, int depth) {
    const Json* properties = stateless_member(schema, "properties");
    if (!properties || !properties->is_object() || depth > stateless_depth_max) return std::nullopt;
    for (const auto& [name, property] : properties->items()) {
        const Json* inner = stateless_member(value, name);
        const Json* header = stateless_member(property, "x-mcp-header");
        if (header && header->is_string()) {
            auto fault = stateless_compare(request, "Mcp-Param-" + header->get<std::string>(),
                                           stateless_wanted(inner));
            if (fault) return fault;
        }
        auto fault = stateless_properties(request, property, inner ? *inner : Json(), depth + 1);
        if (fault) return fault;
    }
    return std::nullopt;
}

}  // namespace

bool is_stateless(const ServerRequest& request, const Json& message) {
    if (base::trim(request.header("mcp-protocol-version")) == stateless_version) return true;
    const Json* meta = stateless_meta(message);
    if (meta && stateless_member(*meta, stateless_version_key)) return true;
    const Json* method = stateless_member(message, "method");
    return method && *method == "server/discover";
}

std::optional<std::string> header_text(std::string_view value) {
    constexpr std::string_view begin = "=?base64?", end = "?=";
    const std::string_view text = base::trim(value);
    if (text.size() < begin.size() + end.size() || !text.starts_with(begin) ||
        !text.ends_with(end)) {
        return std::string(text);
    }
    return base::from_base64(text.substr(begin.size(), text.size() - begin.size() - end.size()));
}

std::optional<StatelessFault> check_stateless(const ServerRequest& request, const Json& message) {
    const Json* meta = stateless_meta(message);
    const Json* version = meta ? stateless_member(*meta, stateless_version_key) : nullptr;
    const Json* capabilities = meta ? stateless_member(*meta, stateless_capabilities_key) : nullptr;
    if (!version || !version->is_string()) {
        return StatelessFault{.reason =
                                  fmt::format("params._meta[\"{}\"] must be a revision, e.g. {}",
                                              stateless_version_key, stateless_version)};
    }
    if (!capabilities || !capabilities->is_object()) {
        return StatelessFault{.reason = fmt::format("params._meta[\"{}\"] must be an object",
                                                    stateless_capabilities_key)};
    }
    if (auto fault =
            stateless_compare(request, "MCP-Protocol-Version", version->get<std::string>()))
        return fault;
    if (*version != stateless_version) {
        Json data;
        data["supported"] = Json::array({std::string(stateless_version)});
        data["requested"] = *version;
        return StatelessFault{
            .code = RpcCode::unsupported_version,
            .reason = fmt::format("revision {} is not served this way; {} is",
                                  base::cut(version->get<std::string>(), 40), stateless_version),
            .data = std::move(data)};
    }
    const Json* method = stateless_member(message, "method");
    if (auto fault = stateless_compare(request, "Mcp-Method", stateless_wanted(method)))
        return fault;
    if (!method || *method != "tools/call") return std::nullopt;
    return stateless_compare(request, "Mcp-Name",
                             stateless_wanted(stateless_member(message["params"], "name")));
}

std::optional<StatelessFault> check_param_headers(const ServerRequest& request, const Json& schema,
                                                  const Json& arguments) {
    return stateless_properties(request, schema, arguments, 0);
}

std::optional<StatelessFault> check_capabilities(const Json& message, const Json& needed) {
    if (!needed.is_object()) return std::nullopt;
    const Json* meta = stateless_meta(message);
    const Json* declared = meta ? stateless_member(*meta, stateless_capabilities_key) : nullptr;
    Json missing = Json::object();
    for (const auto& [name, value] : needed.items()) {
        if (!declared || !stateless_member(*declared, name)) missing[name] = value;
    }
    if (missing.empty()) return std::nullopt;
    StatelessFault fault{.code = RpcCode::missing_capability,
                         .reason = "the tool needs capabilities that the client did not declare"};
    fault.data["requiredCapabilities"] = std::move(missing);
    return fault;
}

}  // namespace workspace
