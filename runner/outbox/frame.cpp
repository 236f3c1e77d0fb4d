#include "runner/outbox/frame.hpp"

#include <zlib.h>

#include <cstdint>

namespace runner {

namespace {

constexpr std::size_t frame_guard_bytes = 9;  // Checksum and blank.

// zlib's CRC-32 as eight hex digits and a blank.
void put_guard(char* place, std::string_view content) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto sum = static_cast<std::uint32_t>(crc32_z(
        crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(content.data()), content.size()));
    for (int i = 7; i >= 0; --i, sum >>= 4) place[i] = digits[sum & 15U];
    place[8] = ' ';
}

}  // namespace

void append_guarded(std::string& out, std::string_view content, std::string_view rest) {
    const std::size_t begin = out.size();
    out.append(frame_guard_bytes, ' ');
    out += content;
    out += rest;
    put_guard(out.data() + begin, std::string_view(out).substr(begin + frame_guard_bytes));
    out += '\n';
}

std::optional<std::string_view> unguarded(std::string_view line) {
    if (line.size() <= frame_guard_bytes) return std::nullopt;
    const std::string_view content = line.substr(frame_guard_bytes);
    char guard[frame_guard_bytes];
    put_guard(guard, content);
    if (line.substr(0, frame_guard_bytes) != std::string_view(guard, frame_guard_bytes))
        return std::nullopt;
    return content;
}

}  // namespace runner
