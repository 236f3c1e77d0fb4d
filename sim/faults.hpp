// The fault menu: every misbehaviour that the simulator can be asked for, as one table that is read
// by the parser, by `sim --help` and by the tests. A fault is asked for in words:
//
//   NAME[=VALUE][;DETAIL[=VALUE]]…      status=429;retry-after=2   cut=5   chunks=1   refusal
//
// by the request header `x-sim-fault`, by rules in a queue or by probability (sim/fault_rules).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sim {

enum class FaultKind {
    // Instead of an answer.
    status,
    storm,
    // The connection.
    slow_accept,
    mute,
    reset,
    late,
    cut,
    cut_frame,
    cut_utf8,
    close,
    end,
    silence,
    pings,
    slow,
    drip,
    // Odd but valid framing.
    chunks,
    random_chunks,
    crlf,
    cr,
    comments,
    bom,
    lines,
    gzip,
    // Events.
    error,
    unknown_event,
    unknown_delta,
    unknown_block,
    stop_twice,
    index_gap,
    delta_first,
    input_none,
    input_empty,
    input_in_start,
    input_cut,
    input_invalid,
    // The message.
    unknown_stop,
    big_text,
    calls,
    empty,
    refusal,
    refusal_mid,
    pause_turn,
    context_full,
    thinking_empty,
    thinking_redacted,
    thinking_interleaved,
    thinking_progress,
    enum_case,
};

// What its value means.
enum class FaultValue { none, status, seconds, milliseconds, count, bytes, position };
// Which requests it can strike; rules leave others alone, the header is refused.
enum class FaultNeeds { nothing, stream, tools, stream_and_tools };

struct FaultEntry {
    FaultKind kind{};
    std::string_view name;
    FaultValue value = FaultValue::none;
    long usual = -1;  // The value when none is given; -1: one must be given.
    FaultNeeds needs = FaultNeeds::nothing;
    std::string_view details;  // Which ones it takes, separated by blanks.
    std::string_view meaning;
};

struct FaultGroup {
    std::string_view title;
    std::span<const FaultEntry> entries;
};

std::span<const FaultGroup> fault_menu();
const FaultEntry& entry_of(FaultKind kind);

// A value: one fault as it was asked for.
struct Fault {
    // Where in a stream it strikes: before the event of that number, before the last piece of the
    // last tool input, or between message_delta and message_stop.
    enum class Place { number, input, after_delta };

    FaultKind kind = FaultKind::status;
    std::string words;  // As asked for.
    long value = 0;
    Place place = Place::number;
    std::string retry_after;   // As sent, see retry_after_text(); empty: no such header.
    std::string should_retry;  // "true", "false" or empty: no such header.
    std::string type;          // error.type; empty: the usual one.
    std::string code;          // error.details.error_code; empty: none.
    bool html = false;         // A proxy's page instead of the envelope.

    bool operator==(const Fault&) const = default;
};

// Throws Failure::invalid naming the word that it does not know, and what would be valid.
Fault parse_fault(std::string_view text);

// Whether it can strike a request with or without `stream` and tools.
bool can_strike(const Fault& fault, bool streamed, bool tools);

}  // namespace sim
