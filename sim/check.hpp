// Refuses what the Messages API would refuse, with its error types and texts. The whole point of
// the simulator: a client that rewrites history, forgets a tool result or sends a stray field fails
// here and not in production.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace sim {

struct Model;
struct WireTurn;

struct CheckOptions {
    std::string version = "2026-10-21";
    bool counting = false;  // count_tokens: no max_tokens, no stream.
    bool strict = true;     // Also rules that nobody could confirm but every client can keep.
    bool prefix_check =
        true;                 // Thinking bound to its prefix; false = an account of before 2026-09.
    std::string signing_key;  // Of thinking signatures.
};

// Checks the body and leaves it normalized (sim/wire). Throws Failure::invalid, or Failure::missing
// for an unknown model, with the text that the API would send.
void check_request(base::Json& body, const CheckOptions& options);

// Parts, each in a source of its own.
void check_tools(const base::Json& body, const Model& model);                    // check_tools.cpp
void check_message_shapes(const base::Json& body, const CheckOptions& options);  // check_blocks.cpp
void check_conversation(const base::Json& body, std::span<const WireTurn> turns, const Model& model,
                        const CheckOptions& options);  // check_turns.cpp
// A JSON Schema within the subset of structured outputs. `path` starts the failure.
void check_strict_schema(const base::Json& schema, const std::string& path);  // check_tools.cpp

// Shared by the parts.
[[noreturn]] void refuse(const std::string& text);  // Throws Failure::invalid.
void refuse_unknown_fields(const base::Json& object, const std::string& path,
                           std::span<const std::string_view> known);
void check_cache_mark(const base::Json& block, const std::string& path);

}  // namespace sim
