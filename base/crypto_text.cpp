// Hex and base64 in both directions; decoding is strict, so that one value has one spelling.
#include <array>

#include "base/crypto.hpp"

namespace base {

namespace {

constexpr std::string_view text_base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view text_base64url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string text_encode(std::string_view bytes, std::string_view alphabet, bool padded) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (k < here ? static_cast<unsigned char>(bytes[i + k]) : 0);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            if (k <= here) {
                text += alphabet[group >> (18 - 6 * k) & 63];
            } else if (padded) {
                text += '=';
            }
        }
    }
    return text;
}

std::array<signed char, 256> text_table(std::string_view alphabet) {
    std::array<signed char, 256> table;
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    }
    return table;
}

// `text` without padding. Left-over bits must be zero: otherwise two texts would mean one value.
std::optional<std::string> text_decode(std::string_view text,
                                       const std::array<signed char, 256>& table) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t group = 0;
    int bits = 0;
    for (const char letter : text) {
        const int value = table[static_cast<unsigned char>(letter)];
        if (value < 0) return std::nullopt;
        group = (group << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(group >> bits & 0xff);
        }
    }
    if ((group & ((1U << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4];
        text += digits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes(text.size() / 2, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char letter = text[i];
        int digit = -1;
        if (letter >= '0' && letter <= '9') digit = letter - '0';
        if (letter >= 'a' && letter <= 'f') digit = letter - 'a' + 10;
        if (letter >= 'A' && letter <= 'F') digit = letter - 'A' + 10;
        if (digit < 0) return std::nullopt;
        bytes[i / 2] = static_cast<char>(static_cast<unsigned char>(bytes[i / 2]) << 4 | digit);
    }
    return bytes;
}

std::string to_base64(std::string_view bytes) {
    return text_encode(bytes, text_base64, true);
}

std::optional<std::string> from_base64(std::string_view text) {
    static const auto table = text_table(text_base64);
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    return text_decode(text, table);
}

std::string to_base64url(std::string_view bytes) {
    return text_encode(bytes, text_base64url, false);
}

std::optional<std::string> from_base64url(std::string_view text) {
    static const auto table = text_table(text_base64url);
    return text_decode(text, table);
}

}  // namespace base
