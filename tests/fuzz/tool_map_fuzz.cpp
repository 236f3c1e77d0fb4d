// Tools as any product may describe them: names stay unique, valid and reversible.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "clients/tool_map.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto list = base::try_parse_json({reinterpret_cast<const char*>(data), size});
    if (!list || !list->is_array()) return 0;
    std::vector<clients::McpTool> tools;
    for (const base::Json& item : *list) {
        clients::McpTool tool;
        if (item.is_string()) tool.name = item.get<std::string>();
        if (item.is_object()) {
            tool.name = item.value("n", base::Json("x")).dump();
            tool.input_schema = item.value("s", base::Json::object());
        }
        tools.push_back(std::move(tool));
    }
    const clients::ToolMap map(tools, "product");
    for (const clients::ToolMap::Entry& entry : map.entries()) {
        if (entry.api_name.empty() || entry.api_name.size() > 64) std::abort();
        if (map.by_api_name(entry.api_name) != &entry) std::abort();
        clients::ToolMap::product_arguments(entry, base::Json{{"a", 1}});
    }
    if (!base::try_parse_json(map.tools_json(), 200)) std::abort();
    return 0;
}
