#include "clients/tool_map.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "catalog/modules.hpp"
#include "catalog/record.hpp"
#include "clients/tool_schema.hpp"

namespace clients {

namespace {

constexpr std::size_t api_name_bytes_max = 64;
constexpr std::size_t name_hash_digits = 8;
constexpr std::size_t tool_description_bytes_max = 4'096;

bool is_api_name_character(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
}

std::string plain_api_name(std::string_view name) {
    std::string plain{name};
    std::replace_if(
        plain.begin(), plain.end(), [](char each) { return !is_api_name_character(each); }, '_');
    return plain;
}

// Depends on the tool's own name only, so it stays the same whatever other tools come and go.
std::string hashed_api_name(std::string_view name) {
    const std::string plain = plain_api_name(name);
    const std::string hash = base::to_hex(base::sha256(name)).substr(0, name_hash_digits);
    return plain.substr(0, api_name_bytes_max - name_hash_digits - 1) + "_" + hash;
}

std::string module_of(std::string_view name, std::string_view alias,
                      const catalog::Modules* modules) {
    std::optional<std::string> told = modules ? modules->module_of(name) : std::nullopt;
    return told ? std::move(*told) : catalog::module_by_name(name, alias);
}

std::string tool_description(const McpTool& tool, const std::string& note) {
    std::string text = base::clean_utf8(base::trim(tool.description));
    if (text.empty()) text = base::clean_utf8(base::trim(tool.title));
    if (text.empty()) text = "Tool " + base::clean_utf8(tool.name) + ".";
    text = base::cut(text, tool_description_bytes_max);
    return note.empty() ? text : text + "\n" + base::cut(note, tool_description_bytes_max);
}

std::string fault_of_name(const McpTool& tool) {
    if (tool.name.empty()) return "it has no name";
    if (tool.name.size() > catalog::tool_bytes_max) {
        return "its name is longer than " + std::to_string(catalog::tool_bytes_max) + " bytes";
    }
    return {};
}

std::string report_of(const McpTool& tool, const std::string& reason) {
    return base::cut(base::clean_utf8(tool.name), catalog::tool_bytes_max) + ": " + reason;
}

}  // namespace

ToolMap::ToolMap(std::vector<McpTool> tools, std::string_view alias,
                 const catalog::Modules* modules) {
    std::map<std::string, int> wishes;  // How many tools would like to have this name.
    for (const McpTool& tool : tools) ++wishes[plain_api_name(tool.name)];

    std::set<std::string> seen, taken;
    for (McpTool& tool : tools) {
        std::string fault = fault_of_name(tool);
        if (fault.empty() && !seen.insert(tool.name).second) fault = "its name came twice";
        Entry entry;
        if (fault.empty()) {
            AdaptedSchema adapted = adapt_schema(tool.input_schema);
            fault = adapted.fault;
            entry.api_name = plain_api_name(tool.name);
            const bool own = entry.api_name == tool.name;
            const bool shared = !own && wishes[entry.api_name] > 1;
            if (shared || entry.api_name.size() > api_name_bytes_max) {
                entry.api_name = hashed_api_name(tool.name);
            }
            entry.description = tool_description(tool, adapted.note);
            entry.schema = std::move(adapted.schema);
            entry.renamed = std::move(adapted.renamed);
        }
        if (fault.empty() && !taken.insert(entry.api_name).second) {
            fault = "its name cannot be told from another tool's";
        }
        if (!fault.empty()) {
            left_out_.push_back(report_of(tool, fault));
            continue;
        }
        entry.module = module_of(tool.name, alias, modules);
        entry.tool = std::move(tool);
        entries_.push_back(std::move(entry));
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& left, const Entry& right) { return left.api_name < right.api_name; });
    for (std::size_t place = 0; place < entries_.size(); ++place) {
        by_api_name_.emplace(entries_[place].api_name, place);
        by_tool_name_.emplace(entries_[place].tool.name, place);
    }
    tools_json_ = std::make_shared<const std::string>(text_of_entries());
}

std::string ToolMap::text_of_entries() const {
    base::Json tools = base::Json::array();
    for (const Entry& entry : entries_) {
        base::Json tool = base::Json::object();
        tool["name"] = entry.api_name;
        tool["description"] = entry.description;
        tool["input_schema"] = entry.schema;
        tools.push_back(std::move(tool));
    }
    return base::to_text(tools);
}

const ToolMap::Entry* ToolMap::by_api_name(std::string_view name) const {
    const auto found = by_api_name_.find(name);
    return found == by_api_name_.end() ? nullptr : &entries_[found->second];
}

const ToolMap::Entry* ToolMap::by_tool_name(std::string_view name) const {
    const auto found = by_tool_name_.find(name);
    return found == by_tool_name_.end() ? nullptr : &entries_[found->second];
}

std::vector<std::string> ToolMap::modules() const {
    std::set<std::string> names;
    for (const Entry& entry : entries_) names.insert(entry.module);
    return {names.begin(), names.end()};
}

base::Json ToolMap::product_arguments(const Entry& entry, const base::Json& input) {
    if (!input.is_object() || entry.renamed.empty()) return input;
    base::Json arguments = base::Json::object();
    for (const auto& [key, value] : input.items()) {
        const auto renamed =
            std::find_if(entry.renamed.begin(), entry.renamed.end(),
                         [&name = key](const auto& pair) { return pair.first == name; });
        arguments[renamed == entry.renamed.end() ? key : renamed->second] = value;
    }
    return arguments;
}

}  // namespace clients
