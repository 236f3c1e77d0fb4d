// Which addresses of pictures are kept: what a page shows as a picture and never runs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace auth {

inline constexpr std::size_t picture_bytes_max = 2048;

// http(s), an inline picture, or a path of the same page's site; "" is none. Throws
// Failure::invalid naming the field.
inline std::optional<std::string> read_picture(const base::Fields& fields, std::string_view name) {
    auto address = fields.text_or_none(name, picture_bytes_max);
    if (!address || address->empty()) return address;
    const bool shown = address->starts_with("https://") || address->starts_with("http://") ||
                       address->starts_with("data:image/") ||
                       (address->starts_with("/") && !address->starts_with("//"));
    if (!shown) fields.fail(name, "text: the address of a picture, https://…");
    return address;
}

}  // namespace auth
