// The body of an HTML form as the JSON object that the same request would have sent.
#pragma once

#include "base/json.hpp"
#include "base/server.hpp"

namespace auth {

// Every field is text, but "rememberMe", which is true unless it says "false". Throws
// Failure::invalid for a field that stands twice, more than 20 of them, or broken escapes.
base::Json json_of_form(const base::ServerRequest& request);

}  // namespace auth
