// The event that streams are made of, read without building a JSON tree. Only the exact form that
// the model's API writes is taken; whatever deviates from it is left to the strict reader. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace clients {

// {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"…"}} and its like.
struct PlainDelta {
    int index = 0;
    std::string_view type;     // text_delta, thinking_delta or input_json_delta.
    std::string_view escaped;  // The text between its quotes: valid UTF-8, short escapes only.
};

std::optional<PlainDelta> read_plain_delta(std::string_view data);

// Appends the text without its escapes; answers how many bytes that were.
std::size_t append_unescaped(std::string& text, std::string_view escaped);

}  // namespace clients
