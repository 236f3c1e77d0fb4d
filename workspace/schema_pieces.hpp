// Pieces of arguments' schemas that many tools share, as text of members of "properties".
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "workspace/schema.hpp"

namespace workspace {

inline std::string id_piece(std::string_view lister) {
    return fmt::format(R"("id": {{"type": "string", "format": "uuid", "description": "From {}"}})",
                       lister);
}

inline std::string limit_piece(int most, int usual) {
    return fmt::format(
        R"("limit": {{"type": "integer", "minimum": 1, "maximum": {}, "default": {}}})", most,
        usual);
}

// Full-text search: what the query means is said once for every module.
inline std::string query_piece(bool required) {
    return fmt::format(
        R"("query": {{"type": "string", {} "maxLength": 500, {}
            "description": "Words, their forms or beginnings, German or English"}})",
        required ? R"("minLength": 1,)" : "", required ? "" : R"("default": "",)");
}

// A list of short words; `rest` such as `, "default": []`.
inline std::string words_piece(std::string_view name, int most, std::string_view rest = {}) {
    return fmt::format(
        R"("{}": {{"type": "array", "maxItems": {}{},
            "items": {{"type": "string", "minLength": 1, "maxLength": 100}}}})",
        name, most, rest);
}

// {"id"} and nothing else.
inline Schema id_schema(std::string_view lister) {
    return object_schema("{" + id_piece(lister) + "}", {"id"});
}

// {"id", "archived" = true}: puts a thing away or takes it back.
inline Schema archive_schema(std::string_view lister) {
    return object_schema(
        "{" + id_piece(lister) + R"(, "archived": {"type": "boolean", "default": true}})", {"id"});
}

// The two times that every record carries; they are optional in its schema.
inline constexpr std::string_view record_times = R"(
        "createdAt": {"type": "string", "format": "date-time"},
        "updatedAt": {"type": "string", "format": "date-time"})";

}  // namespace workspace
