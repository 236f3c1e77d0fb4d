#include "auth/factors/authenticator_data.hpp"

#include <nlohmann/json.hpp>

#include "auth/factors/webauthn.hpp"
#include "base/crypto.hpp"

namespace auth {

namespace {

constexpr std::size_t data_head = 32 + 1 + 4;
constexpr std::size_t data_aaguid = 16;

enum DataFlag : unsigned {
    data_user_present = 0x01,
    data_user_verified = 0x04,
    data_backup_eligible = 0x08,
    data_backed_up = 0x10,
    data_has_credential = 0x40,
    data_has_extensions = 0x80,
};

std::uint32_t data_number(std::string_view bytes) {
    std::uint32_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

std::string data_uuid(std::string_view bytes) {
    std::string text = base::to_hex(bytes);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, "-");
    return text;
}

}  // namespace

std::optional<AuthenticatorData> read_authenticator_data(std::string_view bytes) {
    if (bytes.size() < data_head || bytes.size() > webauthn_response_max) return std::nullopt;
    const auto flags = static_cast<unsigned char>(bytes[32]);
    AuthenticatorData data;
    data.rp_id_hash = bytes.substr(0, 32);
    data.user_present = flags & data_user_present;
    data.user_verified = flags & data_user_verified;
    data.backup_eligible = flags & data_backup_eligible;
    data.backed_up = flags & data_backed_up;
    data.has_extensions = flags & data_has_extensions;
    data.counter = data_number(bytes.substr(33, 4));
    data.head_size = data_head;
    if (data.backed_up && !data.backup_eligible) return std::nullopt;
    if (!(flags & data_has_credential)) {
        // What follows may only be what the flag announces.
        return data.has_extensions == (bytes.size() > data_head) ? std::optional(data)
                                                                 : std::nullopt;
    }
    std::string_view rest = bytes.substr(data_head);
    if (rest.size() < data_aaguid + 2) return std::nullopt;
    const std::size_t id_size = data_number(rest.substr(data_aaguid, 2));
    const std::size_t id_at = data_aaguid + 2;
    if (id_size == 0 || id_size > webauthn_credential_id_max || rest.size() <= id_at + id_size) {
        return std::nullopt;
    }
    data.head_size = data_head + id_at + id_size;
    data.credential = AttestedCredential{data_uuid(rest.substr(0, data_aaguid)),
                                         std::string(rest.substr(id_at, id_size)), data.head_size};
    return data;
}

bool speaks_for(const AuthenticatorData& data, std::string_view rp_id, bool verified) {
    return data.user_present && (data.user_verified || !verified) &&
           base::equal_constant_time(data.rp_id_hash, base::sha256(rp_id));
}

std::string response_text(const base::Json& answer, const char* name) {
    if (!answer.is_object()) return "";
    const auto found = answer.find(name);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::string> response_bytes(const base::Json& answer, const char* name) {
    if (!answer.is_object()) return std::nullopt;
    const auto inner = answer.find("response");
    if (inner == answer.end()) return std::nullopt;
    const std::string text = response_text(*inner, name);
    if (text.empty() || text.size() > webauthn_response_max) return std::nullopt;
    return base::from_base64url(text);
}

}  // namespace auth
