// How failures become answers, and what keeps a bad answer from becoming two.
#pragma once

#include <exception>
#include <functional>

#include "base/failure.hpp"
#include "base/server.hpp"

namespace base {

using FailurePrinter = std::function<ServerResponse(const ServerRequest&, const Failure&)>;

ServerResponse print_failure_plainly(const ServerRequest& request, const Failure& failure);

// The caught exception as a failure to print. What is not a Failure is a fault of ours: logged with
// the server's name and the route, and told to nobody.
Failure failure_of(const std::exception_ptr& error, const std::string& server,
                   const ServerRequest& request);

// A header that could start a second header or answer is our fault, whoever supplied the text:
// throws Failure::internal naming the header, never its value.
void require_clean_headers(const ServerResponse& response);

}  // namespace base
