// How each family of paths prints a failure. Handlers throw base::Failure; the family is known
// from the path:
//
//   custom    /api/v1/auth/…                {"error":CODE,"message",…,"status",…,"retryAfterSec"?}
//   guarded   /api/v1/admin, internal, …    {"error":…,"code"?} from handlers,
//                                           {"statusCode","message"} when the caller is not known
//   native    /api/auth/…                   {"message","code"}
//
// A failure's status() overrides the status of its kind (410, 415). Its code() is a constant of
// the native family; the custom family translates it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/server.hpp"

namespace auth {

enum class Family { custom, guarded, native };

Family family_of(std::string_view path);

base::ServerResponse print_failure(Family family, const base::Failure& failure);

// The constant that the custom family prints for a failure, e.g. INVALID_CREDENTIALS.
std::string custom_code_of(const base::Failure& failure);

// 400 {"error":"ValidationError","details":[…]}: what admin forms answer, one text per field.
base::ServerResponse validation_error(const std::vector<std::string>& details);

// For endpoints that need no body: none, or a JSON object. Throws Failure::invalid otherwise.
base::Json optional_body(const base::ServerRequest& request);

// Unknown path or method: 404 in plain text, or 301 off a trailing slash.
base::ServerResponse print_unknown_path(const base::ServerRequest& request);

}  // namespace auth
