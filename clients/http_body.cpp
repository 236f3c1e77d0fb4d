#include "clients/http_body.hpp"

#include <algorithm>
#include <optional>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace clients {

namespace {

constexpr std::size_t error_body_bytes_max = std::size_t{64} * 1024;
constexpr std::chrono::milliseconds error_body_limit{5'000};
constexpr std::chrono::milliseconds body_end_limit{100};

base::Task<void> collect_error_body(base::HttpStream& stream, std::string& body) {
    while (body.size() < error_body_bytes_max) {
        const std::optional<std::string> chunk = co_await stream.next();
        if (!chunk) break;
        body += *chunk;
    }
    body.resize(std::min(body.size(), error_body_bytes_max));
}

base::Task<void> skip_rest(base::HttpStream& stream) {
    for (;;) {
        const std::optional<std::string> rest = co_await stream.next();
        if (!rest) co_return;
    }
}

}  // namespace

bool is_media_type(std::string_view header, std::string_view type) {
    return base::equals_ignoring_case(base::trim(header.substr(0, header.find(';'))), type);
}

base::Task<std::string> read_body(base::HttpStream& stream, std::size_t bytes_max) {
    std::string body;
    for (;;) {
        const std::optional<std::string> chunk = co_await stream.next();
        if (!chunk) co_return body;
        body += *chunk;
        if (body.size() > bytes_max) {
            throw base::Failure{base::Failure::Kind::unavailable,
                                "an answer is larger than " + std::to_string(bytes_max) + " bytes",
                                "outcome_unknown"};
        }
    }
}

base::Task<std::string> read_error_body(base::Loop& loop, base::HttpStream& stream) {
    std::string body;
    try {
        co_await loop.within(error_body_limit, collect_error_body(stream, body));
    } catch (const base::Failure& cut) {
        // The status has said that it failed; the words are a courtesy.
        base::log_debug("error answer cut", {{"reason", cut.what()}});
    }
    co_return body;
}

base::Task<void> await_end(base::Loop& loop, base::HttpStream& stream) {
    try {
        co_await loop.within(body_end_limit, skip_rest(stream));
    } catch (const base::Failure& late) {
        // The answer is whole already; only the connection is not used again.
        base::log_debug("stream ended badly after its last event", {{"reason", late.what()}});
    }
}

}  // namespace clients
