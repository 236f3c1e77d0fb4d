#include "workspace/json_rpc.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace workspace {

namespace {

constexpr std::size_t rpc_id_bytes_max = 1'024;  // It is echoed, and kept while a call runs.

bool rpc_is_id(const base::Json& value) {
    if (value.is_string()) {
        return value.get_ref<const std::string&>().size() <= rpc_id_bytes_max;
    }
    return value.is_number_integer();
}

RpcKind rpc_invalid(std::string* fault, std::string_view reason) {
    if (fault) *fault = reason;
    return RpcKind::invalid;
}

}  // namespace

RpcKind kind_of(const base::Json& message, std::string* fault) {
    if (!message.is_object()) return rpc_invalid(fault, "a message must be a JSON object");
    const auto version = message.find("jsonrpc");
    if (version == message.end() || *version != "2.0") {
        return rpc_invalid(fault, "\"jsonrpc\" must be \"2.0\"");
    }
    const auto id = message.find("id");
    const auto method = message.find("method");
    if (method == message.end()) {
        const bool answers = message.contains("result") != message.contains("error");
        if (!answers) return rpc_invalid(fault, "\"method\" is missing");
        if (id == message.end() || !(rpc_is_id(*id) || id->is_null())) {
            return rpc_invalid(
                fault, "\"id\" of a response must be an integer or a string of at most 1024 bytes");
        }
        return RpcKind::response;
    }
    if (!method->is_string() || method->get_ref<const std::string&>().empty()) {
        return rpc_invalid(fault, "\"method\" must be a non-empty string");
    }
    const auto params = message.find("params");
    if (params != message.end() && !params->is_object()) {
        return rpc_invalid(fault, "\"params\" must be an object");
    }
    if (id == message.end()) return RpcKind::notification;
    if (!rpc_is_id(*id))
        return rpc_invalid(fault, "\"id\" must be an integer or a string of at most 1024 bytes");
    return RpcKind::request;
}

base::Json id_of(const base::Json& message) {
    if (!message.is_object()) return nullptr;
    const auto id = message.find("id");
    if (id == message.end() || !rpc_is_id(*id)) return nullptr;
    return *id;
}

base::Json rpc_result(const base::Json& id, base::Json result) {
    base::Json answer;
    answer["jsonrpc"] = "2.0";
    answer["id"] = id;
    answer["result"] = std::move(result);
    return answer;
}

base::Json rpc_error(const base::Json& id, RpcCode code, std::string_view reason) {
    base::Json answer;
    answer["jsonrpc"] = "2.0";
    answer["id"] = id;
    answer["error"]["code"] = static_cast<int>(code);
    answer["error"]["message"] = std::string(reason);
    return answer;
}

base::Json rpc_error(const base::Json& id, RpcCode code, std::string_view reason, base::Json data) {
    base::Json answer = rpc_error(id, code, reason);
    answer["error"]["data"] = std::move(data);
    return answer;
}

int http_status_of(const base::Json& answer) {
    const auto error = answer.find("error");
    if (error == answer.end() || !error->contains("data")) return 200;
    const std::string kind = error->at("data").value("kind", "");
    if (kind == base::name_of(base::Failure::Kind::unavailable)) return 503;
    return kind == base::name_of(base::Failure::Kind::internal) ? 500 : 200;
}

}  // namespace workspace
