// Any bytes as JSON and as text: within limits, valid UTF-8 out, cut between characters.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/json_quick.hpp"
#include "base/text.hpp"
#include "catalog/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::string clean = base::clean_utf8(bytes);
    if (!base::is_valid_utf8(clean)) std::abort();
    for (const std::size_t limit : {std::size_t{4}, std::size_t{17}}) {
        const std::string shorter = base::cut(clean, limit);
        if (shorter.size() > limit || !base::is_valid_utf8(shorter)) std::abort();
    }
    if (const auto value = base::try_parse_json(bytes)) {
        if (!base::try_parse_json(base::to_text(*value))) std::abort();
        const auto replace = base::Json::error_handler_t::replace;
        if (base::to_text(*value) != value->dump(-1, ' ', false, replace)) std::abort();
        if (value->is_object() && base::to_text(catalog::masked_input(*value)).empty())
            std::abort();
    }
    if (const auto quick = base::json_detail::read_quickly(bytes, 64)) {
        if (base::Json::parse(bytes, nullptr, false) != *quick) std::abort();
    }
    return 0;
}
