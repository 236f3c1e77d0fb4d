#include "clients/mcp_stateless.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace clients {

namespace {

using base::Json;

constexpr int param_depth_max = 32;
constexpr std::int64_t header_integer_max = (std::int64_t{1} << 53) - 1;

bool is_header_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [marks](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
               (each >= '0' && each <= '9') || marks.find(each) != marks.npos;
    });
}

bool may_be_header(const Json& property) {
    const auto type = property.find("type");
    return type != property.end() &&
           (*type == "string" || *type == "integer" || *type == "boolean");
}

// Whether a mark stands anywhere that the properties do not lead to, e.g. in `items` or `anyOf`.
bool has_param_mark(const Json& schema, int depth) {
    if (depth > param_depth_max || !schema.is_structured()) return false;
    if (schema.is_object() && schema.contains("x-mcp-header")) return true;
    return std::any_of(schema.begin(), schema.end(),
                       [depth](const Json& part) { return has_param_mark(part, depth + 1); });
}

void collect_param_headers(const Json& schema, const std::vector<std::string>& path,
                           std::set<std::string>& taken, ParamHeaders& found) {
    if (!schema.is_object() || path.size() > param_depth_max) return;
    for (const auto& [key, part] : schema.items()) {
        if (key != "properties" && has_param_mark(part, 0)) {
            found.fault = "it marks a header where no argument can be found for certain";
            return;
        }
    }
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->is_object()) return;
    for (const auto& [name, property] : properties->items()) {
        if (!property.is_object()) continue;
        std::vector<std::string> here = path;
        here.push_back(name);
        Json rest = property;
        if (const auto mark = property.find("x-mcp-header"); mark != property.end()) {
            const std::string header = mark->is_string() ? mark->get<std::string>() : "";
            if (!is_header_token(header)) {
                found.fault = "its header name for " + name + " is no header name";
            } else if (!may_be_header(property)) {
                found.fault = "its argument " + name + " cannot travel as a header";
            } else if (!taken.insert(base::lower_ascii(header)).second) {
                found.fault = "two of its arguments want the same header";
            }
            found.headers.push_back({here, "Mcp-Param-" + header});
            rest.erase("x-mcp-header");
        }
        if (found.fault.empty()) collect_param_headers(rest, here, taken, found);
        if (!found.fault.empty()) return;
    }
}

}  // namespace

void add_stateless_meta(Json& params) {
    if (params.is_null()) params = Json::object();
    Json& meta = params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = std::string{stateless_revision};
    meta["io.modelcontextprotocol/clientCapabilities"] = Json::object();
    meta["io.modelcontextprotocol/clientInfo"] = {{"name", "persona-runner"},
                                                  {"version", PERSONA_RUNNER_VERSION}};
}

std::string header_safe(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(),
                                   [](char each) { return each >= 0x20 && each <= 0x7E; });
    const bool padded = !text.empty() && (text.front() == ' ' || text.back() == ' ');
    if (plain && !padded && !text.starts_with("=?base64?")) return std::string{text};
    return "=?base64?" + base::to_base64(text) + "?=";
}

base::HttpHeaders stateless_headers(std::string_view method, const Json& params) {
    base::HttpHeaders headers{{"mcp-method", std::string{method}}};
    if (method == "tools/call") {
        headers.emplace_back("mcp-name", header_safe(params.at("name").get<std::string>()));
    }
    return headers;
}

ParamHeaders read_param_headers(const Json& input_schema) {
    ParamHeaders found;
    if (!has_param_mark(input_schema, 0)) return found;
    std::set<std::string> taken;
    collect_param_headers(input_schema, {}, taken, found);
    if (!found.fault.empty()) found.headers.clear();
    return found;
}

std::optional<base::HttpHeaders> param_headers_of(const std::vector<ParamHeader>& headers,
                                                  const Json& arguments) {
    base::HttpHeaders values;
    for (const ParamHeader& header : headers) {
        const Json* value = &arguments;
        for (const std::string& key : header.path) {
            const auto member = value->is_object() ? value->find(key) : value->end();
            if (!value->is_object() || member == value->end()) {
                value = nullptr;
                break;
            }
            value = &*member;
        }
        if (value == nullptr || value->is_null()) continue;
        if (value->is_string()) {
            values.emplace_back(header.name, header_safe(value->get<std::string>()));
        } else if (value->is_boolean()) {
            values.emplace_back(header.name, value->get<bool>() ? "true" : "false");
        } else if (value->is_number_integer() &&
                   std::abs(value->get<std::int64_t>()) <= header_integer_max) {
            values.emplace_back(header.name, std::to_string(value->get<std::int64_t>()));
        } else {
            return std::nullopt;
        }
    }
    return values;
}

bool offers_stateless(const Json& discovered) {
    if (!discovered.is_object()) return false;
    const auto versions = discovered.find("supportedVersions");
    return versions != discovered.end() && versions->is_array() &&
           std::find(versions->begin(), versions->end(), stateless_revision) != versions->end();
}

bool tells_of_tools(const Json& greeting) {
    const Json* part = &greeting;
    for (const char* name : {"capabilities", "tools", "listChanged"}) {
        if (!part->is_object()) return false;
        const auto inner = part->find(name);
        if (inner == part->end()) return false;
        part = &*inner;
    }
    return *part == true;
}

}  // namespace clients
