// Unicode compatibility composition: the only door to libutf8proc.
#pragma once

#include <string>
#include <string_view>

namespace base {

// NFKC of valid UTF-8, so that one password typed on two keyboards is one password. Throws
// Failure::invalid when the text is not UTF-8.
std::string normalize_nfkc(std::string_view text);

// Length in UTF-16 code units, the unit of the password limits (8..128). Valid UTF-8 only.
std::size_t utf16_length(std::string_view text);

}  // namespace base
