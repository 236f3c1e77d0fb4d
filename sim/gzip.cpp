#include "sim/gzip.hpp"

#include <algorithm>

namespace sim {

namespace {

constexpr std::size_t gzip_block_max = 65'535;

void gzip_put(std::string& text, std::uint32_t number, int bytes) {
    for (int at = 0; at < bytes; ++at) text += static_cast<char>((number >> (8 * at)) & 0xFFU);
}

std::string gzip_block(std::string_view bytes, bool last) {
    std::string block(1, last ? '\x01' : '\x00');
    const auto size = static_cast<std::uint32_t>(bytes.size());
    gzip_put(block, size, 2);
    gzip_put(block, ~size, 2);
    return block.append(bytes);
}

}  // namespace

std::string GzipWriter::open() {
    return std::string("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\xFF", 10);
}

std::string GzipWriter::part(std::string_view bytes) {
    for (const char byte : bytes) {
        checksum_ ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            checksum_ = (checksum_ >> 1) ^ ((checksum_ & 1U) != 0 ? 0xEDB88320U : 0U);
        }
    }
    size_ += static_cast<std::uint32_t>(bytes.size());
    std::string blocks;
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, gzip_block_max);
        blocks += gzip_block(piece, false);
        bytes.remove_prefix(piece.size());
    }
    return blocks;
}

std::string GzipWriter::finish() const {
    std::string end = gzip_block({}, true);
    gzip_put(end, ~checksum_, 4);
    gzip_put(end, size_, 4);
    return end;
}

}  // namespace sim
