#include "sim/proxy_fault.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace sim {

namespace {

using base::Failure;
using Kind = ProxyFault::Kind;
using Way = ProxyFault::Way;

constexpr std::size_t proxy_cut_bytes_max = std::size_t{1} << 40;
constexpr std::size_t proxy_delay_ms_max = 3'600'000;
constexpr std::size_t proxy_garble_max = 1'000'000'000;
constexpr std::size_t proxy_garble_default = 100;

[[noreturn]] void proxy_refuse(std::string_view text, std::string_view expected) {
    throw Failure(Failure::Kind::invalid,
                  fmt::format("proxy: \"{}\" is not understood; expected {}", base::cut(text, 100),
                              expected));
}

std::size_t proxy_number(std::string_view text, std::string_view whole, std::size_t least,
                         std::size_t most, std::string_view expected) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least ||
        number > most) {
        proxy_refuse(whole, expected);
    }
    return number;
}

Way proxy_way(std::string_view word, std::string_view whole) {
    if (word == "up") return Way::up;
    if (word == "down") return Way::down;
    if (word == "both") return Way::both;
    proxy_refuse(whole, "way=up (to the target), way=down (to the client) or way=both");
}

std::string_view proxy_word(Way way) {
    switch (way) {
        case Way::up: return "up";
        case Way::down: return "down";
        case Way::both: return "both";
    }
    base::unreachable("way");
}

void proxy_read_kind(std::string_view word, std::optional<std::string_view> value,
                     std::string_view whole, ProxyFault& fault) {
    if (word == "delay" && value) {
        fault.kind = Kind::delay;
        fault.delay = std::chrono::milliseconds(
            proxy_number(*value, whole, 0, proxy_delay_ms_max, "delay=MILLISECONDS"));
    } else if (word == "cut") {
        fault.kind = Kind::cut;
        fault.way = value ? Way::down : Way::both;
        if (value) fault.bytes = proxy_number(*value, whole, 0, proxy_cut_bytes_max, "cut=BYTES");
    } else if (word == "garble") {
        fault.kind = Kind::garble;
        fault.way = Way::down;
        fault.every = value ? proxy_number(*value, whole, 1, proxy_garble_max, "garble=BYTES")
                            : proxy_garble_default;
    } else if (word == "half-open" && !value) {
        fault.kind = Kind::half_open;
    } else if (word == "refuse" && !value) {
        fault.kind = Kind::refuse;
    } else if (word != "none" || value) {
        proxy_refuse(whole, "none, refuse, delay=MS, cut, cut=BYTES, half-open or garble=BYTES");
    }
}

bool proxy_name_is_plain(std::string_view name) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    return !name.empty() && name.size() <= 64 && name.find_first_not_of(plain) == name.npos;
}

}  // namespace

ProxyFault parse_proxy_fault(std::string_view text) {
    ProxyFault fault;
    bool first = true;
    for (const std::string_view part : base::split(text, ';')) {
        const std::size_t equals = part.find('=');
        const std::string_view word = part.substr(0, equals);
        std::optional<std::string_view> value;
        if (equals != part.npos) value = part.substr(equals + 1);
        if (std::exchange(first, false)) {
            proxy_read_kind(word, value, text, fault);
            continue;
        }
        const bool has_way = fault.kind != Kind::none && fault.kind != Kind::refuse &&
                             !(fault.kind == Kind::cut && !fault.bytes);
        if (word != "way" || !value || !has_way) {
            proxy_refuse(text, "nothing but ;way=… behind delay, cut=BYTES, half-open or garble");
        }
        fault.way = proxy_way(*value, text);
    }
    return fault;
}

std::string to_text(const ProxyFault& fault) {
    const std::string_view way = proxy_word(fault.way);
    switch (fault.kind) {
        case Kind::none: return "none";
        case Kind::refuse: return "refuse";
        case Kind::delay: return fmt::format("delay={};way={}", fault.delay.count(), way);
        case Kind::cut:
            return fault.bytes ? fmt::format("cut={};way={}", *fault.bytes, way) : "cut";
        case Kind::half_open: return fmt::format("half-open;way={}", way);
        case Kind::garble: return fmt::format("garble={};way={}", fault.every, way);
    }
    base::unreachable("proxy fault");
}

ProxyOptions parse_proxy(std::string_view text) {
    constexpr std::string_view form =
        "NAME=PORT:HOST:PORT or NAME=PORT:/path/of/a/socket, e.g. auth=4001:127.0.0.1:3001; names "
        "of a-z, 0-9, - and _; port 0 takes any free one";
    const std::size_t equals = text.find('=');
    const std::size_t colon = text.find(':', equals == text.npos ? 0 : equals);
    if (equals == text.npos || colon == text.npos) proxy_refuse(text, form);
    ProxyOptions options;
    options.name = text.substr(0, equals);
    if (!proxy_name_is_plain(options.name)) proxy_refuse(text, form);
    options.port = static_cast<int>(
        proxy_number(text.substr(equals + 1, colon - equals - 1), text, 0, 65'535, form));
    const std::string_view target = text.substr(colon + 1);
    if (target.starts_with('/')) {
        options.target = target;
        return options;
    }
    const std::size_t last = target.rfind(':');
    if (last == target.npos || last == 0) proxy_refuse(text, form);
    options.target = target.substr(0, last);
    if (options.target.starts_with('[') && options.target.ends_with(']')) {
        options.target = options.target.substr(1, options.target.size() - 2);
    }
    options.target_port =
        static_cast<int>(proxy_number(target.substr(last + 1), text, 1, 65'535, form));
    return options;
}

}  // namespace sim
