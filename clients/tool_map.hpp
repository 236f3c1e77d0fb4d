// A product's tools as the model is told about them, and the way back: names and schemas are
// adapted to the limits of the model's API per tool, so that one bad tool never spoils the set.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/json.hpp"
#include "clients/mcp_stateless.hpp"

namespace catalog {
class Modules;
}

namespace clients {

// A tool as the product describes it. The flags are hints of the product, not guarantees.
struct McpTool {
    std::string name;
    std::string title;
    std::string description;
    base::Json input_schema;
    bool read_only = false;
    bool destructive = true;
    bool idempotent = false;
    std::vector<ParamHeader> param_headers;  // Arguments that travel as headers, too.
};

// Value; immutable once built.
class ToolMap {
  public:
    struct Entry {
        std::string api_name;  // ^[a-zA-Z0-9_-]{1,64}$, unique and stable.
        McpTool tool;          // Untouched: name and schema as the product has them.
        std::string module;    // "todo" of "todo.create".
        std::string description;
        base::Json schema;                                         // What the model is told.
        std::vector<std::pair<std::string, std::string>> renamed;  // Model's key -> product's key.
    };

    ToolMap() : ToolMap({}, {}) {}
    // `alias` is our own name for the server: the module of tools whose name says none. `modules`
    // goes before what a name says; null: no such patterns.
    ToolMap(std::vector<McpTool> tools, std::string_view alias,
            const catalog::Modules* modules = nullptr);

    // The API's `tools` array, sorted by name; the same tools always give the same bytes. Built
    // once and shared, for every conversation carries it.
    const std::string& tools_json() const { return *tools_json_; }
    const std::shared_ptr<const std::string>& shared_tools_json() const { return tools_json_; }

    const Entry* by_api_name(std::string_view name) const;  // nullptr: no such tool.
    const Entry* by_tool_name(std::string_view name) const;
    const std::vector<Entry>& entries() const { return entries_; }          // Sorted by api_name.
    std::vector<std::string> modules() const;                               // Sorted, each once.
    const std::vector<std::string>& left_out() const { return left_out_; }  // "name: reason".

    // The model's input with the product's own keys.
    static base::Json product_arguments(const Entry& entry, const base::Json& input);

  private:
    std::string text_of_entries() const;

    std::vector<Entry> entries_;
    std::shared_ptr<const std::string> tools_json_;
    std::map<std::string, std::size_t, std::less<>> by_api_name_;
    std::map<std::string, std::size_t, std::less<>> by_tool_name_;
    std::vector<std::string> left_out_;
};

}  // namespace clients
