// The finished message that answers a request: the script's blocks, with ids, signed thinking,
// limits and usage applied.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.hpp"
#include "sim/script.hpp"
#include "sim/usage.hpp"

namespace sim {

struct Model;

struct ReplyOptions {
    ScriptOptions script;
    std::string signing_key;
};

// `body` is checked and normalized; `usage` is the prompt's part and gets its output filled in.
base::Json make_message(const base::Json& body, const Model& model, Usage usage,
                        const ReplyOptions& options);

// An id for a tool call; it says whether its message has thinking in it.
std::string make_call_id(bool after_thinking);

// "msg_01…", "req_01…": unique in this process and beyond.
std::string make_id(std::string_view prefix);

// How the API describes a model at GET /v1/models.
base::Json describe_model(const Model& model);

}  // namespace sim
