// A request as the Messages API means it: string contents are blocks, neighbours of one role are
// one turn, cache marks are no content.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace sim {

// Turns `system`, every `content` and every tool result's content into arrays of blocks.
void normalize(base::Json& body);

struct WireBlock {
    const base::Json* json = nullptr;
    std::size_t message = 0;  // Indices in the request, for error texts.
    std::size_t index = 0;
};

struct WireTurn {
    std::string_view role;
    std::size_t message = 0;
    std::vector<WireBlock> blocks;
};

// Turns of a normalized body, consecutive ones of the same role merged. Points into the body.
std::vector<WireTurn> turns_of(const base::Json& body);

std::string_view type_of(const base::Json& block);  // Empty when there is none.
std::string_view text_member(const base::Json& object, std::string_view name);  // Empty when none.
bool is_thinking(const base::Json& block);
int leading_number(std::string_view digits);  // -1 when the text does not start with one.

// The block's text as it counts for caches and bindings: member order kept, cache mark left out.
std::string canonical(const base::Json& block);
// All text blocks of a content (string or array), one per line.
std::string joined_text(const base::Json& content);

}  // namespace sim
