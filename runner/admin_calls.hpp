// Calls of the auth service's admin API by one-shot verbs; blocking.
#pragma once

#include <string>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"

namespace runner {

// Any status is an answer, except 401 and 403: a Failure that says how to get a token. An answer
// holds at most 512 MiB (exports).
base::HttpResponse admin_call(const std::string& method, const std::string& url,
                              const base::Secret& jwt, const base::Json* body = nullptr);
// Its JSON; an empty object when it is none.
base::Json admin_failure_body(const base::HttpResponse& answer);
// The service's own words: message, error and the list of faulty fields.
std::string admin_reason(const base::HttpResponse& answer);
// Every page of the admin list.
std::vector<base::Json> listed_personas(const std::string& auth_url, const base::Secret& jwt);

}  // namespace runner
