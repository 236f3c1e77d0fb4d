#include "tests/support/document_check.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/api.hpp"
#include "auth/openapi/document.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"

namespace tests {

namespace {

using base::Json;

// Given by the server itself, before there is a route: no JSON body came in one piece.
constexpr int before_any_route[] = {408, 411, 413, 414, 431, 501};

const Json& schema_behind(const Json& schema) {
    const auto reference = schema.find("$ref");
    if (reference == schema.end()) return schema;
    const std::string name = reference->get<std::string>();
    return auth::openapi_document()["components"]["schemas"][name.substr(name.rfind('/') + 1)];
}

class Fitter {
  public:
    explicit Fitter(bool closed) : closed_(closed) {}

    std::string look(const Json& value, const Json& given, const std::string& where) const {
        const Json& schema = schema_behind(given);
        if (schema.contains("allOf")) return look_all(value, schema["allOf"], where);
        if (schema.contains("anyOf")) return look_any(value, schema["anyOf"], where);
        if (schema.contains("type")) {
            const std::string type = schema["type"].get<std::string>();
            if (!is_of(value, type)) {
                return fmt::format("{} is not of type {}: {}", where, type,
                                   base::cut(base::to_text(value), 80));
            }
        }
        if (schema.contains("enum")) {
            const Json& words = schema["enum"];
            if (std::find(words.begin(), words.end(), value) == words.end()) {
                return fmt::format("{} is none of {}: {}", where, base::to_text(words),
                                   base::to_text(value));
            }
        }
        if (value.is_string()) return look_text(value.get<std::string>(), schema, where);
        if (value.is_number()) return look_number(value.get<double>(), schema, where);
        if (value.is_array() && schema.contains("items")) {
            for (std::size_t i = 0; i < value.size(); ++i) {
                auto fault = look(value[i], schema["items"], fmt::format("{}[{}]", where, i));
                if (!fault.empty()) return fault;
            }
        }
        return value.is_object() ? look_members(value, schema, where) : "";
    }

  private:
    // The first names the members, the others say more of some.
    std::string look_all(const Json& value, const Json& schemas, const std::string& where) const {
        for (std::size_t i = 0; i < schemas.size(); ++i) {
            auto fault = Fitter(closed_ && i == 0).look(value, schemas[i], where);
            if (!fault.empty()) return fault;
        }
        return "";
    }

    std::string look_any(const Json& value, const Json& schemas, const std::string& where) const {
        std::string faults;
        for (const Json& schema : schemas) {
            const std::string fault = look(value, schema, where);
            if (fault.empty()) return "";
            faults += (faults.empty() ? "" : " or ") + fault;
        }
        return faults;
    }

    static bool is_of(const Json& value, const std::string& type) {
        if (type == "integer") return value.is_number_integer();
        return type == (value.is_number() ? "number" : value.type_name());
    }

    static std::string look_text(const std::string& text, const Json& schema,
                                 const std::string& where) {
        const std::string format = schema.value("format", "");
        if (format == "date-time" && !base::from_iso(text)) return where + " is no time: " + text;
        if (format == "email" && text.find('@') == std::string::npos) {
            return where + " is no address: " + text;
        }
        const auto characters = std::count_if(text.begin(), text.end(),
                                              [](char byte) { return (byte & 0xC0) != 0x80; });
        if (characters < schema.value("minLength", 0) ||
            (schema.contains("maxLength") && characters > schema["maxLength"].get<int>())) {
            return fmt::format("{} has {} characters", where, characters);
        }
        return "";
    }

    static std::string look_number(double number, const Json& schema, const std::string& where) {
        const bool low = schema.contains("minimum") && number < schema["minimum"].get<double>();
        const bool high = schema.contains("maximum") && number > schema["maximum"].get<double>();
        return low || high ? fmt::format("{} is out of its bounds: {}", where, number) : "";
    }

    std::string look_members(const Json& value, const Json& schema,
                             const std::string& where) const {
        for (const Json& name : schema.value("required", Json::array())) {
            if (!value.contains(name.get<std::string>())) {
                return fmt::format("{} lacks {}", where, name.get<std::string>());
            }
        }
        const bool open = !schema.contains("properties") || schema.contains("additionalProperties");
        const Json known = schema.value("properties", Json::object());
        for (const auto& [name, member] : value.items()) {
            if (known.contains(name)) {
                auto fault = look(member, known[name], where + "." + name);
                if (!fault.empty()) return fault;
            } else if (closed_ && !open) {
                return fmt::format("{} has the undocumented member {}", where, name);
            }
        }
        return "";
    }

    const bool closed_;
};

bool leads_to(const auth::Route& route, std::string_view method, const std::string& path) {
    if (route.method != method) return false;
    const auto segments = base::split(path, '/');
    const auto pattern = base::split(route.path, '/');
    if (segments.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (!pattern[i].starts_with(':') && pattern[i] != segments[i]) return false;
        if (segments[i].empty() && i > 0) return false;
    }
    return true;
}

// Words win over parameters, as in the server's own table.
const auth::Route* route_of(const Exchange& exchange) {
    const std::string path = exchange.path.substr(0, exchange.path.find('?'));
    const auth::Route* found = nullptr;
    for (const auth::Route& route : auth::routes()) {
        if (!leads_to(route, exchange.method, path)) continue;
        const auto colons = std::count(route.path.begin(), route.path.end(), ':');
        if (found == nullptr || colons < std::count(found->path.begin(), found->path.end(), ':')) {
            found = &route;
        }
    }
    return found;
}

const Json& operation_of(const auth::Route& route) {
    std::string path;
    for (const std::string_view segment : base::split(route.path.substr(1), '/')) {
        path += "/" + (segment.starts_with(':') ? "{" + std::string(segment.substr(1)) + "}"
                                                : std::string(segment));
    }
    return auth::openapi_document()["paths"][path][base::lower_ascii(route.method)];
}

std::string undocumented_body(const Exchange& exchange, const Json& operation) {
    if (exchange.status >= 300 || !operation.contains("requestBody")) return "";
    const Json sent = Json::parse(exchange.sent, nullptr, false);
    if (sent.is_discarded()) return "";
    const Json& schema = operation["requestBody"]["content"]["application/json"]["schema"];
    return Fitter(false).look(sent, schema, "the accepted body");
}

}  // namespace

std::string misfit(const Json& value, const Json& schema, bool closed) {
    return Fitter(closed).look(value, schema, "it");
}

std::string undocumented(const Exchange& exchange) {
    const auth::Route* route = route_of(exchange);
    if (route == nullptr) return "";
    const bool unrouted = std::find(std::begin(before_any_route), std::end(before_any_route),
                                    exchange.status) != std::end(before_any_route);
    const Json& operation = operation_of(*route);
    const Json& answers = operation["responses"];
    const std::string status = std::to_string(exchange.status);
    const bool listed = answers.contains(status);
    if (!listed && !unrouted && exchange.status < 500) return "the status " + status;
    const Json& answer = answers[listed ? status : "default"];
    const bool is_json = exchange.content_type.starts_with("application/json");
    if (is_json && !answer.contains("content")) return status + " with a body";
    if (is_json) {
        const Json& schema = answer["content"]["application/json"]["schema"];
        const std::string fault = Fitter(true).look(exchange.answer, schema, "the answer");
        if (!fault.empty()) return fault;
    }
    return undocumented_body(exchange, operation);
}

}  // namespace tests
