#include "sim/binding.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "sim/check.hpp"
#include "sim/model.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t binding_part_bytes = 16;
constexpr std::size_t binding_mac_bytes = 32;

// Signature = base64(prefix hash ‖ hash of the thinking before ‖ MAC). The hashes are in clear, so
// a forged block and a moved one get different answers.
struct BindingParts {
    std::string prefix;
    std::string previous;
    std::string mac;
};

std::string binding_chain(const std::string& hash, std::string_view text) {
    return base::sha256(hash + std::string(text));
}

std::string binding_head(const base::Json& body) {
    std::string hash = base::sha256("prefix");
    for (const char* name : {"tools", "system"}) {
        hash = binding_chain(hash, name);
        if (!body.contains(name)) continue;
        for (const base::Json& block : body[name]) hash = binding_chain(hash, canonical(block));
    }
    return hash;
}

// Thinking itself stays out of the chain: dropping it from the front must leave the rest valid.
std::string binding_after(const std::string& hash, const WireTurn& turn) {
    std::string next = binding_chain(hash, turn.role);
    for (const WireBlock& block : turn.blocks) {
        if (!is_thinking(*block.json)) next = binding_chain(next, canonical(*block.json));
    }
    return next;
}

std::string binding_mac(const std::string& key, const Model& model, const BindingParts& parts,
                        std::string_view text) {
    const std::string message =
        fmt::format("{}\n{}{}{}", model.id, parts.prefix, parts.previous, text);
    return base::hmac_sha256(key, message);
}

std::optional<BindingParts> binding_open(std::string_view signature) {
    const std::optional<std::string> bytes = base::from_base64(signature);
    if (!bytes || bytes->size() != 2 * binding_part_bytes + binding_mac_bytes) return std::nullopt;
    return BindingParts{.prefix = bytes->substr(0, binding_part_bytes),
                        .previous = bytes->substr(binding_part_bytes, binding_part_bytes),
                        .mac = bytes->substr(2 * binding_part_bytes)};
}

bool binding_is_genuine(const std::string& key, const Model& model, const BindingParts& parts,
                        std::string_view text) {
    return parts.mac == binding_mac(key, model, parts, text) ||
           parts.mac == binding_mac(key, model, parts, "");
}

bool binding_is_foreign(const std::string& key, const BindingParts& parts, std::string_view text) {
    for (const Model& model : models()) {
        if (binding_is_genuine(key, model, parts, text)) return true;
    }
    return false;
}

std::string_view binding_signature(const base::Json& block) {
    return text_member(block, type_of(block) == "redacted_thinking" ? "data" : "signature");
}

std::string binding_previous(std::string_view signature) {
    return base::sha256(signature).substr(0, binding_part_bytes);
}

[[noreturn]] void binding_refuse(const WireBlock& block, std::string_view rest) {
    refuse(fmt::format("messages.{}.content.{}: Invalid `signature` in `thinking` block.{}",
                       block.message, block.index, rest));
}

[[noreturn]] void binding_refuse_change(std::size_t message) {
    refuse(
        fmt::format("messages.{}.content.0: `thinking` or `redacted_thinking` blocks in the "
                    "latest assistant message cannot be modified. These blocks must remain as "
                    "they were in the original response.",
                    message));
}

bool binding_lacks_thinking(const WireTurn& turn) {
    for (const WireBlock& block : turn.blocks) {
        if (is_thinking(*block.json)) return false;
    }
    for (const WireBlock& block : turn.blocks) {
        if (text_member(*block.json, "id").starts_with(call_after_thinking)) return true;
    }
    return false;
}

}  // namespace

std::string sign_thinking(const base::Json& body, const Model& model, std::string_view text,
                          const std::string& signing_key, std::string_view before) {
    const std::vector<WireTurn> turns = turns_of(body);
    std::string hash = binding_head(body);
    std::string_view last_signature;
    for (const WireTurn& turn : turns) {
        // An unfinished turn goes on with this answer, so it is no part of what was before.
        const bool unfinished = &turn == &turns.back() && turn.role == "assistant";
        if (!unfinished) hash = binding_after(hash, turn);
        for (const WireBlock& block : turn.blocks) {
            if (is_thinking(*block.json)) last_signature = binding_signature(*block.json);
        }
    }
    if (!before.empty()) last_signature = before;
    BindingParts parts{.prefix = hash.substr(0, binding_part_bytes),
                       .previous = binding_previous(last_signature),
                       .mac = {}};
    parts.mac = binding_mac(signing_key, model, parts, text);
    return base::to_base64(parts.prefix + parts.previous + parts.mac);
}

void check_bindings(const base::Json& body, std::span<const WireTurn> turns, const Model& model,
                    const BindingOptions& options) {
    std::size_t latest = turns.size();
    for (std::size_t at = 0; at < turns.size(); ++at) {
        if (turns[at].role == "assistant") latest = at;
    }
    std::string hash = binding_head(body);
    std::string_view last_signature;
    for (std::size_t at = 0; at < turns.size(); ++at) {
        for (const WireBlock& block : turns[at].blocks) {
            if (!is_thinking(*block.json)) continue;
            const std::string_view signature = binding_signature(*block.json);
            const std::optional<BindingParts> parts = binding_open(signature);
            if (!parts) binding_refuse(block, "");
            const bool redacted = type_of(*block.json) == "redacted_thinking";
            const std::string_view text =
                redacted ? redacted_text : text_member(*block.json, "thinking");
            if (!binding_is_genuine(options.signing_key, model, *parts, text)) {
                // Another model's thinking is dropped silently by the API, a forged one refused.
                if (!binding_is_foreign(options.signing_key, *parts, text)) {
                    binding_refuse(block, "");
                }
                continue;
            }
            const bool moved =
                parts->prefix != hash.substr(0, binding_part_bytes) ||
                (!last_signature.empty() && parts->previous != binding_previous(last_signature));
            if (moved && model.preserved && options.prefix_check) {
                binding_refuse(block,
                               " The block is bound to a different conversation. Remove the "
                               "block, or set `thinking.block_binding.prefix_mismatch_behavior` "
                               "to \"drop_block\".");
            }
            last_signature = signature;
        }
        hash = binding_after(hash, turns[at]);
    }
    // Without any thinking the client has started afresh, which is allowed.
    const bool some_thinking = !last_signature.empty();
    if (latest < turns.size() && some_thinking && binding_lacks_thinking(turns[latest])) {
        binding_refuse_change(turns[latest].message);
    }
}

}  // namespace sim
