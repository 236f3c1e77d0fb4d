// The border of the simulator: the headers that a request must bring, and the shape in which
// refusals leave.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
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
                          std::string_view request_id, std::string_view code = {});
base::ServerResponse failure_response(const base::Failure& failure);
// A status that was asked for. `retry_after` is the header's text, empty for none.
base::ServerResponse fault_response(const Fault& fault, int status, const std::string& retry_after);
std::string fault_error_type(const Fault& fault);  // Of its error event.

// What a `retry-after` detail sends: as it stands, but "date+N" is the HTTP date N seconds from
// now.
std::string retry_after_text(std::string_view detail, base::Moment now);
// How long such a text makes a client wait; nothing when it demands no wait.
std::optional<std::chrono::milliseconds> demanded_by(std::string_view detail);
void add_request_id(base::ServerResponse& response);  // Unless it has one.

}  // namespace sim
