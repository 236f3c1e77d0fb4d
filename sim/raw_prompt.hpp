// A request's prompt as the bytes that were sent, for the question whether one request begins with
// all that the one before it held: tools, system and messages, block by block, without white space
// between tokens and without cache marks, which may move.
#pragma once

#include <string>
#include <string_view>

namespace sim {

// `body` is valid JSON (its parser said so); empty when it is no object with messages. Escapes and
// numbers stay as they were written: an echo has to be an echo.
std::string raw_prompt(std::string_view body);

}  // namespace sim
