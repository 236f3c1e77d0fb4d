#include "auth/account/product.hpp"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Json;

constexpr auto product_deadline = std::chrono::seconds(5);
constexpr auto product_export_deadline = std::chrono::seconds(25);

struct Project {
    std::string_view id, name, icon;
};

constexpr auto known_projects = std::to_array<Project>({
    {"todo", "Todo", "✅"},
    {"chat", "Chat", "💬"},
    {"calendar", "Calendar", "📅"},
    {"clock", "Clock", "⏰"},
    {"contacts", "Contacts", "👥"},
    {"cards", "Cards", "🃏"},
    {"picture", "Picture", "🖼️"},
    {"quotes", "Quotes", "❝"},
    {"presi", "Presi", "📽️"},
    {"inventory", "Inventory", "📦"},
    {"food", "Food", "🍽️"},
    {"plants", "Plants", "🌱"},
    {"storage", "Storage", "💾"},
    {"questions", "Questions", "❓"},
    {"music", "Music", "🎵"},
    {"context", "Context", "🧭"},
    {"photos", "Photos", "📷"},
    {"skilltree", "Skilltree", "🌳"},
    {"citycorners", "Citycorners", "🏙️"},
    {"times", "Times", "⏱️"},
    {"uload", "uLoad", "⬆️"},
    {"calc", "Calc", "🧮"},
    {"mana", "Mana", "✨"},
});

// The body of a good answer; `error` says why there is none, for logs and pages.
std::optional<std::string> product_fetch(const Options& options, const std::string& method,
                                         const std::string& url, const std::string& body,
                                         std::chrono::milliseconds deadline, std::string& error) {
    base::HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers = {{"X-Service-Key", options.service_key.reveal()}, {"X-App-Id", "mana-auth"}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
    request.deadline = deadline;
    request.connect_limit = product_deadline / 2;
    request.body_bytes_max = std::size_t{64} * 1024 * 1024;
    try {
        base::HttpResponse answer = base::fetch(request);
        if (answer.status == 200) return std::move(answer.body);
        error = "the service answered " + std::to_string(answer.status);
    } catch (const base::Failure& failure) {
        // The page says that this part is missing; the log says why.
        base::log_warning("other service not asked", {{"reason", failure.what()}});
        error = "the service does not answer";
    }
    return std::nullopt;
}

std::string product_text(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t product_count(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::optional<Json> product_ask(const Options& options, const std::string& method,
                                const std::string& url, const std::string& body,
                                std::chrono::milliseconds deadline, std::string& error) {
    const auto text = product_fetch(options, method, url, body, deadline, error);
    if (!text) return std::nullopt;
    auto json = base::try_parse_json(*text);
    if (json && json->is_object()) return json;
    error = "the service answered something else than JSON";
    return std::nullopt;
}

// Lines of JSON up to one of the kind "end"; nothing when that one is missing.
std::optional<Json> product_rows(const std::string& lines) {
    Json rows = Json::array();
    for (const std::string_view line : base::split(lines, '\n')) {
        auto row = base::try_parse_json(line);
        if (!row || !row->is_object()) return std::nullopt;
        if (product_text(*row, "kind") == "end") {
            const bool whole =
                product_count(*row, "rows") == static_cast<std::int64_t>(rows.size());
            return whole ? std::optional(std::move(rows)) : std::nullopt;
        }
        rows.push_back(std::move(*row));
    }
    return std::nullopt;
}

std::string product_url(const Options& options) {
    return options.product_url ? options.product_url() : "";
}

std::string product_path(std::string_view user_id, const char* what) {
    return "/internal/users/" + base::url_encode(user_id) + what;
}

Json product_project(std::string_view id, std::string_view name, std::string_view icon,
                     const std::vector<Json>& tables, const std::string& error) {
    Json project = {
        {"projectId", id}, {"projectName", name}, {"icon", icon}, {"available", error.empty()}};
    if (!error.empty()) project["error"] = error;
    project["entities"] = Json::array();
    std::int64_t total = 0;
    std::string last;
    for (const Json& table : tables) {
        const std::string entity = product_text(table, "table");
        const std::int64_t count = product_count(table, "count");
        total += count;
        last = std::max(last, product_text(table, "lastAt"));
        project["entities"].push_back(
            {{"entity", entity}, {"count", count}, {"label", label_of_table(entity)}});
    }
    project["totalCount"] = total;
    if (!last.empty()) project["lastActivityAt"] = last;
    return project;
}

}  // namespace

std::string label_of_table(std::string_view table) {
    std::string label;
    for (const char letter : table) {
        const bool capital = letter >= 'A' && letter <= 'Z';
        if (letter == '_' || (capital && !label.empty() && label.back() != ' ')) label += ' ';
        if (letter != '_') label += letter;
    }
    if (!label.empty() && label[0] >= 'a' && label[0] <= 'z') {
        label[0] = static_cast<char>(label[0] - 'a' + 'A');
    }
    return label;
}

Json fetch_projects(const Options& options, std::string_view user_id) {
    std::map<std::string, std::vector<Json>> apps;
    std::string error;
    const std::string url = product_url(options);
    if (url.empty()) {
        error = "no product is configured";
    } else if (const auto answer =
                   product_ask(options, "GET", url + product_path(user_id, "/summary"), "",
                               product_deadline, error)) {
        const auto tables = answer->find("tables");
        if (tables != answer->end() && tables->is_array()) {
            for (const Json& table : *tables) apps[product_text(table, "app")].push_back(table);
        }
    }
    Json projects = Json::array();
    for (const Project& project : known_projects) {
        const auto found = apps.find(std::string(project.id));
        projects.push_back(
            product_project(project.id, project.name, project.icon,
                            found == apps.end() ? std::vector<Json>{} : found->second, error));
        if (found != apps.end()) apps.erase(found);
    }
    for (const auto& [id, tables] : apps) {
        projects.push_back(product_project(id, id, "📁", tables, error));
    }
    return projects;
}

Json fetch_records(const Options& options, std::string_view user_id) {
    std::string error;
    const std::string url = product_url(options);
    if (url.empty()) return {{"available", false}, {"error", "no product is configured"}};
    const auto lines = product_fetch(options, "GET", url + product_path(user_id, "/records"), "",
                                     product_export_deadline, error);
    auto rows = lines ? product_rows(*lines) : std::nullopt;
    if (lines && !rows) error = "the export was cut; ask for it again";
    if (!rows) return {{"available", false}, {"error", error}};
    return {{"available", true}, {"rows", std::move(*rows)}};
}

Json fetch_credits(const Options& options, std::string_view user_id) {
    std::optional<Json> answer;
    std::string error;
    if (!options.credits_url.empty()) {
        answer = product_ask(
            options, "GET",
            options.credits_url + "/api/v1/internal/credits/balance/" + base::url_encode(user_id),
            "", product_deadline, error);
    }
    Json credits = Json::object();
    for (const char* name : {"balance", "totalEarned", "totalSpent", "transactionsCount"}) {
        const bool known = answer && answer->contains(name) && (*answer)[name].is_number();
        credits[name] = known ? (*answer)[name] : Json(0);
    }
    credits["available"] = answer.has_value();
    return credits;
}

Singletons ensure_singletons(const Options& options, std::string_view user_id,
                             const std::string& personal_space, const Json& space_ids) {
    Singletons made;
    std::string error;
    std::optional<Json> answer;
    const std::string url = product_url(options);
    if (!url.empty()) {
        const Json wish = {{"personalSpace", personal_space}, {"spaces", space_ids}};
        answer = product_ask(options, "POST", url + product_path(user_id, "/singletons"),
                             base::to_text(wish), product_deadline, error);
    }
    const auto state = [](const Json& object, const std::string& name) -> std::string {
        const std::string word = product_text(object, name.c_str());
        return word == "written" || word == "existed" ? word : "failed";
    };
    const Json told = answer ? *answer : Json::object();
    const std::string user = state(told, "userContext");
    Json spaces = Json::object();
    const Json told_spaces = told.contains("spaces") ? told["spaces"] : Json::object();
    for (const Json& id : space_ids) {
        const std::string name = id.get<std::string>();
        spaces[name] = told_spaces.is_object() ? state(told_spaces, name) : "failed";
    }
    made.user_part_failed = user == "failed";
    made.answer = {{"userContext", user}, {"spaces", std::move(spaces)}};
    return made;
}

}  // namespace auth
