// The credential of a request's Authorization header.
#pragma once

#include <string>
#include <string_view>

namespace workspace {

// The token of "Bearer <token>"; empty when the header is something else.
std::string bearer_in(std::string_view header);

}  // namespace workspace
