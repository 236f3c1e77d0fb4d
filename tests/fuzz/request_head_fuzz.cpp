// Any bytes as the head of a request: refused with a status, or values that are clean text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/server_head.hpp"
#include "base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const base::ServerHead head = base::parse_server_head(bytes, 20, 1000);
    if (head.refused != 0 && (head.refused < 400 || head.refused > 599)) std::abort();
    if (head.refused == 0) {
        if (head.content_length > 1000 || head.request.method.empty()) std::abort();
        for (const auto& [name, value] : head.request.query) {
            if (!base::is_valid_utf8(name) || !base::is_valid_utf8(value)) std::abort();
            if ((name + value).find('\0') != std::string::npos) std::abort();
        }
        for (const auto& [name, value] : head.request.headers) {
            if (!base::is_header_name(name) || !base::is_header_value(value)) std::abort();
        }
        static_cast<void>(head.request.cookie("mana.session_token"));
    }
    return 0;
}
