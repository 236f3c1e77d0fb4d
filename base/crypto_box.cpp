// libsodium's part: random bytes, what is made of them, and the sealed box.
#include <sodium.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace base {

namespace {

void box_ready() {
    static const bool ready = sodium_init() >= 0;
    require(ready, "libsodium cannot start: the operating system gives no random bytes");
}

unsigned char* box_bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* box_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::size_t box_nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t box_tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;

}  // namespace

std::string random_bytes(std::size_t count) {
    box_ready();
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string random_text(std::size_t length, std::string_view alphabet) {
    require(!alphabet.empty(), "random_text needs an alphabet");
    box_ready();
    std::string text(length, '\0');
    for (char& letter : text) {
        letter = alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))];
    }
    return text;
}

std::string random_id() {
    return random_text(32, alphanumeric);
}

std::string random_uuid() {
    return uuid_of(random_bytes(16));
}

std::string uuid_of(std::string bytes16) {
    require(bytes16.size() == 16, "a UUID has 16 bytes");
    bytes16[6] = static_cast<char>((bytes16[6] & 0x0f) | 0x40);
    bytes16[8] = static_cast<char>((bytes16[8] & 0x3f) | 0x80);
    std::string text = to_hex(bytes16);
    for (const std::size_t place : {8, 13, 18, 23}) text.insert(place, 1, '-');
    return text;
}

std::string seal(std::string_view key32, std::string_view plain) {
    require(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a box key has 32 bytes");
    std::string sealed = random_bytes(box_nonce);
    sealed.resize(box_nonce + plain.size() + box_tag);
    unsigned long long size = 0;
    crypto_aead_xchacha20poly1305_ietf_encrypt(box_bytes(sealed) + box_nonce, &size,
                                               box_bytes(plain), plain.size(), nullptr, 0, nullptr,
                                               box_bytes(sealed), box_bytes(key32));
    return sealed;
}

std::optional<std::string> open_sealed(std::string_view key32, std::string_view sealed) {
    require(key32.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a box key has 32 bytes");
    if (sealed.size() < box_nonce + box_tag) return std::nullopt;
    const std::string_view nonce = sealed.substr(0, box_nonce);
    const std::string_view body = sealed.substr(box_nonce);
    std::string plain(body.size() - box_tag, '\0');
    unsigned long long size = 0;
    const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        box_bytes(plain), &size, nullptr, box_bytes(body), body.size(), nullptr, 0,
        box_bytes(nonce), box_bytes(key32));
    if (opened != 0) return std::nullopt;
    return plain;
}

}  // namespace base
