#include "base/unicode.hpp"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "base/failure.hpp"

namespace base {

std::string normalize_nfkc(std::string_view text) {
    utf8proc_uint8_t* out = nullptr;
    const auto options =
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    const utf8proc_ssize_t size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &out, options);
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(out, &std::free);
    if (size < 0) {
        throw Failure(Failure::Kind::invalid, "the text is not valid UTF-8; send UTF-8");
    }
    return std::string(reinterpret_cast<const char*>(out), static_cast<std::size_t>(size));
}

std::size_t utf16_length(std::string_view text) {
    std::size_t units = 0;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

}  // namespace base
