// One line of a file that must tell damage from truth: a checksum before its content.
//
//   <8 hex digits CRC-32 of the content> <content>\n
//
// The content holds no newline, so a reader finds the next line whatever happened to this one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runner {

// Appends the line; `content` may come in two parts.
void append_guarded(std::string& out, std::string_view content, std::string_view rest = {});

// The content of a line (without its newline), or nothing when the checksum does not fit.
std::optional<std::string_view> unguarded(std::string_view line);

}  // namespace runner
