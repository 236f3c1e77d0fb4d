#include "sim/faults.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/server_head.hpp"
#include "base/text.hpp"

namespace sim {

namespace {

constexpr long fault_number_max = 1'000'000'000;
// A fault must not make the simulator itself run out of memory.
constexpr long fault_bytes_max = 64 * 1024 * 1024;
constexpr long fault_calls_max = 1000;
constexpr std::array<std::string_view, 4> fault_places{"first", "start", "input", "delta"};

[[noreturn]] void fault_refuse(const std::string& reason) {
    throw base::Failure(base::Failure::Kind::invalid, "fault: " + reason);
}

std::string fault_names() {
    std::string names;
    for (const FaultGroup& group : fault_menu()) {
        for (const FaultEntry& entry : group.entries) {
            names += (names.empty() ? "" : ", ") + std::string(entry.name);
        }
    }
    return names;
}

const FaultEntry& fault_entry(std::string_view name) {
    for (const FaultGroup& group : fault_menu()) {
        for (const FaultEntry& entry : group.entries) {
            if (entry.name == name) return entry;
        }
    }
    fault_refuse(
        fmt::format("unknown name \"{}\"; valid are {}", base::cut(name, 40), fault_names()));
}

long fault_number(const FaultEntry& entry, std::string_view text, long min, long max) {
    long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (!whole || number < min || number > max) {
        const bool place = entry.value == FaultValue::position;
        fault_refuse(fmt::format("{} needs a whole number from {} to {}{}, not \"{}\"", entry.name,
                                 min, max, place ? ", or first, start, input or delta" : "",
                                 base::cut(text, 40)));
    }
    return number;
}

// "first" = 0, "start" = behind message_start, "input" and "delta" depend on the stream.
bool fault_set_place(Fault& fault, std::string_view text) {
    const auto* const word = std::find(fault_places.begin(), fault_places.end(), text);
    if (word == fault_places.end()) return false;
    fault.value = text == "start" ? 1 : 0;
    if (text == "input") fault.place = Fault::Place::input;
    if (text == "delta") fault.place = Fault::Place::after_delta;
    return true;
}

void fault_set_value(Fault& fault, const FaultEntry& entry, std::string_view word) {
    const std::size_t equals = word.find('=');
    if (entry.value == FaultValue::none) {
        if (equals != std::string_view::npos) {
            fault_refuse(fmt::format("{} takes no value", entry.name));
        }
        return;
    }
    if (equals == std::string_view::npos) {
        if (entry.usual < 0) fault_refuse(fmt::format("{} needs a value", entry.name));
        fault.value = entry.usual;
        return;
    }
    const std::string_view text = word.substr(equals + 1);
    switch (entry.value) {
        case FaultValue::status: fault.value = fault_number(entry, text, 400, 599); break;
        case FaultValue::position:
            if (!fault_set_place(fault, text)) {
                fault.value = fault_number(entry, text, 0, fault_number_max);
            }
            break;
        case FaultValue::bytes: fault.value = fault_number(entry, text, 1, fault_bytes_max); break;
        case FaultValue::count: fault.value = fault_number(entry, text, 1, fault_calls_max); break;
        case FaultValue::none:
        case FaultValue::seconds:
        case FaultValue::milliseconds:
            fault.value = fault_number(entry, text, 0, fault_number_max);
            break;
    }
}

void fault_set_detail(Fault& fault, const FaultEntry& entry, std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
    const std::vector<std::string_view> known = base::split(entry.details, ' ');
    if (name.empty() || std::find(known.begin(), known.end(), name) == known.end()) {
        fault_refuse(fmt::format("{} has no detail \"{}\"; valid: {}", entry.name,
                                 base::cut(name, 40),
                                 entry.details.empty() ? "none" : entry.details));
    }
    // It becomes part of an answer's head.
    if (!base::is_header_value(value)) {
        fault_refuse(fmt::format("{} must not hold control characters", name));
    }
    if (name == "html") {
        fault.html = true;
        return;
    }
    if (value.empty()) fault_refuse(fmt::format("{} needs a value", name));
    if (name == "should-retry" && value != "true" && value != "false") {
        fault_refuse("should-retry must be true or false");
    }
    if (name == "retry-after") fault.retry_after = value;
    if (name == "should-retry") fault.should_retry = value;
    if (name == "type") fault.type = value;
    if (name == "code") fault.code = value;
}

}  // namespace

Fault parse_fault(std::string_view text) {
    Fault fault;
    fault.words = base::trim(text);
    const FaultEntry* entry = nullptr;
    for (const std::string_view raw : base::split(text, ';')) {
        const std::string_view word = base::trim(raw);
        if (entry == nullptr) {
            entry = &fault_entry(word.substr(0, word.find('=')));
            fault.kind = entry->kind;
            fault_set_value(fault, *entry, word);
        } else {
            fault_set_detail(fault, *entry, word);
        }
    }
    return fault;
}

bool can_strike(const Fault& fault, bool streamed, bool tools) {
    switch (entry_of(fault.kind).needs) {
        case FaultNeeds::nothing: return true;
        case FaultNeeds::stream: return streamed;
        case FaultNeeds::tools: return tools;
        case FaultNeeds::stream_and_tools: return streamed && tools;
    }
    base::unreachable("fault needs");
}

}  // namespace sim
