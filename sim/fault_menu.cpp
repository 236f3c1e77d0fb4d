// The table of faults.
#include <array>

#include "base/failure.hpp"
#include "sim/faults.hpp"

namespace sim {

namespace {

using Kind = FaultKind;
using Value = FaultValue;
using Needs = FaultNeeds;

constexpr std::array fault_answers{
    FaultEntry{Kind::status, "status", Value::status, -1, Needs::nothing,
               "retry-after should-retry type code html",
               "an error status (400-599) in the API's envelope instead of an answer"},
    FaultEntry{Kind::storm, "storm", Value::seconds, 10, Needs::nothing, "retry-after code",
               "429 for this and every other request that comes within so long"},
};

constexpr std::array fault_connections{
    FaultEntry{Kind::slow_accept, "slow-accept", Value::milliseconds, 1000, Needs::nothing, "",
               "answered as usual and closed; new connections are not accepted for so long"},
    FaultEntry{Kind::mute, "mute", Value::none, 0, Needs::nothing, "",
               "the request is read and nothing ever comes back, not even headers"},
    FaultEntry{Kind::reset, "reset", Value::none, 0, Needs::nothing, "",
               "TCP reset before the first byte of the answer"},
    FaultEntry{Kind::late, "late", Value::milliseconds, 1000, Needs::nothing, "",
               "the first byte of the answer, headers included, so late"},
    FaultEntry{Kind::cut, "cut", Value::position, -1, Needs::stream, "",
               "TCP reset before that event; 0: right behind the headers"},
    FaultEntry{Kind::cut_frame, "cut-frame", Value::position, 3, Needs::stream, "",
               "TCP reset in the middle of that event"},
    FaultEntry{Kind::cut_utf8, "cut-utf8", Value::none, 0, Needs::stream, "",
               "TCP reset inside a UTF-8 sequence of a text"},
    FaultEntry{Kind::close, "close", Value::position, -1, Needs::stream, "",
               "connection closed before that event, without the last chunk"},
    FaultEntry{Kind::end, "end", Value::position, -1, Needs::stream, "",
               "clean end of the answer before that event: no message_stop"},
    FaultEntry{Kind::silence, "silence", Value::position, -1, Needs::stream, "",
               "nothing more from that event on; the connection stays open"},
    FaultEntry{Kind::pings, "pings", Value::milliseconds, 1000, Needs::stream, "",
               "behind message_start only pings, one every so often, for ever"},
    FaultEntry{Kind::slow, "slow", Value::milliseconds, 500, Needs::stream, "",
               "so long between two events"},
    FaultEntry{Kind::drip, "drip", Value::milliseconds, 1000, Needs::stream, "",
               "one byte every so often"},
};

constexpr std::array fault_framings{
    FaultEntry{Kind::chunks, "chunks", Value::bytes, 1, Needs::stream, "",
               "chunks of so many bytes, each sent on its own"},
    FaultEntry{Kind::random_chunks, "random-chunks", Value::none, 0, Needs::stream, "",
               "chunks of random sizes that respect no border"},
    FaultEntry{Kind::crlf, "crlf", Value::none, 0, Needs::stream, "", "lines end in CR LF"},
    FaultEntry{Kind::cr, "cr", Value::none, 0, Needs::stream, "", "lines end in CR alone"},
    FaultEntry{Kind::comments, "comments", Value::none, 0, Needs::stream, "",
               "comment lines, unknown fields and empty events between the events"},
    FaultEntry{Kind::bom, "bom", Value::none, 0, Needs::stream, "",
               "a byte order mark in front of the first event"},
    FaultEntry{Kind::lines, "lines", Value::none, 0, Needs::stream, "",
               "the data of an event over several data lines"},
    FaultEntry{Kind::gzip, "gzip", Value::none, 0, Needs::stream, "",
               "a gzip body, asked for or not"},
};

constexpr std::array fault_events{
    FaultEntry{Kind::error, "error", Value::position, -1, Needs::stream, "type code",
               "an error event instead of that event; 0: the very first frame"},
    FaultEntry{Kind::unknown_event, "unknown-event", Value::none, 0, Needs::stream, "",
               "an event of a type that nobody knows"},
    FaultEntry{Kind::unknown_delta, "unknown-delta", Value::none, 0, Needs::stream, "",
               "a delta of a type that nobody knows"},
    FaultEntry{Kind::unknown_block, "unknown-block", Value::none, 0, Needs::nothing, "",
               "a content block of a type that nobody knows; it is accepted back"},
    FaultEntry{Kind::stop_twice, "stop-twice", Value::none, 0, Needs::stream, "",
               "content_block_stop comes twice"},
    FaultEntry{Kind::index_gap, "index-gap", Value::none, 0, Needs::stream, "",
               "indices of content blocks leave numbers out"},
    FaultEntry{Kind::delta_first, "delta-first", Value::none, 0, Needs::stream, "",
               "a delta before its block has started"},
    FaultEntry{Kind::input_none, "input-none", Value::none, 0, Needs::stream_and_tools, "",
               "a call without arguments and without any delta"},
    FaultEntry{Kind::input_empty, "input-empty", Value::none, 0, Needs::stream_and_tools, "",
               "a call without arguments and one empty delta"},
    FaultEntry{Kind::input_in_start, "input-in-start", Value::none, 0, Needs::stream_and_tools, "",
               "the whole input in content_block_start and no delta"},
    FaultEntry{Kind::input_cut, "input-cut", Value::none, 0, Needs::stream_and_tools, "",
               "max_tokens in the middle of an input; the block is not stopped"},
    FaultEntry{Kind::input_invalid, "input-invalid", Value::none, 0, Needs::stream_and_tools, "",
               "an input that is no JSON, properly stopped"},
};

constexpr std::array fault_messages{
    FaultEntry{Kind::unknown_stop, "unknown-stop", Value::none, 0, Needs::nothing, "",
               "a stop_reason that nobody knows"},
    FaultEntry{Kind::big_text, "big-text", Value::bytes, 10'000'000, Needs::nothing, "",
               "one text block of so many bytes"},
    FaultEntry{Kind::calls, "calls", Value::count, 30, Needs::tools, "",
               "so many tool calls in one message"},
    FaultEntry{Kind::empty, "empty", Value::none, 0, Needs::nothing, "",
               "end_turn without any content"},
    FaultEntry{Kind::refusal, "refusal", Value::none, 0, Needs::nothing, "",
               "a refusal before any output"},
    FaultEntry{Kind::refusal_mid, "refusal-mid", Value::none, 0, Needs::nothing, "",
               "a refusal behind half a sentence"},
    FaultEntry{Kind::pause_turn, "pause-turn", Value::none, 0, Needs::nothing, "",
               "pause_turn behind an unfinished server tool; the next request gets its result"},
    FaultEntry{Kind::context_full, "context-full", Value::none, 0, Needs::nothing, "",
               "a text cut by model_context_window_exceeded"},
    FaultEntry{Kind::thinking_empty, "thinking-empty", Value::none, 0, Needs::nothing, "",
               "thinking whose text is empty, with its signature"},
    FaultEntry{Kind::thinking_redacted, "thinking-redacted", Value::none, 0, Needs::nothing, "",
               "a redacted_thinking block; it must come back as it was"},
    FaultEntry{Kind::thinking_interleaved, "thinking-interleaved", Value::none, 0, Needs::nothing,
               "", "thinking between the other blocks"},
    FaultEntry{Kind::thinking_progress, "thinking-progress", Value::none, 0, Needs::tools, "",
               "two calls with a progress update as thinking between them"},
    FaultEntry{Kind::enum_case, "enum-case", Value::none, 0, Needs::nothing, "",
               "a structured output whose enum words are in capitals"},
};

constexpr std::array fault_groups{
    FaultGroup{"Instead of an answer", fault_answers},
    FaultGroup{"The connection", fault_connections},
    FaultGroup{"Odd but valid framing", fault_framings},
    FaultGroup{"Events", fault_events},
    FaultGroup{"The message", fault_messages},
};

}  // namespace

std::span<const FaultGroup> fault_menu() {
    return fault_groups;
}

const FaultEntry& entry_of(FaultKind kind) {
    for (const FaultGroup& group : fault_groups) {
        for (const FaultEntry& entry : group.entries) {
            if (entry.kind == kind) return entry;
        }
    }
    base::unreachable("fault kind");
}

}  // namespace sim
