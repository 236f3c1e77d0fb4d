// Text at the border: cutting and cleaning what came from outside, without ever splitting a
// character. Lengths are bytes unless said otherwise.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace base {

// Valid UTF-8 without NUL: every invalid sequence (lone surrogates included) becomes U+FFFD.
std::string clean_utf8(std::string_view bytes);
bool is_valid_utf8(std::string_view bytes);

// At most `bytes_max` bytes, cut between characters; "…" ends a text that was cut.
std::string cut(std::string_view text, std::size_t bytes_max);

// Characters (code points) rather than bytes: what a person counts, and columns of a terminal.
std::size_t characters(std::string_view text);
// At most `most` characters; "…" is the last one of a text that was cut.
std::string cut_characters(std::string_view text, std::size_t most);

std::string_view trim(std::string_view text);  // ASCII white space off both ends.
std::string lower_ascii(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
// The parts would be views of a text that is gone.
template <class Text>
    requires std::is_same_v<Text, std::string>
std::vector<std::string_view> split(Text&& text, char separator) = delete;
bool equals_ignoring_case(std::string_view left, std::string_view right);  // ASCII.

}  // namespace base
