// OpenSSL's part: digests, key derivation, scrypt, Ed25519. Encodings are in crypto_text.cpp,
// random bytes and the sealed box (libsodium) in crypto_box.cpp.
#include "base/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/failure.hpp"

namespace base {

namespace {

const unsigned char* crypto_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* crypto_bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

using CryptoKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CryptoDigest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

CryptoKey crypto_private_key(std::string_view bytes) {
    require(bytes.size() == 32, "an Ed25519 private key has 32 bytes");
    CryptoKey key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, crypto_bytes(bytes), bytes.size()),
        &EVP_PKEY_free);
    require(key != nullptr, "OpenSSL refused an Ed25519 private key");
    return key;
}

}  // namespace

std::string sha256(std::string_view bytes) {
    std::string digest(32, '\0');
    unsigned int size = 0;
    const int done =
        EVP_Digest(bytes.data(), bytes.size(), crypto_bytes(digest), &size, EVP_sha256(), nullptr);
    require(done == 1 && size == 32, "OpenSSL cannot compute SHA-256");
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
    std::string mac(32, '\0');
    unsigned int size = 0;
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            crypto_bytes(message), message.size(), crypto_bytes(mac), &size);
    require(done != nullptr && size == 32, "OpenSSL cannot compute HMAC-SHA-256");
    return mac;
}

std::string derive_key(std::string_view secret, std::string_view purpose, std::size_t bytes) {
    std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr), &EVP_PKEY_CTX_free);
    std::string key(bytes, '\0');
    std::size_t size = bytes;
    const bool done = context && EVP_PKEY_derive_init(context.get()) == 1 &&
                      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
                      EVP_PKEY_CTX_set1_hkdf_key(context.get(), crypto_bytes(secret),
                                                 static_cast<int>(secret.size())) == 1 &&
                      EVP_PKEY_CTX_add1_hkdf_info(context.get(), crypto_bytes(purpose),
                                                  static_cast<int>(purpose.size())) == 1 &&
                      EVP_PKEY_derive(context.get(), crypto_bytes(key), &size) == 1;
    require(done && size == bytes, "OpenSSL cannot derive a key (is the secret empty?)");
    return key;
}

bool equal_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string scrypt(std::string_view password, std::string_view salt, int n, int r, int p,
                   std::size_t bytes) {
    std::string key(bytes, '\0');
    // OpenSSL refuses more than 32 MiB by default; the parameters here need a little above it.
    const std::uint64_t memory_max = 128ULL * 1024 * 1024;
    const int done =
        EVP_PBE_scrypt(password.data(), password.size(), crypto_bytes(salt), salt.size(),
                       static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(r),
                       static_cast<std::uint64_t>(p), memory_max, crypto_bytes(key), bytes);
    if (done != 1) {
        throw Failure(Failure::Kind::unavailable,
                      "scrypt could not get its working memory; give the service more memory");
    }
    return key;
}

Ed25519Pair make_ed25519() {
    const Secret seed(random_bytes(32));
    const CryptoKey key = crypto_private_key(seed.reveal());
    std::string public_key(32, '\0');
    std::size_t size = public_key.size();
    const int done = EVP_PKEY_get_raw_public_key(key.get(), crypto_bytes(public_key), &size);
    require(done == 1 && size == 32, "OpenSSL cannot read an Ed25519 public key");
    return {seed, public_key};
}

std::string sign_ed25519(const Secret& private_key, std::string_view message) {
    const CryptoKey key = crypto_private_key(private_key.reveal());
    const CryptoDigest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    const bool done =
        context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
        EVP_DigestSign(context.get(), crypto_bytes(signature), &size, crypto_bytes(message),
                       message.size()) == 1;
    require(done && size == 64, "OpenSSL cannot sign with Ed25519");
    return signature;
}

bool verify_ed25519(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
    if (public_key.size() != 32 || signature.size() != 64) return false;
    const CryptoKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                    crypto_bytes(public_key), public_key.size()),
                        &EVP_PKEY_free);
    const CryptoDigest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    return key && context &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), crypto_bytes(signature), signature.size(),
                            crypto_bytes(message), message.size()) == 1;
}

}  // namespace base
