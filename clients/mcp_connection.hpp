// One visit's way to one server of tools: which era it speaks, the handshake or none, the list, the
// calls, and what happens when a session is lost.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/group.hpp"
#include "clients/mcp.hpp"
#include "clients/mcp_wire.hpp"

namespace clients {

class McpConnection final : public McpSession {
  public:
    McpConnection(base::Http& http, const McpOptions& options, McpTarget target,
                  base::Metrics& metrics, McpMemory& memory)
        : options_(options),
          metrics_(metrics),
          memory_(memory),
          url_(target.url),
          alias_(target.alias),
          wanted_(target.tools),
          wished_era_(target.era),
          wire_(http, options, std::move(target)),
          reopened_(http.loop()) {}
    McpConnection(const McpConnection&) = delete;
    McpConnection& operator=(const McpConnection&) = delete;

    const ToolMap& tools() const override { return *tools_; }
    const std::string& server_name() const override { return server_name_; }
    const std::string& server_version() const override { return server_version_; }
    const std::string& protocol_version() const override { return revision_; }
    void renew(base::Secret bearer) override { wire_.renew(std::move(bearer)); }
    void work_in(std::string space_id) override { wire_.work_in(std::move(space_id)); }

    base::Task<CallResult> call(std::string tool, base::Json arguments, CallNote note,
                                std::chrono::milliseconds limit) override;
    base::Task<void> close() override;

    // Throws what Mcp::open() says.
    base::Task<void> begin();

  private:
    // Marks that one coroutine opens the session anew; also when that one is dropped.
    class Reopening {
      public:
        explicit Reopening(McpConnection& owner) : owner_(owner) { owner_.reopening_ = true; }
        Reopening(const Reopening&) = delete;
        Reopening& operator=(const Reopening&) = delete;
        ~Reopening() {
            owner_.reopening_ = false;
            owner_.reopened_.notify();
        }

      private:
        McpConnection& owner_;
    };

    base::Task<McpEra> find_era();
    base::Task<bool> probe();
    base::Task<void> shake_hands();
    base::Task<void> list_tools();
    base::Task<void> list_again();
    base::Task<bool> offers_still(std::string tool, std::chrono::milliseconds limit);
    void listen();
    base::Task<RpcAnswer> ask(base::Json params, base::HttpHeaders more, base::Steady deadline);
    base::Task<CallResult> complete(base::Json params, base::HttpHeaders more,
                                    std::chrono::milliseconds limit);
    bool is_wanted(std::string_view tool) const;
    void take(ListedTools listed);
    base::Task<void> reopen(int lost_generation);
    CallResult settle_failure(const base::Failure& failure) const;
    CallResult counted(CallResult result);

    const McpOptions& options_;
    base::Metrics& metrics_;
    McpMemory& memory_;
    const std::string url_;
    const std::string alias_;
    const std::vector<std::string> wanted_;  // Patterns; empty: every tool is wanted.
    const McpEra wished_era_;
    McpWire wire_;
    std::shared_ptr<const ToolMap> tools_;
    std::vector<std::shared_ptr<const ToolMap>> earlier_tools_;
    std::string server_name_, server_version_, revision_;
    bool has_tools_ = false;
    bool tells_changes_ = false;  // It can be listened to.
    bool lists_again_ = false;    // Another session may have other tools.
    int generation_ = 0;          // Grows with every handshake.
    bool reopening_ = false;
    base::Gate reopened_;
    std::unique_ptr<base::Group> listening_;  // Null: the server has nothing to say by itself.
};

}  // namespace clients
