#include "workspace/sync/cursor.hpp"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/json.hpp"

namespace workspace {

namespace {

constexpr std::string_view cursor_mark = "c1.";
constexpr std::size_t cursor_bytes_max = 256 * 1024;

[[noreturn]] void refuse_cursor() {
    throw base::Failure(base::Failure::Kind::invalid,
                        "since must be the syncedUntil of an earlier answer, or left out to begin "
                        "at the beginning");
}

template <class Number>
Number cursor_number(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) refuse_cursor();
    return number;
}

}  // namespace

std::string cursor_text(const SyncCursor& cursor) {
    base::Json places = base::Json::object();
    for (const auto& [space, place] : cursor) {
        places[space] = std::to_string(place.transaction) + "." + std::to_string(place.seq);
    }
    return std::string(cursor_mark) + base::to_base64url(base::to_text(places));
}

SyncCursor read_cursor(std::string_view text) {
    if (text.empty() || base::from_iso(text)) return {};
    if (!text.starts_with(cursor_mark) || text.size() > cursor_bytes_max) refuse_cursor();
    const auto bytes = base::from_base64url(text.substr(cursor_mark.size()));
    const auto places = bytes ? base::try_parse_json(*bytes) : std::nullopt;
    if (!places || !places->is_object()) refuse_cursor();
    SyncCursor cursor;
    for (const auto& [space, value] : places->items()) {
        if (!value.is_string()) refuse_cursor();
        const auto& place = value.get_ref<const std::string&>();
        const std::size_t dot = place.find('.');
        if (dot == place.npos) refuse_cursor();
        const std::string_view whole = place;
        cursor[space] = {cursor_number<std::uint64_t>(whole.substr(0, dot)),
                         cursor_number<std::int64_t>(whole.substr(dot + 1))};
    }
    return cursor;
}

}  // namespace workspace
