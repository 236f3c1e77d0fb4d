#include "auth/openapi/document.hpp"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "auth/api.hpp"
#include "auth/envelope.hpp"
#include "auth/openapi/notation.hpp"
#include "auth/openapi/notes.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Json;

using Refusals = std::map<int, std::set<std::string>>;

template <class Handler>
bool document_is(const Route& route) {
    return std::holds_alternative<Handler>(route.handler);
}

const std::map<std::string, RouteNote>& document_notes() {
    static const std::map<std::string, RouteNote> notes = [] {
        std::map<std::string, RouteNote> all;
        for (const RouteNote& note : route_notes()) all.emplace(note.route, note);
        return all;
    }();
    return notes;
}

std::string document_name(const Route& route) {
    return std::string(route.method) + " " + std::string(route.path);
}

// "400 A B, 403 C" -> the map.
void document_add(Refusals& refusals, std::string_view errors) {
    int status = 0;
    std::string word;
    const auto settle = [&] {
        if (word.empty()) return;
        int number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        const bool digits = error == std::errc() && end == word.data() + word.size();
        if (digits) {
            status = number;
            refusals[status];
        } else {
            refusals[status].insert(word);
        }
        word.clear();
    };
    for (const char letter : errors) {
        if (letter == ' ' || letter == ',') {
            settle();
        } else {
            word += letter;
        }
    }
    settle();
}

// What follows from a row of the table.
void document_add_common(Refusals& refusals, const Route& route, bool has_body) {
    const Family family = family_of(route.path);
    const bool changes = route.method != "GET";
    const bool parameters = route.path.find(':') != std::string_view::npos;
    document_add(refusals, "429 RATE_LIMITED, 503 SERVICE_UNAVAILABLE");
    if (!document_is<OpenHandler>(route)) document_add(refusals, "401 UNAUTHORIZED");
    if (document_is<AdminHandler>(route)) document_add(refusals, "403 FORBIDDEN");
    if (has_body) document_add(refusals, "408, 413");
    if (has_body || !route.query.empty() || parameters || document_is<AdminHandler>(route) ||
        document_is<ServiceHandler>(route)) {
        document_add(refusals,
                     family == Family::custom ? "400 VALIDATION" : "400 VALIDATION_ERROR");
    }
    // As dispatch.cpp does: administrators and services show no cookies.
    if (!changes || (family == Family::guarded && !document_is<UserHandler>(route))) return;
    document_add(refusals,
                 "403 INVALID_ORIGIN MISSING_OR_NULL_ORIGIN "
                 "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED");
    document_add(refusals,
                 family == Family::custom ? "415 VALIDATION" : "415 UNSUPPORTED_MEDIA_TYPE");
}

Refusals document_refusals(const Route& route, const RouteNote* note) {
    Refusals refusals;
    const bool has_body = note == nullptr ? route.method != "GET" : !note->body.empty();
    document_add_common(refusals, route, has_body);
    if (note != nullptr) document_add(refusals, note->errors);
    return refusals;
}

const char* document_error_shape(Family family) {
    switch (family) {
        case Family::custom: return "CustomError";
        case Family::native: return "NativeError";
        case Family::guarded: return "GuardedError";
    }
    base::unreachable("a family outside its enumerators");
}

Json document_refusal(Family family, const std::set<std::string>& codes) {
    Json schema = {{"$ref", std::string("#/components/schemas/") + document_error_shape(family)}};
    std::string description = "Refused";
    if (!codes.empty()) {
        Json values = Json::array();
        for (const std::string& code : codes) {
            values.push_back(code);
            description += (values.size() == 1 ? ": " : ", ") + code;
        }
        const char* member = family == Family::custom ? "error" : "code";
        schema = {
            {"allOf",
             {schema,
              {{"properties", {{member, {{"type", "string"}, {"enum", std::move(values)}}}}}}}}};
    }
    return {{"description", description},
            {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
}

// One answer of a note: "201 {id:text}", "{id:text}" or "302".
void document_add_answer(Json& answers, std::string_view answer) {
    std::string status = "200";
    if (!answer.empty() && answer[0] >= '1' && answer[0] <= '9') {
        status = answer.substr(0, 3);
        answer = base::trim(answer.substr(3));
    }
    const bool leads_on = status[0] == '3';
    answers[status] = {{"description", leads_on ? "On to another page" : "Done"}};
    if (answer.empty()) return;
    answers[status]["content"] = {{"application/json", {{"schema", schema_of(answer)}}}};
}

Json document_answers(const Route& route, const RouteNote* note) {
    Json answers = Json::object();
    const std::string_view told = note == nullptr ? "any" : note->answer;
    for (const std::string_view answer : base::split(told, ';')) {
        document_add_answer(answers, base::trim(answer));
    }
    const Family family = family_of(route.path);
    for (const auto& [refused, codes] : document_refusals(route, note)) {
        answers[std::to_string(refused)] = document_refusal(family, codes);
    }
    answers["default"] = document_refusal(family, {});
    return answers;
}

// "/users/:id" -> "/users/{id}"; the names are added to `names`.
std::string document_path(std::string_view path, std::vector<std::string>& names) {
    std::string shown;
    for (const std::string_view segment : base::split(path.substr(1), '/')) {
        shown += '/';
        if (segment.starts_with(':')) {
            names.emplace_back(segment.substr(1));
            shown += "{" + names.back() + "}";
        } else {
            shown += segment;
        }
    }
    return shown;
}

Json document_parameters(const Route& route, const std::vector<std::string>& names) {
    Json parameters = Json::array();
    const Json text = {{"type", "string"}};
    for (const std::string& name : names) {
        parameters.push_back(
            {{"name", name}, {"in", "path"}, {"required", true}, {"schema", text}});
    }
    if (route.query.empty()) return parameters;
    for (const std::string_view name : base::split(route.query, ' ')) {
        parameters.push_back({{"name", name}, {"in", "query"}, {"schema", text}});
    }
    return parameters;
}

Json document_security(const Route& route) {
    const Json none = Json::object();
    if (document_is<OpenHandler>(route)) return Json::array({none});
    if (document_is<ServiceHandler>(route)) {
        return Json::array({Json{{"serviceKey", Json::array()}}});
    }
    const Json jwt = {{"accessToken", Json::array()}};
    if (document_is<AdminHandler>(route)) return Json::array({jwt});
    return Json::array(
        {Json{{"sessionCookie", Json::array()}}, Json{{"sessionToken", Json::array()}}, jwt});
}

Json document_operation(const Route& route, const std::vector<std::string>& names) {
    const RouteNote* note = note_of(route);
    std::string id = base::lower_ascii(route.method);
    for (const char letter : route.path) {
        const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
        if (plain || !id.ends_with('_')) id += plain ? letter : '_';
    }
    const auto segments = base::split(route.path.substr(1), '/');
    const std::size_t tag = segments.size() > 2 && segments[1] == "v1" ? 2 : 1;
    Json operation = {
        {"operationId", id},
        {"summary", note == nullptr ? std::string(route.path) : std::string(note->summary)},
        {"tags", {segments.size() > tag ? segments[tag] : segments.back()}},
        {"security", document_security(route)}};
    Json parameters = document_parameters(route, names);
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    if (note != nullptr && !note->body.empty()) {
        Json schema = schema_of(note->body);
        const bool required = schema.contains("required") || !schema.contains("properties");
        operation["requestBody"] = {
            {"required", required},
            {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
    }
    operation["responses"] = document_answers(route, note);
    return operation;
}

Json document_components() {
    Json schemas = Json::object();
    for (const NamedShape& shape : named_shapes()) {
        schemas[std::string(shape.name)] = schema_of(shape.shape);
    }
    return {
        {"securitySchemes",
         {{"sessionCookie", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "mana.session_token"}}},
          {"sessionToken",
           {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "session token"}}},
          {"accessToken", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}},
          {"serviceKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-Service-Key"}}}}},
        {"schemas", std::move(schemas)}};
}

Json document_made() {
    Json paths = Json::object();
    for (const Route& route : routes()) {
        std::vector<std::string> names;
        const std::string path = document_path(route.path, names);
        paths[path][base::lower_ascii(route.method)] = document_operation(route, names);
    }
    return {{"openapi", "3.1.0"},
            {"info",
             {{"title", "Mana auth service"},
              {"version", PERSONA_RUNNER_VERSION},
              {"description",
               "Identities, spaces, personas. Compatible with better-auth's client "
               "under /api/auth."}}},
            {"servers", {{{"url", "/"}}}},
            {"paths", std::move(paths)},
            {"components", document_components()}};
}

}  // namespace

std::vector<RouteNote> route_notes() {
    std::vector<RouteNote> all;
    for (const auto& room :
         {identity_notes(), key_notes(), password_notes(), address_notes(), profile_notes(),
          factors_notes(), api_keys_notes(), account_notes(), spaces_notes(),
          administration_notes(), personas_notes(), openapi_notes()}) {
        all.insert(all.end(), room.begin(), room.end());
    }
    return all;
}

const Json& openapi_document() {
    static const Json document = document_made();
    return document;
}

const RouteNote* note_of(const Route& route) {
    const auto found = document_notes().find(document_name(route));
    return found == document_notes().end() ? nullptr : &found->second;
}

std::map<int, std::set<std::string>> refusals_of(const Route& route) {
    return document_refusals(route, note_of(route));
}

bool is_promised(const Route& route, int status, std::string_view code) {
    const RouteNote* note = note_of(route);
    // Bugs are promised by nobody's note: the default answer of every route stands for them.
    if (note == nullptr || status >= 500) return true;
    const Refusals refusals = document_refusals(route, note);
    const auto found = refusals.find(status);
    return found != refusals.end() && (code.empty() || found->second.contains(std::string(code)));
}

}  // namespace auth
