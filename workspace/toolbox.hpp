// What an MCP endpoint offers: a list of tools and a way to call one. The workspace's tools are one
// such box; the endpoint knows no other thing about them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/secret.hpp"

namespace workspace {

// Whom a request comes from, proven.
struct McpCaller {
    std::string user_id;
    std::string space_id;
    base::Secret token;
};

// One running call as its caller follows it.
class CallWatch {
  public:
    virtual ~CallWatch() = default;
    // Told to a caller who asked for it; `done` must grow. `total` 0: not known.
    virtual void progress(double done, double total, std::string_view message) = 0;
    // The caller does not want the answer any more: stop where nothing is half done.
    virtual bool cancelled() const = 0;
};

// What the endpoint must know of a tool before it calls it. The references live as long as the box.
struct ToolTraits {
    bool writes = false;
    bool slow = false;  // May take seconds: answered as a stream to whoever takes one.
    const base::Json* input_schema = nullptr;
    base::Json needs = nullptr;  // Capabilities that the caller must have declared (an object).
};

struct ToolCall {
    std::string name;
    base::Json arguments;  // An object.
    base::Json meta;       // `_meta` of the request, or null.
};

// Any inbound thread; outlives the endpoint.
class Toolbox {
  public:
    virtual ~Toolbox() = default;
    virtual const base::Json& listing() const = 0;  // The array of tools/list, always the same.
    virtual std::string_view instructions() const = 0;
    virtual std::optional<ToolTraits> traits(std::string_view name) const = 0;
    // The result of tools/call. Throws base::Failure: invalid when the call itself makes no sense,
    // unavailable when it certainly was not done, internal when nobody knows.
    virtual base::Json call(const ToolCall& call, const McpCaller& caller, CallWatch& watch) = 0;
};

}  // namespace workspace
