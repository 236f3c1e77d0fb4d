// Cryptography: the only door to OpenSSL and libsodium. Bytes are std::string. Functions of values
// are thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace base {

std::string sha256(std::string_view bytes);  // 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);
// HKDF-SHA-256: separate keys by purpose from one secret.
std::string derive_key(std::string_view secret, std::string_view purpose, std::size_t bytes = 32);
bool equal_constant_time(std::string_view left, std::string_view right);

std::string random_bytes(std::size_t count);  // From the operating system.
std::string random_text(std::size_t length, std::string_view alphabet);  // Unbiased.
inline constexpr std::string_view alphanumeric =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
std::string random_id();    // 32 characters a-zA-Z0-9: the service's row ids and session tokens.
std::string random_uuid();  // Version 4.
std::string uuid_of(std::string bytes16);  // Made a version 4 UUID: the form of random bytes.

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);
std::string to_base64(std::string_view bytes);                     // Standard, padded.
std::optional<std::string> from_base64(std::string_view text);     // Strict.
std::string to_base64url(std::string_view bytes);                  // No padding.
std::optional<std::string> from_base64url(std::string_view text);  // Strict: no padding, no blanks.

// scrypt, 64 bytes by default. Takes 32 MiB and about 90 ms of one core at N=16384 r=16.
std::string scrypt(std::string_view password, std::string_view salt, int n = 16384, int r = 16,
                   int p = 1, std::size_t bytes = 64);

// Unicode NFKC of valid UTF-8 is in base/text's neighbour `unicode`; see normalize_nfkc there.

// XChaCha20-Poly1305: nonce(24) ‖ ciphertext ‖ tag(16), raw bytes. Nothing when it does not open.
std::string seal(std::string_view key32, std::string_view plain);
std::optional<std::string> open_sealed(std::string_view key32, std::string_view sealed);

// Ed25519. Keys are the raw 32 bytes.
struct Ed25519Pair {
    Secret private_key;
    std::string public_key;
};
Ed25519Pair make_ed25519();
std::string sign_ed25519(const Secret& private_key, std::string_view message);  // 64 bytes.
bool verify_ed25519(std::string_view public_key, std::string_view message,
                    std::string_view signature);

}  // namespace base
