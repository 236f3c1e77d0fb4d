// The border of the simulator: the headers that a request must bring, and the shape in which
// refusals leave.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace base {
class Failure;
struct ServerRequest;
struct ServerResponse;
}  // namespace base

namespace sim {

struct Fault;

// Key, version, beta and content-type headers; answers the key. Throws a Failure with the API's
// text.
std::string check_transport(const base::ServerRequest& request);

int http_status(const base::Failure& failure);
std::string_view error_type(int status);  // "overloaded_error" for 529 …
base::Json error_envelope(std::string_view type, std::string_view message,
                          std::string_view request_id);
base::ServerResponse failure_response(const base::Failure& failure);
base::ServerResponse fault_response(const Fault& fault);
void add_request_id(base::ServerResponse& response);  // Unless it has one.

}  // namespace sim
