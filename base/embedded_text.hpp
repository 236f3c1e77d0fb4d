// Text files (migrations, the catalog) that the build bakes into the binary.
#pragma once

#include <span>
#include <string_view>

namespace base {

struct EmbeddedText {
    std::string_view name;  // File name without its folder.
    std::string_view text;
};

using EmbeddedTexts = std::span<const EmbeddedText>;  // In file-name order; static storage.

}  // namespace base
