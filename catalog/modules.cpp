#include "catalog/modules.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "catalog/catalog.hpp"
#include "catalog/record.hpp"

namespace catalog {

namespace {

constexpr std::size_t module_rules_max = 1'000;

constexpr std::array<std::string_view, 112> module_verbs{
    "add",      "analyze", "annotate", "append",    "apply",     "approve",  "archive",
    "ask",      "assign",  "attach",   "browse",    "calculate", "call",     "cancel",
    "change",   "clear",   "click",    "close",     "commit",    "compare",  "complete",
    "compress", "convert", "create",   "delegate",  "delete",    "deploy",   "describe",
    "disable",  "do",      "download", "edit",      "enable",    "evaluate", "execute",
    "export",   "extract", "fetch",    "find",      "generate",  "get",      "gzip",
    "has",      "import",  "insert",   "install",   "invoke",    "is",       "list",
    "load",     "log",     "lookup",   "make",      "merge",     "move",     "navigate",
    "notify",   "open",    "pause",    "ping",      "post",      "process",  "publish",
    "pull",     "push",    "put",      "query",     "read",      "refresh",  "register",
    "reject",   "remove",  "rename",   "render",    "replace",   "reply",    "reset",
    "resolve",  "restart", "restore",  "resume",    "retrieve",  "revoke",   "run",
    "save",     "scan",    "search",   "select",    "send",      "set",      "show",
    "simulate", "start",   "stop",     "submit",    "subscribe", "suggest",  "summarize",
    "sync",     "take",    "toggle",   "translate", "trigger",   "undo",     "unsubscribe",
    "update",   "upload",  "validate", "verify",    "view",      "wait",     "write"};

}  // namespace

// Greedy with one way back: "*" takes as little as it can, and more when the rest does not fit.
bool fits_pattern(std::string_view pattern, std::string_view text) {
    std::size_t at = 0, from = 0, star = pattern.npos, taken = 0;
    while (at < text.size()) {
        if (from < pattern.size() && pattern[from] == '*') {
            star = from++;
            taken = at;
        } else if (from < pattern.size() && pattern[from] == text[at]) {
            ++from;
            ++at;
        } else if (star != pattern.npos) {
            from = star + 1;
            at = ++taken;
        } else {
            return false;
        }
    }
    while (from < pattern.size() && pattern[from] == '*') ++from;
    return from == pattern.size();
}

Modules::Modules(std::string_view text, std::string_view file_name) {
    const base::Json json = base::parse_json(text, file_name);
    const base::Fields file(json, std::string(file_name));
    std::size_t place = 0;
    for (const base::Json& entry : file.array("modules", module_rules_max)) {
        const base::Fields rule(entry, fmt::format("{}: modules[{}]", file_name, place++));
        rules_.push_back({base::lower_ascii(rule.text("tool", 1, tool_bytes_max)),
                          rule.text("module", 1, module_bytes_max)});
        rule.only(std::array<std::string_view, 2>{"tool", "module"});
    }
}

std::optional<std::string> Modules::module_of(std::string_view tool) const {
    if (rules_.empty()) return std::nullopt;
    const std::string name = base::lower_ascii(tool);
    const auto rule = std::find_if(rules_.begin(), rules_.end(), [&name](const Rule& one) {
        return fits_pattern(one.pattern, name);
    });
    return rule == rules_.end() ? std::nullopt : std::optional(rule->module);
}

std::string module_by_name(std::string_view tool, std::string_view server) {
    if (const std::size_t colon = tool.find(':'); colon != tool.npos && colon > 0) {
        server = tool.substr(0, colon);
        tool = tool.substr(colon + 1);
    }
    for (const char separator : {'.', '/', '_', '-'}) {
        const std::size_t at = tool.find(separator);
        if (at == std::string_view::npos) continue;
        if (at == 0) break;
        const std::string prefix = base::lower_ascii(tool.substr(0, at));
        const bool is_verb =
            (separator == '_' || separator == '-') &&
            std::find(module_verbs.begin(), module_verbs.end(), prefix) != module_verbs.end();
        if (is_verb) break;
        return base::cut(tool.substr(0, at), module_bytes_max);
    }
    return base::cut(server, module_bytes_max);
}

Modules shipped_modules() {
    for (const base::EmbeddedText& text : shipped_texts()) {
        if (text.name == "modules.json") return Modules(text.text, text.name);
    }
    base::unreachable("modules.json is baked in");
}

Modules load_modules(const std::filesystem::path& file) {
    if (file.empty()) return shipped_modules();
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) {
        throw base::Failure{base::Failure::Kind::invalid,
                            fmt::format("PERSONA_MODULES: cannot read {}", file.string())};
    }
    return Modules(text.str(), file.string());
}

}  // namespace catalog
