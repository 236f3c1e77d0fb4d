// The head of a request (request line and headers) as a value. Strict on purpose: whatever two
// parsers could read differently (bare line feeds, folded lines, two lengths) is refused, so that
// no proxy in front of us can be made to see another request than we do.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/server.hpp"

namespace base {

inline constexpr std::size_t head_bytes_max = 64 * 1024;
inline constexpr std::size_t head_line_bytes_max = 8 * 1024;

struct ServerHead {
    ServerRequest request;              // Without body and remote_address.
    std::vector<std::string> segments;  // Of the path, each decoded once; "/" has none.
    std::size_t content_length = 0;
    bool close = false;  // The connection ends after this answer.
    bool expects_continue = false;
    // Status and reason with which the request is to be refused; nothing when it is fine. The
    // fields above hold what could be read before the fault.
    int refused = 0;
    std::string refusal;
};

// `text` ends before the blank line.
ServerHead parse_server_head(std::string_view text, std::size_t header_count_max,
                             std::size_t body_bytes_max);

// Nothing for a broken escape, an escaped NUL or text that is no UTF-8.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank);

bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);  // No control characters but tab.

}  // namespace base
