// What a visit leaves behind: actions, ratings and its end. Keys, limits and JSON in one place,
// used by the runner that writes them and the service that stores them. Wire names that differ from
// ours (tickId, feedback) appear only in record.cpp, URLs and table names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>  // Action keeps a value of it.

#include "base/clock.hpp"
#include "base/json.hpp"

namespace catalog {

inline constexpr std::size_t actions_per_batch_max = 500;
inline constexpr std::size_t ratings_per_batch_max = 100;
inline constexpr std::size_t visit_id_bytes_max = 128;
inline constexpr std::size_t tool_bytes_max = 128;
inline constexpr std::size_t module_bytes_max = 64;
inline constexpr std::size_t error_message_bytes_max = 1'000;
inline constexpr std::size_t input_text_bytes_max = 200;   // Per value kept of a tool's input.
inline constexpr std::size_t input_bytes_max = 16 * 1024;  // Of the whole input kept.
inline constexpr std::size_t evidence_max = 100;
inline constexpr std::size_t model_bytes_max = 128;
inline constexpr std::size_t product_name_bytes_max = 128;
inline constexpr std::size_t product_version_bytes_max = 64;
inline constexpr std::size_t notes_bytes_max = 2'000;
inline constexpr std::size_t summary_bytes_max = 4'000;

// Audit row of one tool call; key (visit, seq).
struct Action {
    // unknown: the call left and its answer never came. Stored with result "error".
    enum class Outcome { ok, error, unknown };

    std::string visit_id;
    int seq = 0;  // 1, 2, … within the visit.
    base::Moment started_at{};
    std::string module;      // From the tool map, never guessed; empty when unknown (old clients).
    std::string tool;        // The product's own name, e.g. "todo.create".
    std::string input_hash;  // SHA-256 of the input's text, hex.
    std::optional<base::Json> input;  // Only what may be kept, see masked_input().
    Outcome outcome = Outcome::unknown;
    std::string error_message;  // Empty when ok.
    std::optional<std::int64_t> latency_ms;

    bool operator==(const Action&) const = default;
};

// Score of one module; key (visit, module). `score` is set exactly when status is rated.
struct Rating {
    enum class Status { rated, unparsed, refused, missing };

    std::string visit_id;
    std::string module;
    Status status = Status::missing;
    std::optional<int> score;  // 1..5
    std::string notes;
    std::vector<int> evidence;  // Seqs of the actions it rests on.

    bool operator==(const Rating&) const = default;
};

struct TokenCounts {
    std::int64_t input = 0, output = 0, cache_write = 0, cache_read = 0;
    bool operator==(const TokenCounts&) const = default;
};

// How a visit ended. `finished`: lived to the end. `partial`: stopped early, but acted. `failed`:
// stopped without any action. (`running` and `lost` are the service's words.)
struct VisitEnd {
    enum class Status { finished, partial, failed };
    enum class Source { none, persona, product, model, infra };  // Whose failure it was.

    Status status = Status::failed;
    std::string reason;  // "end_turn", "turn_limit", "deadline", "claude answered 529", …
    Source source = Source::none;
    int turns = 0;
    int tool_calls = 0;
    int actions = 0;  // Rows the service must hold before it accepts the end.
    int ratings = 0;
    TokenCounts tokens;
    std::optional<double> cost_usd;  // Nothing: a model without a price.
    std::string model;
    std::string product_name;
    std::string product_version;
    std::string summary;
    // Cut by a stopping daemon; never with `finished`. Without action rows the attempt is not used
    // up and she is due again at once; with action rows it is an ordinary `partial`.
    bool handed_back = false;
    // With handed_back: she is not due again before that (her money of the day is used up).
    std::optional<base::Moment> not_before;

    bool operator==(const VisitEnd&) const = default;
};

std::string_view word_of(Action::Outcome outcome);
std::string_view word_of(Rating::Status status);
std::string_view word_of(VisitEnd::Status status);
std::string_view word_of(VisitEnd::Source source);

// Wire form of one row of POST …/personas/:id/actions and …/feedback, and of …/visits/:id/finish.
base::Json to_json(const Action& action);
base::Json to_json(const Rating& rating);
base::Json to_json(const VisitEnd& end);

// `where` is the path for failures, e.g. "actions[3]". Rows without `seq` come from old clients:
// seq 0. Every limit above is checked. `refused`: a field that is not ours is a mistake of the
// sender; files on disk may hold fields of a newer version.
enum class UnknownFields { ignored, refused };
Action action_from_json(const base::Json& json, const std::string& where,
                        UnknownFields unknown = UnknownFields::ignored);
Rating rating_from_json(const base::Json& json, const std::string& where,
                        UnknownFields unknown = UnknownFields::ignored);
VisitEnd visit_end_from_json(const base::Json& json,
                             UnknownFields unknown = UnknownFields::ignored);

// What of a tool's input may be kept: texts cut at input_text_bytes_max, the values of fields whose
// name looks like a key or password masked as "***", depth 4 at most.
base::Json masked_input(const base::Json& input);

}  // namespace catalog
