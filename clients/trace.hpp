// W3C trace context of a tool call (https://www.w3.org/TR/trace-context/): one trace a visit, one
// span a call. Both ids follow from the visit's id and the call's number, so that a row of the
// audit leads to the product's traces and back without storing anything more. Pure.
#pragma once

#include <string>
#include <string_view>

namespace clients {

// "00-<32 hex>-<16 hex>-01". The trace id is the visit's UUID without dashes, or, for an id of
// another form, the first half of its SHA-256; the span id is the start of
// SHA-256("<visit>/<seq>").
std::string traceparent_of(std::string_view visit_id, int seq);

}  // namespace clients
