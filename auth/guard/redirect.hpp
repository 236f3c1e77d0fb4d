// Where links and forms lead on: pages that we trust, and nowhere else.
#pragma once

#include <string>
#include <string_view>

#include "auth/options.hpp"
#include "base/json.hpp"
#include "base/server.hpp"

namespace auth {

// `url` when it is empty, a path or a page of a trusted origin. Else throws Failure::forbidden with
// `code`, or Failure::invalid when the family has no code for it (""); `name` is the field's.
std::string checked_redirect(const Options& options, std::string_view name, const std::string& url,
                             const char* code);
// The same of a field that may be absent.
std::string read_redirect(const Options& options, const base::Fields& fields, std::string_view name,
                          const char* code);

// "page?name=value" or, when the page has a query, "page?…&name=value".
std::string with_query(const std::string& page, std::string_view name, std::string_view value);
base::ServerResponse redirect_to(std::string page);  // 302

}  // namespace auth
