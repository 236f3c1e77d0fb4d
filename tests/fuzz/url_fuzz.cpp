// Any bytes as an escaped piece of a URL, as a form's value, as a query and as a path: refused, or
// clean text that has one spelling and means the same when it is written and read again.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "auth/guard/redirect.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/server_head.hpp"
#include "base/text.hpp"

namespace {

void expect(bool fact) {
    if (!fact) std::abort();
}

// Blanks end the target of a request line and '#' its query; what a head refuses is refused before.
base::ServerHead head_of(const std::string& target) {
    return base::parse_server_head("GET " + target + " HTTP/1.1\r\nHost: a", 20, 1000);
}

void try_query(const std::string& bytes) {
    const base::ServerHead head = head_of("/page?" + bytes);
    if (head.refused != 0) return;
    std::string again;
    for (const auto& [name, value] : head.request.query) {
        expect(base::is_valid_utf8(name) && base::is_valid_utf8(value));
        expect((name + value).find('\0') == std::string::npos);
        again +=
            (again.empty() ? "" : "&") + base::url_encode(name) + "=" + base::url_encode(value);
    }
    const base::ServerHead second = head_of("/page?" + again);
    // Escapes may make it longer than a line may be.
    if (second.refused == 0) expect(second.request.query == head.request.query);
}

void try_path(const std::string& bytes) {
    const base::ServerHead head = head_of("/" + bytes);
    if (head.refused != 0) return;
    for (const std::string& segment : head.segments) {
        expect(base::is_valid_utf8(segment) && segment.find('\0') == std::string::npos);
    }
}

// No link leads from our pages to another machine's.
void try_redirect(const std::string& url) {
    static const auth::Options options;
    try {
        const std::string page = auth::checked_redirect(options, "callbackURL", url, "");
        expect(page == url && !page.starts_with("//") && !page.starts_with("/\\"));
        expect(page.find_first_of("\r\n") == std::string::npos);
    } catch (const base::Failure& failure) {
        expect(base::status_of(failure.kind()) < 500);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    for (const bool form : {false, true}) {
        const auto decoded = base::percent_decoded(bytes, form);
        if (!decoded || bytes.find('\0') != std::string::npos) continue;
        expect(base::is_valid_utf8(*decoded) && decoded->find('\0') == std::string::npos);
        expect(base::percent_decoded(base::url_encode(*decoded), form) == decoded);
    }
    try_query(bytes);
    try_path(bytes);
    try_redirect(bytes);
    return 0;
}
