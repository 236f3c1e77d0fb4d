#include "sim/verdict.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sim/dice.hpp"
#include "sim/filling.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t verdict_number_within = 16;  // An action's number stands early in its line.
constexpr std::size_t verdict_modules_max = 64;

constexpr std::array<std::string_view, 7> verdict_good_words{
    "ok", "erfolgreich", "geklappt", "success", "erledigt", "gelungen", "true"};
constexpr std::array<std::string_view, 13> verdict_bad_words{
    "error",   "fehler",  "failed",     "fehlgeschlagen", "ungültig",      "abgelehnt", "unbekannt",
    "unknown", "iserror", "misslungen", "gescheitert",    "keine antwort", "no answer"};

bool verdict_is_letter(char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return std::isalnum(byte) != 0 || byte >= 0x80;
}

std::size_t verdict_find_word(std::string_view text, std::string_view word, std::size_t from = 0) {
    for (std::size_t at = text.find(word, from); at != std::string_view::npos;
         at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool whole = (at == 0 || !verdict_is_letter(text[at - 1])) &&
                           (end >= text.size() || !verdict_is_letter(text[end]));
        if (whole) return at;
    }
    return std::string_view::npos;
}

template <class Words>
std::size_t verdict_first_of(std::string_view text, const Words& words, std::size_t from) {
    std::size_t first = std::string_view::npos;
    for (const std::string_view word : words) {
        first = std::min(first, verdict_find_word(text, word, from));
    }
    return first;
}

std::optional<int> verdict_line_number(std::string_view line) {
    const std::size_t at = line.find_first_of("0123456789");
    if (at == std::string_view::npos || at > verdict_number_within) return std::nullopt;
    const int number = leading_number(line.substr(at, 6));
    if (number < 0 || number > 99'999) return std::nullopt;
    return number;
}

Evidence* verdict_evidence_in(std::vector<Evidence>& all, std::string_view line,
                              std::size_t& name_at) {
    Evidence* found = nullptr;
    name_at = std::string_view::npos;
    for (Evidence& one : all) {
        const std::size_t at = verdict_find_word(line, base::lower_ascii(one.module));
        if (at < name_at) {
            name_at = at;
            found = &one;
        }
    }
    return found;
}

// "Module: todo, notes" or "Bewerte diese Bereiche: …": the words behind the colon.
std::vector<std::string> verdict_listed_modules(std::string_view text) {
    std::vector<std::string> modules;
    for (const std::string_view line : base::split(text, '\n')) {
        const std::string lower = base::lower_ascii(line);
        const std::size_t word = std::min(lower.find("modul"), lower.find("bereich"));
        const std::size_t colon = line.find(':', word == std::string::npos ? line.size() : word);
        if (word == std::string::npos || colon == std::string_view::npos) continue;
        for (const std::string_view part : base::split(line.substr(colon + 1), ',')) {
            std::string_view name = base::trim(part);
            while (!name.empty() && !verdict_is_letter(name.front())) name.remove_prefix(1);
            std::size_t end = 0;
            while (end < name.size() && (verdict_is_letter(name[end]) || name[end] == '-')) ++end;
            const std::string_view tail = base::trim(name.substr(end));
            // Prose behind a colon is no list of names.
            if (end == 0 || (!tail.empty() && verdict_is_letter(tail.front()))) continue;
            modules.emplace_back(name.substr(0, end));
        }
        if (!modules.empty()) return modules;
    }
    return modules;
}

// Prefixes of tool-like words ("todo_create", "todo.create") in numbered lines.
std::vector<std::string> verdict_used_modules(std::string_view text) {
    std::vector<std::string> modules;
    for (const std::string_view line : base::split(text, '\n')) {
        if (!verdict_line_number(base::trim(line))) continue;
        for (std::size_t at = 1; at + 1 < line.size(); ++at) {
            const bool joint = line[at] == '_' || line[at] == '.';
            if (!joint || std::isalpha(static_cast<unsigned char>(line[at - 1])) == 0 ||
                std::isalpha(static_cast<unsigned char>(line[at + 1])) == 0) {
                continue;
            }
            std::size_t from = at;
            while (from > 0 && std::isalpha(static_cast<unsigned char>(line[from - 1])) != 0)
                --from;
            const std::string module(line.substr(from, at - from));
            if (std::find(modules.begin(), modules.end(), module) == modules.end()) {
                modules.push_back(module);
            }
            break;
        }
    }
    return modules;
}

std::string verdict_numbers(const std::vector<int>& numbers) {
    return fmt::format("{}", fmt::join(numbers, ", "));
}

struct Judge {
    const base::Json& root;
    const Reading& reading;
    const std::vector<Evidence>& evidence;
    std::uint64_t seed;

    int score(const Evidence& one) const {
        Dice dice(seed, reading.key + "\nscore " + one.module);
        int result = 3 + (one.good.empty() ? 0 : 1);
        if (one.good.size() >= 3 || (one.good.size() == 2 && dice.chance(0.5))) ++result;
        result -= static_cast<int>(std::min<std::size_t>(one.bad.size(), 3));
        if (reading.theme == Theme::newcomer && dice.chance(0.5)) --result;
        return std::clamp(result, 1, 5);
    }

    std::string note(const Evidence& one) const {
        if (one.good.empty() && one.bad.empty()) {
            return "Heute kaum benutzt, deshalb nur ein Bauchgefühl.";
        }
        Dice dice(seed, reading.key + "\nnote " + one.module);
        std::string text;
        if (!one.good.empty()) {
            text = fmt::format("{} (Aktion {}).", praise(reading.theme, dice),
                               verdict_numbers(one.good));
        }
        if (!one.bad.empty()) {
            if (!text.empty()) text += ' ';
            text += fmt::format("{} (Aktion {}).", complaint(reading.theme, dice),
                                verdict_numbers(one.bad));
        }
        return text;
    }

    base::Json numbers(const Evidence& one) const {
        std::vector<int> all = one.good;
        all.insert(all.end(), one.bad.begin(), one.bad.end());
        std::sort(all.begin(), all.end());
        return all;
    }

    base::Json enumerated(const base::Json& words, const Evidence& one) const;
    base::Json member(const std::string& name, const base::Json& raw, const Evidence& one) const;
    base::Json item(const base::Json& schema, const Evidence& one) const;
    base::Json value(const base::Json& raw, int depth) const;
    bool describes_module(const base::Json& schema) const;
};

bool verdict_is_module_name(const std::string& name) {
    const std::string lower = base::lower_ascii(name);
    return lower.starts_with("modul") || lower == "name" || lower == "area" || lower == "bereich";
}

base::Json Judge::enumerated(const base::Json& words, const Evidence& one) const {
    for (const base::Json& word : words) {
        if (word == one.module) return word;
    }
    const int points = score(one);
    std::vector<const base::Json*> usable;
    for (const base::Json& word : words) {
        if (word.is_null()) continue;
        const bool same_number = word.is_number() && word == points;
        if (same_number || word == std::to_string(points)) return word;
        usable.push_back(&word);
    }
    if (usable.empty()) return nullptr;
    // A scale of words: assumed to rise from bad to good.
    return *usable[static_cast<std::size_t>(points - 1) * (usable.size() - 1) / 4];
}

base::Json Judge::member(const std::string& name, const base::Json& raw,
                         const Evidence& one) const {
    const base::Json& schema = resolve_schema(root, raw);
    if (schema.is_object() && schema.contains("const")) return schema["const"];
    if (schema.is_object() && schema.contains("enum")) return enumerated(schema["enum"], one);
    const std::string type = schema_type(schema);
    if (type == "integer" || type == "number") return score(one);
    if (type == "array") {
        const base::Json& inner =
            schema.contains("items") ? resolve_schema(root, schema["items"]) : schema;
        const std::string inner_type = schema_type(inner);
        if (inner_type == "integer" || inner_type == "number") return numbers(one);
        return base::Json::array();
    }
    if (type == "string" || type.empty()) {
        return verdict_is_module_name(name) ? one.module : note(one);
    }
    return fill_schema(raw, reading, Dice(seed, reading.key + name));
}

base::Json Judge::item(const base::Json& raw, const Evidence& one) const {
    const base::Json& schema = resolve_schema(root, raw);
    base::Json result = base::Json::object();
    for (const auto& [name, inner] : schema["properties"].items()) {
        result[name] = member(name, inner, one);
    }
    return result;
}

bool Judge::describes_module(const base::Json& raw) const {
    const base::Json& schema = resolve_schema(root, raw);
    if (!schema.is_object() || !schema.contains("properties")) return false;
    for (const auto& [name, inner] : schema["properties"].items()) {
        if (verdict_is_module_name(name)) return true;
    }
    return false;
}

base::Json Judge::value(const base::Json& raw, int depth) const {
    const base::Json& schema = resolve_schema(root, raw);
    const std::string type = schema_type(schema);
    if (type == "array" && schema.contains("items") && describes_module(schema["items"])) {
        base::Json list = base::Json::array();
        for (const Evidence& one : evidence) list.push_back(item(schema["items"], one));
        return list;
    }
    if (type != "object" || !schema.contains("properties") || depth > 6) {
        return fill_schema(raw, reading, Dice(seed, reading.key + "\nvalue"));
    }
    base::Json result = base::Json::object();
    for (const auto& [name, inner] : schema["properties"].items()) {
        // The other common shape: one property per module.
        const std::string& property = name;
        const auto own =
            std::find_if(evidence.begin(), evidence.end(),
                         [&property](const Evidence& one) { return one.module == property; });
        const base::Json& resolved = resolve_schema(root, inner);
        if (own != evidence.end() && resolved.contains("properties")) {
            result[name] = item(inner, *own);
        } else if (own != evidence.end()) {
            result[name] = member("rating", inner, *own);
        } else {
            result[name] = value(inner, depth + 1);
        }
    }
    return result;
}

// Module names that a schema lists in an enum.
void verdict_schema_modules(const base::Json& schema, std::vector<std::string>& modules,
                            int depth) {
    if (!schema.is_object() || depth > 12) return;
    if (schema.contains("properties")) {
        for (const auto& [name, inner] : schema["properties"].items()) {
            if (verdict_is_module_name(name) && inner.is_object() && inner.contains("enum")) {
                for (const base::Json& word : inner["enum"]) {
                    if (word.is_string()) modules.push_back(word.get<std::string>());
                }
                return;
            }
            verdict_schema_modules(inner, modules, depth + 1);
        }
    }
    if (schema.contains("items")) verdict_schema_modules(schema["items"], modules, depth + 1);
    for (const char* keyword : {"$defs", "definitions"}) {
        if (!schema.contains(keyword)) continue;
        for (const auto& [name, inner] : schema[keyword].items()) {
            verdict_schema_modules(inner, modules, depth + 1);
        }
    }
}

// Without a schema: the usual shape, dressed as people's models dress it.
std::string verdict_free_form(const Judge& judge, const std::string& asked) {
    base::Json list = base::Json::array();
    for (const Evidence& one : judge.evidence) {
        list.push_back({{"module", one.module},
                        {"rating", judge.score(one)},
                        {"notes", judge.note(one)},
                        {"evidence", judge.numbers(one)}});
    }
    const bool as_object = asked.find("\"ratings\"") != std::string::npos;
    const base::Json answer = as_object ? base::Json{{"ratings", list}} : list;
    const std::string text = answer.dump(1);
    Dice dice(judge.seed, judge.reading.key + "\ndress");
    if (dice.chance(0.55)) return text;
    if (dice.chance(0.5)) return "```json\n" + text + "\n```";
    return "Also, wenn ich ehrlich auf den Tag zurückschaue:\n\n```json\n" + text +
           "\n```\n\nMehr fällt mir gerade nicht ein.";
}

}  // namespace

std::vector<Evidence> read_digest(std::string_view text, const std::vector<std::string>& modules) {
    std::vector<Evidence> all;
    for (const std::string& module : modules)
        all.push_back({.module = module, .good = {}, .bad = {}});
    Evidence* last = nullptr;
    int last_number = 0;
    for (const std::string_view raw : base::split(text, '\n')) {
        const std::string line = base::lower_ascii(base::trim(raw));
        const std::optional<int> number = verdict_line_number(line);
        std::size_t name_at = 0;
        Evidence* one = verdict_evidence_in(all, line, name_at);
        const bool starts_action =
            number && one != nullptr && line.find_first_of("0123456789") < name_at;
        const std::size_t from = starts_action ? name_at : 0;
        const bool bad = verdict_first_of(line, verdict_bad_words, from) <
                         verdict_first_of(line, verdict_good_words, from);
        if (starts_action) {
            (bad ? one->bad : one->good).push_back(*number);
            last = one;
            last_number = *number;
        } else if (bad && last != nullptr && raw != base::trim(raw) && !last->good.empty() &&
                   last->good.back() == last_number) {
            // An indented line tells what came of the action above it.
            last->good.pop_back();
            last->bad.push_back(last_number);
        }
    }
    return all;
}

std::string answer_without_tools(const base::Json& body, const Reading& reading,
                                 std::uint64_t seed) {
    const base::Json* schema = nullptr;
    if (body.contains("output_config") && body["output_config"].contains("format") &&
        body["output_config"]["format"].is_object()) {
        schema = &body["output_config"]["format"]["schema"];
    }
    const std::string asked = base::lower_ascii(reading.last_user);
    const bool asks = asked.find("bewert") != std::string::npos ||
                      asked.find("rating") != std::string::npos ||
                      asked.find("feedback") != std::string::npos;
    std::vector<std::string> modules;
    if (schema != nullptr) verdict_schema_modules(*schema, modules, 0);
    if (modules.empty()) modules = verdict_listed_modules(reading.last_user);
    if (modules.empty()) modules = verdict_used_modules(reading.last_user);
    if (modules.size() > verdict_modules_max) modules.resize(verdict_modules_max);
    const std::vector<Evidence> evidence = read_digest(reading.last_user, modules);
    static const base::Json nothing = base::Json::object();
    const Judge judge{schema != nullptr ? *schema : nothing, reading, evidence, seed};
    if (schema != nullptr) return base::to_text(judge.value(*schema, 0));
    if (asks && !modules.empty()) return verdict_free_form(judge, asked);
    Dice dice(seed, reading.key + "\nchat " + masked(reading.last_user));
    return std::string(dice.pick(matters(reading.theme)).sentence);
}

}  // namespace sim
