#include "auth/factors/webauthn.hpp"

#include <algorithm>

#include <cbor.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include "auth/factors/authenticator_data.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

// Declared sizes are believed by cbor_load, which allocates for them.
constexpr std::size_t webauthn_items_max = 256;

struct CborRelease {
    void operator()(cbor_item_t* item) const { cbor_decref(&item); }
};
using CborItem = std::unique_ptr<cbor_item_t, CborRelease>;

const unsigned char* webauthn_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// Whether no list or map of these items claims to be large; allocates nothing.
bool webauthn_modest(std::string_view bytes) {
    bool modest = true;
    cbor_callbacks watch = cbor_empty_callbacks;
    watch.array_start = watch.map_start = [](void* flag, std::size_t size) {
        if (size > webauthn_items_max) *static_cast<bool*>(flag) = false;
    };
    while (!bytes.empty()) {
        const auto read = cbor_stream_decode(webauthn_bytes(bytes), bytes.size(), &watch, &modest);
        if (read.status != CBOR_DECODER_FINISHED || !modest) return false;
        bytes.remove_prefix(read.read);
    }
    return true;
}

// The first item of the bytes and its size.
struct CborRead {
    CborItem item;
    std::size_t size = 0;
};
CborRead webauthn_read(std::string_view bytes) {
    if (bytes.empty() || !webauthn_modest(bytes)) return {};
    cbor_load_result result{};
    CborItem item(cbor_load(webauthn_bytes(bytes), bytes.size(), &result));
    if (!item || result.error.code != CBOR_ERR_NONE) return {};
    return {std::move(item), result.read};
}

std::string webauthn_text(const cbor_item_t* item) {
    if (cbor_isa_bytestring(item) && cbor_bytestring_is_definite(item)) {
        const auto* bytes = reinterpret_cast<const char*>(cbor_bytestring_handle(item));
        return {bytes, cbor_bytestring_length(item)};
    }
    if (cbor_isa_string(item) && cbor_string_is_definite(item)) {
        const auto* bytes = reinterpret_cast<const char*>(cbor_string_handle(item));
        return {bytes, cbor_string_length(item)};
    }
    return "";
}

std::optional<std::int64_t> webauthn_number(const cbor_item_t* item) {
    if (!cbor_is_int(item)) return std::nullopt;
    const std::uint64_t value = cbor_get_int(item);
    if (value > 1'000'000) return std::nullopt;
    const auto number = static_cast<std::int64_t>(value);
    return cbor_isa_negint(item) ? -1 - number : number;
}

cbor_item_t* webauthn_member(const cbor_item_t* map, std::string_view name) {
    const cbor_pair* pairs = cbor_map_handle(map);
    for (std::size_t i = 0; i < cbor_map_size(map); ++i) {
        if (cbor_isa_string(pairs[i].key) && webauthn_text(pairs[i].key) == name) {
            return pairs[i].value;
        }
    }
    return nullptr;
}

// A COSE key: its algorithm, and its numbers by label.
struct CoseKey {
    int algorithm = 0;
    std::string first, second, third;  // Labels -1, -2, -3 where they are bytes.
};
std::optional<CoseKey> webauthn_key(const cbor_item_t* map) {
    if (!cbor_isa_map(map) || !cbor_map_is_definite(map)) return std::nullopt;
    CoseKey key;
    const cbor_pair* pairs = cbor_map_handle(map);
    for (std::size_t i = 0; i < cbor_map_size(map); ++i) {
        const auto label = webauthn_number(pairs[i].key);
        if (label == 3)
            key.algorithm = static_cast<int>(webauthn_number(pairs[i].value).value_or(0));
        if (label == -1) key.first = webauthn_text(pairs[i].value);
        if (label == -2) key.second = webauthn_text(pairs[i].value);
        if (label == -3) key.third = webauthn_text(pairs[i].value);
    }
    const bool es256 =
        key.algorithm == COSE_ES256 && key.second.size() == 32 && key.third.size() == 32;
    const bool eddsa = key.algorithm == COSE_EDDSA && key.second.size() == 32;
    const bool rs256 =
        key.algorithm == COSE_RS256 && key.first.size() == 256 && key.second.size() == 3;
    if (!es256 && !eddsa && !rs256) return std::nullopt;
    return key;
}

// The client data when it says what we asked.
std::optional<std::string> webauthn_client_data(const base::Json& response,
                                                const WebauthnRules& rules, std::string_view type) {
    const auto data = response_bytes(response, "clientDataJSON");
    const auto client = data ? base::try_parse_json(*data, 8) : std::nullopt;
    if (!client || !client->is_object()) return std::nullopt;
    const auto text = [&](const char* name) {
        const auto found = client->find(name);
        return found != client->end() && found->is_string() ? found->get<std::string>() : "";
    };
    const std::string origin = text("origin");
    const bool known =
        std::find(rules.origins.begin(), rules.origins.end(), origin) != rules.origins.end();
    const auto cross = client->find("crossOrigin");
    const bool framed = cross != client->end() && *cross != false;
    if (text("type") != type || !known || framed || rules.challenge.empty() ||
        !base::equal_constant_time(text("challenge"), rules.challenge)) {
        return std::nullopt;
    }
    return data;
}

using FidoCredential = std::unique_ptr<fido_cred_t, void (*)(fido_cred_t*)>;
using FidoAssertion = std::unique_ptr<fido_assert_t, void (*)(fido_assert_t*)>;

bool webauthn_attested(const std::string& format, cbor_item_t* statement, int algorithm,
                       std::string_view data, std::string_view client_hash,
                       const WebauthnRules& rules) {
    if (format == "none") return cbor_isa_map(statement) && cbor_map_size(statement) == 0;
    if (format != "packed" && format != "fido-u2f") return false;
    unsigned char* bytes = nullptr;
    std::size_t room = 0;
    const std::size_t size = cbor_serialize_alloc(statement, &bytes, &room);
    const std::unique_ptr<unsigned char, decltype(&free)> owner(bytes, &free);
    const FidoCredential credential(fido_cred_new(),
                                    [](fido_cred_t* one) { fido_cred_free(&one); });
    const bool filled =
        size > 0 && credential && fido_cred_set_type(credential.get(), algorithm) == FIDO_OK &&
        fido_cred_set_fmt(credential.get(), format.c_str()) == FIDO_OK &&
        fido_cred_set_rp(credential.get(), rules.rp_id.c_str(), nullptr) == FIDO_OK &&
        fido_cred_set_clientdata_hash(credential.get(), webauthn_bytes(client_hash),
                                      client_hash.size()) == FIDO_OK &&
        fido_cred_set_authdata_raw(credential.get(), webauthn_bytes(data), data.size()) ==
            FIDO_OK &&
        fido_cred_set_attstmt(credential.get(), bytes, size) == FIDO_OK;
    if (!filled) return false;
    return (fido_cred_x5c_ptr(credential.get())
                ? fido_cred_verify(credential.get())
                : fido_cred_verify_self(credential.get())) == FIDO_OK;
}

template <class Key>
bool webauthn_signed(fido_assert_t* assertion, int algorithm, const std::string& point,
                     Key* (*make)(), int (*fill)(Key*, const void*, std::size_t),
                     void (*release)(Key**)) {
    Key* key = make();
    const bool good = key && fill(key, point.data(), point.size()) == FIDO_OK &&
                      fido_assert_verify(assertion, 0, algorithm, key) == FIDO_OK;
    release(&key);
    return good;
}

bool webauthn_signature_holds(fido_assert_t* assertion, const CoseKey& key) {
    if (key.algorithm == COSE_ES256) {
        return webauthn_signed(assertion, COSE_ES256, key.second + key.third, &es256_pk_new,
                               &es256_pk_from_ptr, &es256_pk_free);
    }
    if (key.algorithm == COSE_EDDSA) {
        return webauthn_signed(assertion, COSE_EDDSA, key.second, &eddsa_pk_new, &eddsa_pk_from_ptr,
                               &eddsa_pk_free);
    }
    return webauthn_signed(assertion, COSE_RS256, key.first + key.second, &rs256_pk_new,
                           &rs256_pk_from_ptr, &rs256_pk_free);
}

template <class Result>
std::optional<Result> webauthn_fault(std::string* why, const char* what) {
    if (why) *why = what;
    return std::nullopt;
}

}  // namespace

std::optional<NewCredential> verify_registration(const base::Json& response,
                                                 const WebauthnRules& rules, std::string* why) {
    const auto fault = [&](const char* what) { return webauthn_fault<NewCredential>(why, what); };
    const auto client = webauthn_client_data(response, rules, "webauthn.create");
    if (!client) return fault("client data: other type, challenge or origin");
    const auto bytes = response_bytes(response, "attestationObject");
    if (!bytes) return fault("attestationObject: no base64url");
    const CborRead object = webauthn_read(*bytes);
    if (!object.item || object.size != bytes->size() || !cbor_isa_map(object.item.get()) ||
        !cbor_map_is_definite(object.item.get())) {
        return fault("attestationObject: no CBOR map");
    }
    cbor_item_t* format = webauthn_member(object.item.get(), "fmt");
    cbor_item_t* statement = webauthn_member(object.item.get(), "attStmt");
    cbor_item_t* data_item = webauthn_member(object.item.get(), "authData");
    if (!format || !statement || !data_item) return fault("attestationObject: a part is missing");

    const std::string data = webauthn_text(data_item);
    const auto read = read_authenticator_data(data);
    if (!read || !read->credential) return fault("authData: no credential in it");
    if (!speaks_for(*read, rules.rp_id, rules.user_verification)) {
        return fault("authData: other site, or nobody was there");
    }
    const std::string_view rest = std::string_view(data).substr(read->credential->key_at);
    const CborRead cose = webauthn_read(rest);
    const auto key = cose.item ? webauthn_key(cose.item.get()) : std::nullopt;
    if (!key) return fault("authData: no key of ES256, EdDSA or RS256");
    const std::string_view tail = rest.substr(cose.size);
    if (read->has_extensions ? webauthn_read(tail).size != tail.size() || tail.empty()
                             : !tail.empty()) {
        return fault("authData: bytes left over");
    }
    const std::string id = base::to_base64url(read->credential->id);
    if (response_text(response, "id") != id) return fault("id: not that of the credential");
    if (!webauthn_attested(webauthn_text(format), statement, key->algorithm, data,
                           base::sha256(*client), rules)) {
        return fault("attestation: not genuine, or of a kind that is not taken");
    }
    return NewCredential{.id = id,
                         .public_key = base::to_base64(rest.substr(0, cose.size)),
                         .counter = read->counter,
                         .backup_eligible = read->backup_eligible,
                         .backed_up = read->backed_up,
                         .aaguid = read->credential->aaguid};
}

std::optional<Assertion> verify_assertion(const base::Json& response, const WebauthnRules& rules,
                                          const StoredCredential& credential, std::string* why) {
    const auto fault = [&](const char* what) { return webauthn_fault<Assertion>(why, what); };
    const auto client = webauthn_client_data(response, rules, "webauthn.get");
    if (!client) return fault("client data: other type, challenge or origin");
    const auto data = response_bytes(response, "authenticatorData");
    const auto signature = response_bytes(response, "signature");
    if (!data || !signature) return fault("authenticatorData or signature: no base64url");
    const auto read = read_authenticator_data(*data);
    if (!read || !speaks_for(*read, rules.rp_id, rules.user_verification)) {
        return fault("authenticatorData: other site, or nobody was there");
    }
    if (!webauthn_modest(std::string_view(*data).substr(read->head_size))) {
        return fault("authenticatorData: bytes left over");
    }
    const auto stored = base::from_base64(credential.public_key);
    const CborRead cose = stored ? webauthn_read(*stored) : CborRead{};
    const auto key = cose.item ? webauthn_key(cose.item.get()) : std::nullopt;
    if (!key) return fault("the stored key is not readable");

    const std::string hash = base::sha256(*client);
    const FidoAssertion assertion(fido_assert_new(),
                                  [](fido_assert_t* one) { fido_assert_free(&one); });
    fido_assert_t* raw = assertion.get();
    const bool filled =
        raw && fido_assert_set_clientdata_hash(raw, webauthn_bytes(hash), hash.size()) == FIDO_OK &&
        fido_assert_set_rp(raw, rules.rp_id.c_str()) == FIDO_OK &&
        fido_assert_set_count(raw, 1) == FIDO_OK &&
        fido_assert_set_authdata_raw(raw, 0, webauthn_bytes(*data), data->size()) == FIDO_OK &&
        fido_assert_set_sig(raw, 0, webauthn_bytes(*signature), signature->size()) == FIDO_OK &&
        fido_assert_set_up(raw, FIDO_OPT_TRUE) == FIDO_OK &&
        fido_assert_set_uv(raw, rules.user_verification ? FIDO_OPT_TRUE : FIDO_OPT_OMIT) == FIDO_OK;
    if (!filled || !webauthn_signature_holds(raw, *key)) return fault("signature: does not hold");
    const bool counts = read->counter > 0 || credential.counter > 0;
    if (counts && read->counter <= credential.counter) {
        return fault("counter: did not grow, the authenticator may be a copy");
    }
    return Assertion{read->counter, read->user_verified, read->backed_up};
}

}  // namespace auth
