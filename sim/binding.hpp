// Signatures of thinking blocks. A signature binds the block to its model, to everything that was
// said before it, and to the thinking before it, so that a client that rewrites history is caught.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace sim {

struct Model;
struct WireTurn;

struct BindingOptions {
    std::string signing_key;
    bool prefix_check = true;
};

// Signature for a thinking block of the answer to this (normalized) request; `before` is the
// signature of the thinking in front of it in the same answer, empty for the first. The text is
// left out of the answer by default, so a changed text is only checked when it was signed.
std::string sign_thinking(const base::Json& body, const Model& model, std::string_view text,
                          const std::string& signing_key, std::string_view before = {});
// The signature of a redacted block is its data; this text stands for what it hides.
inline constexpr std::string_view redacted_text = "redacted";

// Checks every thinking block of the conversation; throws Failure::invalid.
void check_bindings(const base::Json& body, std::span<const WireTurn> turns, const Model& model,
                    const BindingOptions& options);

// Calls of a message that began with thinking carry ids that start with this, so that a
// missing block can be told without remembering every answer.
inline constexpr std::string_view call_after_thinking = "toolu_01T";

}  // namespace sim
