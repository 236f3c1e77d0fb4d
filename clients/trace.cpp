#include "clients/trace.hpp"

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::size_t trace_id_digits = 32, span_id_digits = 16;

// All zeros is the one value that the standard forbids.
bool is_trace_id(std::string_view text) {
    return text.size() == trace_id_digits &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::string traceparent_of(std::string_view visit_id, int seq) {
    std::string trace = base::lower_ascii(visit_id);
    std::erase(trace, '-');
    if (!is_trace_id(trace)) {
        trace = base::to_hex(base::sha256(visit_id)).substr(0, trace_id_digits);
    }
    const std::string span = base::to_hex(base::sha256(fmt::format("{}/{}", visit_id, seq)));
    return fmt::format("00-{}-{}-01", trace, span.substr(0, span_id_digits));
}

}  // namespace clients
