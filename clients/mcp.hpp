// The product's tools over MCP (Streamable HTTP): sessions (revisions 2025-03-26 to 2025-11-25) or
// stateless requests (2026-07-28), whichever the server speaks. One McpSession per visit; a tool
// call is sent once, and what became of it is always answered.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/http.hpp"
#include "base/json.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"
#include "catalog/modules.hpp"
#include "clients/mcp_target.hpp"
#include "clients/tool_map.hpp"

namespace clients {

struct McpOptions {
    std::shared_ptr<const catalog::Modules> modules;  // Null: names alone say the module.
    std::chrono::milliseconds request_limit{30'000};  // Handshake and lists; calls bring their own.
    std::chrono::milliseconds probe_limit{10'000};    // The question for the era.
    std::chrono::milliseconds call_limit_max{300'000};  // Of a call that makes progress.
    std::size_t answer_bytes_max = std::size_t{8} * 1024 * 1024;
    std::size_t result_bytes_max = std::size_t{32} * 1024;  // Of a call's text.
    std::chrono::milliseconds list_limit{30'000};  // No further page of a list is asked for.
    int pages_max = 50;
    std::size_t list_bytes_max = std::size_t{16} * 1024 * 1024;  // Of all pages.
    std::size_t tools_max = 1'000;
};

struct CallResult {
    enum class Outcome {
        ok,
        error,    // The product said no, or the call certainly did not run; `text` says why.
        unknown,  // The call left and its answer never came.
    };
    Outcome outcome = Outcome::unknown;
    std::string text;  // For the model; never empty.
    bool truncated = false;
    bool answered = false;  // The product itself said so, also when it said no.
};

// Names the call to the product, so that it can recognise it (`_meta`).
struct CallNote {
    std::string visit_id;
    int seq = 0;
};

// Resource; does not outlive its Mcp. Calls may overlap.
class McpSession {
  public:
    virtual ~McpSession() = default;

    // Another map after a call before or during which the server said that its tools changed;
    // earlier ones live as long as the session. A name of the model's is read by the map that the
    // model was told of: in a later one it may belong to another tool.
    virtual const ToolMap& tools() const = 0;
    virtual const std::string& server_name() const = 0;
    virtual const std::string& server_version() const = 0;
    virtual const std::string& protocol_version() const = 0;

    // Runs the product's tool `tool` (its own name, not the model's). Throws only
    // Failure::unauthenticated (the bearer ran out, nothing was run: renew() and call again) and
    // Failure::forbidden; everything else is a result.
    virtual base::Task<CallResult> call(std::string tool, base::Json arguments, CallNote note,
                                        std::chrono::milliseconds limit) = 0;

    virtual void renew(base::Secret bearer) = 0;

    // The space of the calls to come, to a server that is told of one.
    virtual void work_in(std::string space_id) = 0;

    // Says good-bye within a short time; never throws.
    virtual base::Task<void> close() = 0;
};

// A list of tools, and who lists them.
struct ListedTools {
    std::shared_ptr<const ToolMap> map;
    std::string server_name, server_version;  // Empty where the list does not say.
};

// How a server wants to be spoken to, as it was found out.
struct McpManner {
    McpEra era = McpEra::sessions;  // Never automatic.
    bool tells_changes = false;     // Without sessions: it can be listened to.
};

// What sessions leave for later ones. Products list the same tools to every visit: a list that
// reads like one before is that one. Exact, by the text of its pages.
struct McpMemory {
    std::map<std::string, ListedTools, std::less<>> lists;
    std::map<std::string, McpManner, std::less<>> manners;  // By URL.
    // Maps over several servers, by their text.
    std::map<std::string, std::shared_ptr<const ToolMap>, std::less<>> merged;
};

// Resource of the loop thread.
class Mcp {
  public:
    Mcp(base::Http& http, McpOptions options, base::Metrics& metrics);
    Mcp(const Mcp&) = delete;
    Mcp& operator=(const Mcp&) = delete;

    // Handshake and tool list. Throws Failure: unavailable when the server does not answer or does
    // not speak MCP, unauthenticated/forbidden when it refuses the bearer, else the kind of its
    // status (missing: the URL is wrong).
    base::Task<std::unique_ptr<McpSession>> open(McpTarget target);

    // A map of these tools; one that reads like an earlier one is that one.
    std::shared_ptr<const ToolMap> shared_map(std::vector<McpTool> tools, const std::string& alias);
    base::Loop& loop() { return http_.loop(); }

  private:
    base::Http& http_;
    McpOptions options_;
    base::Metrics& metrics_;
    McpMemory memory_;
};

}  // namespace clients
