// JSON that came from outside: parsed within limits, read with checks. Every failure is
// Failure::invalid and names the path of the field and what would be valid.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace base {

// Members keep the order in which they were written: prompt caches, signatures and people rely on
// it.
using Json = nlohmann::ordered_json;

// Whole text is one JSON value, nested at most `depth_max` deep, objects of at most 1,000 members,
// valid UTF-8 without lone surrogates. `what` names the text in the failure, e.g. "request body".
Json parse_json(std::string_view text, std::string_view what, int depth_max = 64);
// The same, but nothing instead of a failure.
std::optional<Json> try_parse_json(std::string_view text, int depth_max = 64);

// Compact text; invalid UTF-8 becomes U+FFFD instead of an exception.
std::string to_text(const Json& value);
// The same of a text alone, quotes included.
std::string quoted(std::string_view text);

// Checked reading of one object. Holds a reference: the object must outlive it.
class Fields {
  public:
    // `where` is the path that failures start with, e.g. "actions[3]"; empty for a whole body.
    // Throws when the value is not an object.
    explicit Fields(const Json& object, std::string where = {});

    bool has(std::string_view name) const;  // Present and not null.

    // Required. Lengths count bytes.
    std::string text(std::string_view name, std::size_t bytes_min = 1,
                     std::size_t bytes_max = 65'536) const;
    std::int64_t integer(std::string_view name, std::int64_t min, std::int64_t max) const;
    double number(std::string_view name, double min, double max) const;
    bool flag(std::string_view name) const;
    const Json& object(std::string_view name) const;
    const Json& array(std::string_view name, std::size_t items_max) const;
    // One of the words; answers its index.
    std::size_t word(std::string_view name, std::span<const std::string_view> words) const;

    // Optional: nothing when absent or null, a failure when present and wrong.
    std::optional<std::string> text_or_none(std::string_view name,
                                            std::size_t bytes_max = 65'536) const;
    std::optional<std::int64_t> integer_or_none(std::string_view name, std::int64_t min,
                                                std::int64_t max) const;
    std::optional<double> number_or_none(std::string_view name, double min, double max) const;
    std::optional<bool> flag_or_none(std::string_view name) const;
    std::optional<std::size_t> word_or_none(std::string_view name,
                                            std::span<const std::string_view> words) const;

    // Throws when the object has a member that is not listed.
    void only(std::span<const std::string_view> names) const;

    std::string path_of(std::string_view name) const;  // "actions[3].tool"
    [[noreturn]] void fail(std::string_view name, std::string_view valid) const;

  private:
    const Json* find(std::string_view name) const;
    const Json& need(std::string_view name, std::string_view valid) const;

    const Json& object_;
    std::string where_;
};

}  // namespace base
