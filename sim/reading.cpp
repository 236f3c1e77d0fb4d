#include "sim/reading.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr int reading_depth_max = 12;
constexpr std::size_t reading_things_max = 500;
constexpr double reading_unmentioned = 0.02;

bool reading_is_word(char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return std::isalnum(byte) != 0 || byte >= 0x80;
}

constexpr std::array<std::string_view, 40> reading_date_words{
    "montag",    "dienstag",  "mittwoch",   "donnerstag", "freitag",  "samstag",  "sonntag",
    "januar",    "februar",   "märz",       "april",      "mai",      "juni",     "juli",
    "august",    "september", "oktober",    "november",   "dezember", "monday",   "tuesday",
    "wednesday", "thursday",  "friday",     "saturday",   "sunday",   "january",  "february",
    "march",     "may",       "june",       "july",       "october",  "december", "jänner",
    "sonnabend", "werktag",   "wochenende", "morgens",    "abends"};

Verb reading_verb(std::string_view tool) {
    const std::string name = base::lower_ascii(tool);
    const auto has = [&name](std::string_view word) {
        return name.find(word) != std::string::npos;
    };
    for (const std::string_view word : {"delete", "remove", "cancel", "archive", "drop"}) {
        if (has(word)) return Verb::drop;
    }
    for (const std::string_view word : {"list", "search", "today", "recent", "get", "read_", "find",
                                        "show", "recap", "consult"}) {
        if (has(word) && !has("mark")) return Verb::look;
    }
    for (const std::string_view word : {"update", "complete", "mark", "edit", "set", "resolve",
                                        "rename", "pin", "reorder", "progress"}) {
        if (has(word)) return Verb::change;
    }
    return Verb::make;
}

bool reading_is_id_name(std::string_view name) {
    return name == "id" || name.ends_with("_id") || name.ends_with("Id");
}

bool reading_needs_id(const base::Json& schema) {
    if (!schema.is_object() || !schema.contains("required")) return false;
    for (const base::Json& name : schema["required"]) {
        if (name.is_string() && reading_is_id_name(name.get_ref<const std::string&>())) return true;
    }
    return false;
}

std::string reading_label(const base::Json& object) {
    for (const char* name : {"title", "name", "label", "subject", "content", "text", "lastName",
                             "firstName", "notes"}) {
        const std::string_view text = text_member(object, name);
        if (!text.empty()) return base::cut(text, 80);
    }
    return {};
}

bool reading_settled(const base::Json& object) {
    for (const char* name : {"isCompleted", "completed", "isArchived", "archived", "done"}) {
        const auto flag = object.find(name);
        if (flag != object.end() && *flag == true) return true;
    }
    const std::string_view status = text_member(object, "status");
    return status == "done" || status == "completed" || status == "archived" ||
           status == "cancelled" || status == "finished";
}

void reading_collect(const base::Json& value, const std::string& module, std::vector<Thing>& things,
                     int depth) {
    if (depth > reading_depth_max || things.size() >= reading_things_max) return;
    if (value.is_object()) {
        const std::string_view id = text_member(value, "id");
        if (!id.empty()) {
            things.push_back({.module = module,
                              .id = std::string(id),
                              .label = reading_label(value),
                              .settled = reading_settled(value)});
            return;  // What lies inside belongs to this thing.
        }
        for (const auto& [name, inner] : value.items()) {
            reading_collect(inner, module, things, depth + 1);
        }
    } else if (value.is_array()) {
        for (const base::Json& inner : value) reading_collect(inner, module, things, depth + 1);
    }
}

// Tool results are text that usually is, or ends in, JSON.
void reading_collect_text(std::string_view text, const std::string& module,
                          std::vector<Thing>& things) {
    for (const char opening : {'{', '['}) {
        const std::size_t from = text.find(opening);
        if (from == std::string_view::npos) continue;
        const std::size_t end = text.rfind(opening == '{' ? '}' : ']');
        if (end == std::string_view::npos || end < from) continue;
        const auto value = base::try_parse_json(text.substr(from, end - from + 1));
        if (!value) continue;
        reading_collect(*value, module, things, 0);
        return;
    }
}

// A later sight of the same thing replaces the earlier one; a call that worked on it settles it.
void reading_settle(std::vector<Thing>& things, const std::set<std::string>& worked_on) {
    std::map<std::string, Thing> latest;
    for (Thing& thing : things) {
        Thing& known = latest[thing.id];
        if (thing.label.empty()) thing.label = known.label;
        thing.settled = thing.settled || worked_on.contains(thing.id);
        known = std::move(thing);
    }
    things.clear();
    for (auto& [id, thing] : latest) things.push_back(std::move(thing));
    std::sort(things.begin(), things.end(),
              [](const Thing& left, const Thing& right) { return left.label < right.label; });
}

void reading_add_calls(Reading& reading, const base::Json& body) {
    std::map<std::string, std::size_t> by_id;
    std::set<std::string> worked_on;
    for (const WireTurn& turn : turns_of(body)) {
        for (const WireBlock& block : turn.blocks) {
            const std::string_view type = type_of(*block.json);
            if (type == "tool_use") {
                const std::string tool(text_member(*block.json, "name"));
                by_id.emplace(text_member(*block.json, "id"), reading.calls.size());
                reading.calls.push_back({.tool = tool,
                                         .module = module_of(tool),
                                         .result = {},
                                         .failed = false,
                                         .turn = reading.turns});
                if (reading_verb(tool) != Verb::look) {
                    const std::string_view id = text_member((*block.json)["input"], "id");
                    if (!id.empty()) worked_on.emplace(id);
                }
            } else if (type == "tool_result") {
                const auto call = by_id.find(std::string(text_member(*block.json, "tool_use_id")));
                if (call == by_id.end()) continue;
                PastCall& past = reading.calls[call->second];
                past.failed = block.json->value("is_error", base::Json(false)) == true;
                if (block.json->contains("content")) {
                    past.result = joined_text((*block.json)["content"]);
                }
                if (!past.failed) {
                    reading_collect_text(past.result, past.module, reading.things);
                }
            }
        }
        if (turn.role == "assistant") ++reading.turns;
    }
    reading_settle(reading.things, worked_on);
}

std::string reading_find_day(std::string_view text) {
    const auto is_digit = [&](std::size_t at) {
        return at < text.size() && text[at] >= '0' && text[at] <= '9';
    };
    for (std::size_t at = 0; at + 10 <= text.size(); ++at) {
        bool matches = true;
        for (std::size_t offset = 0; offset < 10; ++offset) {
            const bool dash = offset == 4 || offset == 7;
            if (dash ? text[at + offset] != '-' : !is_digit(at + offset)) matches = false;
        }
        if (matches) return std::string(text.substr(at, 10));
    }
    return {};
}

// "21. November 2026"
std::string reading_find_german_day(std::string_view text) {
    static constexpr std::array<std::string_view, 12> months{
        "Januar", "Februar", "März",      "April",   "Mai",      "Juni",
        "Juli",   "August",  "September", "Oktober", "November", "Dezember"};
    for (std::size_t month = 0; month < months.size(); ++month) {
        const std::size_t at = text.find(". " + std::string(months[month]) + " ");
        if (at == std::string_view::npos || at < 1) continue;
        const std::size_t from =
            at >= 2 && std::isdigit(static_cast<unsigned char>(text[at - 2])) ? at - 2 : at - 1;
        const int day = leading_number(text.substr(from, at - from));
        const std::size_t year_at = at + 2 + months[month].size() + 1;
        const int year = leading_number(text.substr(std::min(year_at, text.size()), 4));
        if (day < 1 || day > 31 || year < 2000 || year > 9999) continue;
        std::string iso = std::to_string(year) + "-";
        iso += (month + 1 < 10 ? "0" : "") + std::to_string(month + 1) + "-";
        return iso + (day < 10 ? "0" : "") + std::to_string(day);
    }
    return {};
}

// The number that belongs to a word that ends here: "todo 0.3", "todo (30 %)", "todo": 0.3.
double reading_number_after(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size() && at < 12 && std::isdigit(static_cast<unsigned char>(text[at])) == 0) {
        if (std::isalpha(static_cast<unsigned char>(text[at])) != 0 || text[at] == '\n' ||
            text[at] == ',' || text[at] == ';') {
            return -1;
        }
        ++at;
    }
    if (at >= text.size() || std::isdigit(static_cast<unsigned char>(text[at])) == 0) return -1;
    std::string digits;
    while (at < text.size() && digits.size() < 12) {
        const bool is_point = (text[at] == '.' || text[at] == ',') && at + 1 < text.size() &&
                              std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0;
        if (std::isdigit(static_cast<unsigned char>(text[at])) == 0 && !is_point) break;
        digits += text[at] == ',' ? '.' : text[at];
        ++at;
    }
    double number = std::strtod(digits.c_str(), nullptr);
    while (at < text.size() && text[at] == ' ') ++at;
    if (at < text.size() && text[at] == '%') number /= 100;
    return number;
}

}  // namespace

std::string masked(std::string_view text) {
    std::string result;
    std::size_t at = 0;
    while (at < text.size()) {
        if (!reading_is_word(text[at])) {
            result += text[at++];
            continue;
        }
        std::size_t end = at;
        bool has_digit = false;
        while (end < text.size() && reading_is_word(text[end])) {
            has_digit = has_digit || std::isdigit(static_cast<unsigned char>(text[end])) != 0;
            ++end;
        }
        const std::string word = base::lower_ascii(text.substr(at, end - at));
        const bool is_date = std::find(reading_date_words.begin(), reading_date_words.end(),
                                       word) != reading_date_words.end();
        // Pieces of hexadecimal ids may lack digits, but then they are no longer than four letters;
        // anything with a digit goes, and random ids are one long word.
        if (!has_digit && !is_date) result += word;
        at = end;
    }
    return result;
}

std::string module_of(std::string_view tool) {
    const std::size_t server = tool.rfind("__");
    if (server != std::string_view::npos && server + 2 < tool.size())
        tool.remove_prefix(server + 2);
    std::size_t end = tool.find_first_of("_.-/");
    if (end == std::string_view::npos || end == 0) {
        end = 0;
        while (end < tool.size() && std::isupper(static_cast<unsigned char>(tool[end])) == 0) ++end;
    }
    return std::string(tool.substr(0, end));
}

std::vector<std::pair<std::string, double>> read_weights(const std::vector<std::string>& modules,
                                                         std::string_view text) {
    const std::string lower = base::lower_ascii(text);
    std::vector<std::pair<std::string, double>> weights;
    double smallest = 0;
    for (const std::string& module : modules) {
        double weight = 0;  // 0: not mentioned, -1: mentioned without a number.
        const std::string word = base::lower_ascii(module);
        for (std::size_t at = lower.find(word); at != std::string::npos && weight <= 0;
             at = lower.find(word, at + 1)) {
            const std::size_t end = at + word.size();
            const bool whole = (at == 0 || !reading_is_word(lower[at - 1])) &&
                               (end >= lower.size() || !reading_is_word(lower[end]));
            if (!whole) continue;
            const double number = reading_number_after(std::string_view(lower).substr(end));
            weight = number > 0 ? number : -1;
        }
        if (weight > 0 && (smallest == 0 || weight < smallest)) smallest = weight;
        weights.emplace_back(module, weight);
    }
    double total = 0;
    for (auto& [module, weight] : weights) {
        if (weight < 0) weight = smallest > 0 ? smallest / 2 : 1;
        if (weight == 0) weight = smallest > 0 ? smallest * 0.05 : reading_unmentioned;
        total += weight;
    }
    for (auto& [module, weight] : weights) weight /= total;
    return weights;
}

Reading read_conversation(const base::Json& body) {
    Reading reading;
    const std::string system =
        body.contains("system") ? joined_text(body["system"]) : std::string{};
    std::string first_user;
    for (const base::Json& message : body["messages"]) {
        if (text_member(message, "role") != "user") continue;
        const std::string text = joined_text(message["content"]);
        if (first_user.empty()) first_user = text;
        if (!text.empty()) reading.last_user = text;
    }
    reading.persona = masked(system);
    reading.key = reading.persona + "\n" + masked(first_user);
    reading.theme = theme_of(system);
    std::string day = reading_find_day(first_user);
    if (day.empty()) day = reading_find_german_day(first_user);
    if (!day.empty()) reading.day = day;

    std::vector<std::string> modules;
    if (body.contains("tools")) {
        for (const base::Json& tool : body["tools"]) {
            ToolOffer offer{.name = std::string(text_member(tool, "name")),
                            .module = module_of(text_member(tool, "name")),
                            .verb = reading_verb(text_member(tool, "name")),
                            .needs_id = reading_needs_id(tool["input_schema"]),
                            .schema = &tool["input_schema"]};
            if (std::find(modules.begin(), modules.end(), offer.module) == modules.end()) {
                modules.push_back(offer.module);
            }
            reading.tools.push_back(std::move(offer));
        }
    }
    std::sort(reading.tools.begin(), reading.tools.end(),
              [](const ToolOffer& left, const ToolOffer& right) { return left.name < right.name; });
    std::sort(modules.begin(), modules.end());
    reading.weights = read_weights(modules, system + "\n" + first_user);
    reading_add_calls(reading, body);
    return reading;
}

}  // namespace sim
