// Reading the body of an answer that arrives as a stream.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/http.hpp"
#include "base/loop.hpp"
#include "base/task.hpp"

namespace clients {

// Whether a content-type header names `type`, whatever its case and parameters.
bool is_media_type(std::string_view header, std::string_view type);

// The whole body. Throws Failure::unavailable when it breaks off or is larger than `bytes_max`.
base::Task<std::string> read_body(base::HttpStream& stream, std::size_t bytes_max);

// What an error answer says: as much as comes within a short time, at most 64 KiB; never throws.
base::Task<std::string> read_error_body(base::Loop& loop, base::HttpStream& stream);

// Waits shortly for an end that is due, so that the connection can be used again; never throws.
base::Task<void> await_end(base::Loop& loop, base::HttpStream& stream);

}  // namespace clients
