// The policy gate: decides about each tool call before it is run. A tool that removes things needs
// the user's consent, nobody calls one tool more often than a limit per minute (counted over all
// daemons), and text that looks like an instruction to a model is flagged. In mode `enforce` a
// denied call is refused; in `log_only` it is run; both count and audit it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "workspace/changes.hpp"
#include "workspace/registry.hpp"

namespace workspace {

enum class GateMode { off, log_only, enforce };

std::string_view name_of(GateMode mode);                      // "off", "log-only", "enforce"
std::optional<GateMode> gate_mode_of(std::string_view name);  // Nothing for any other word.

struct GateOptions {
    GateMode mode = GateMode::enforce;
    int calls_per_minute_max = 30;               // Of one user and tool.
    std::vector<std::string> allow_destructive;  // For everybody: names, "module.*" or "*".
};

// What the gate says of one call; a value, so that a repeated transaction repeats nothing else.
struct GateVerdict {
    std::string reason = "clean";
    std::string refusal;        // Why the call is not run; empty: it is.
    std::string marker, place;  // What was flagged, and where: "arguments" or "answer".
};

// Resource; any inbound thread.
class Gate {
  public:
    Gate(GateOptions options, base::Metrics& metrics);
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // Inside the call's transaction, before it is run; writes the audit row.
    GateVerdict examine(base::Transaction& transaction, const Tool& tool,
                        const base::Json& arguments, const Scope& scope, base::Moment now);
    // After it was run: what it brought may be a stranger's text.
    void examine_answer(base::Transaction& transaction, const Tool& tool, const base::Json& answer,
                        const Scope& scope, base::Moment now, GateVerdict& verdict);

    bool enforces() const { return options_.mode == GateMode::enforce; }
    void count(const GateVerdict& verdict, const Tool& tool);  // Once per call.

  private:
    bool may_remove(const Tool& tool, bool consented) const;
    void audit(base::Transaction& transaction, const Tool& tool, const GateVerdict& verdict,
               const Scope& scope, base::Moment now);

    const GateOptions options_;
    base::Metrics& metrics_;
};

// What a model is told of flagged text; empty when nothing was flagged.
std::string gate_remark(const GateVerdict& verdict);

// The destructive tools that a user agreed to: names, "module.*" or "*". At most 100.
std::vector<std::string> permissions_of(base::Postgres& database, std::string_view user_id);
void set_permissions(base::Postgres& database, std::string_view user_id,
                     const std::vector<std::string>& allow_destructive);

}  // namespace workspace
