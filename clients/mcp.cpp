#include "clients/mcp.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "clients/mcp_message.hpp"
#include "clients/mcp_wire.hpp"
#include "clients/trace.hpp"

namespace clients {

namespace {

constexpr std::chrono::milliseconds goodbye_limit{2'000};
constexpr std::size_t server_name_bytes_max = 128;
constexpr std::size_t tool_lists_max = 16;

std::string server_word(const base::Json& result, std::string_view name) {
    const auto info = result.find("serverInfo");
    if (info == result.end() || !info->is_object()) return {};
    const auto word = info->find(name);
    if (word == info->end() || !word->is_string()) return {};
    return base::cut(base::clean_utf8(word->get<std::string>()), server_name_bytes_max);
}

class McpConnection final : public McpSession {
  public:
    McpConnection(base::Http& http, const McpOptions& options, McpTarget target,
                  base::Metrics& metrics, ToolLists& lists)
        : options_(options),
          metrics_(metrics),
          lists_(lists),
          wire_(http, options, std::move(target)),
          reopened_(http.loop()) {}
    McpConnection(const McpConnection&) = delete;
    McpConnection& operator=(const McpConnection&) = delete;

    const ToolMap& tools() const override { return *tools_; }
    const std::string& server_name() const override { return server_name_; }
    const std::string& server_version() const override { return server_version_; }
    const std::string& protocol_version() const override { return revision_; }
    void renew(base::Secret bearer) override { wire_.renew(std::move(bearer)); }

    base::Task<CallResult> call(std::string tool, base::Json arguments, CallNote note,
                                std::chrono::milliseconds limit) override;
    base::Task<void> close() override;

    base::Task<void> shake_hands();
    base::Task<void> list_tools();

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

    base::Task<void> reopen(int lost_generation);
    CallResult settle_failure(const base::Failure& failure) const;
    CallResult counted(CallResult result);

    const McpOptions& options_;
    base::Metrics& metrics_;
    ToolLists& lists_;
    McpWire wire_;
    std::shared_ptr<const ToolMap> tools_;
    std::string server_name_, server_version_, revision_;
    bool has_tools_ = false;
    int generation_ = 0;  // Grows with every handshake.
    bool reopening_ = false;
    base::Gate reopened_;
};

base::Task<void> McpConnection::shake_hands() {
    wire_.forget_session();
    const RpcAnswer answer =
        co_await wire_.request("initialize", initialize_params(), options_.request_limit);
    if (answer.error_code || !answer.result.is_object()) {
        throw base::Failure{
            base::Failure::Kind::unavailable,
            "the product refused the MCP handshake: " + base::cut(answer.error_message, 300)};
    }
    const auto revision = answer.result.find("protocolVersion");
    const std::string spoken = revision != answer.result.end() && revision->is_string()
                                   ? revision->get<std::string>()
                                   : "";
    if (!is_known_revision(spoken)) {
        throw base::Failure{base::Failure::Kind::unavailable,
                            "the product speaks MCP revision \"" +
                                base::cut(base::clean_utf8(spoken), 32) + "\"; understood are " +
                                known_revisions()};
    }
    revision_ = spoken;
    server_name_ = server_word(answer.result, "name");
    server_version_ = server_word(answer.result, "version");
    const auto abilities = answer.result.find("capabilities");
    has_tools_ =
        abilities != answer.result.end() && abilities->is_object() && abilities->contains("tools");
    wire_.agree(spoken);
    co_await wire_.notify("notifications/initialized", base::Json{});
    ++generation_;
}

base::Task<void> McpConnection::list_tools() {
    std::vector<McpTool> tools;
    std::string list;  // The pages' texts, each with the request that it answers.
    std::set<std::string> cursors;
    std::optional<std::string> cursor;
    for (int page = 0; has_tools_; ++page) {
        base::Json params = base::Json::object();
        if (cursor) params["cursor"] = *cursor;
        const RpcText text =
            co_await wire_.request_text("tools/list", std::move(params), options_.request_limit);
        list += std::to_string(text.id) + text.text;
        if (const auto known = lists_.find(list); known != lists_.end()) {
            tools_ = known->second;
            co_return;
        }
        const RpcAnswer answer = McpWire::answer_in(text);
        if (answer.error_code) {
            throw base::Failure{
                base::Failure::Kind::unavailable,
                "the product does not list its tools: " + base::cut(answer.error_message, 300)};
        }
        ToolPage listed = read_tool_page(answer.result);
        for (const std::string& reason : listed.left_out) {
            base::log_warning("tool left out", {{"reason", reason}});
        }
        for (McpTool& tool : listed.tools) tools.push_back(std::move(tool));
        cursor = std::move(listed.next_cursor);
        if (!cursor) break;
        const bool repeated = !cursors.insert(*cursor).second;
        if (repeated || page + 1 >= options_.pages_max || tools.size() >= options_.tools_max) {
            base::log_warning("product's tool list does not end", {{"tools", tools.size()}});
            break;
        }
    }
    if (tools.size() > options_.tools_max) tools.resize(options_.tools_max);
    tools_ = std::make_shared<const ToolMap>(std::move(tools), options_.alias);
    for (const std::string& reason : tools_->left_out()) {
        base::log_warning("tool left out", {{"reason", reason}});
    }
    if (lists_.size() >= tool_lists_max) lists_.clear();
    lists_.emplace(std::move(list), tools_);
}

base::Task<CallResult> McpConnection::call(std::string tool, base::Json arguments, CallNote note,
                                           std::chrono::milliseconds limit) {
    base::Json params = base::Json::object();
    params["name"] = tool;
    params["arguments"] = arguments.is_null() ? base::Json::object() : std::move(arguments);
    params["_meta"] = {{"persona-runner/visit", note.visit_id},
                       {"persona-runner/seq", note.seq},
                       {"traceparent", traceparent_of(note.visit_id, note.seq)}};
    const base::Steady deadline = wire_.loop().now() + limit;
    std::optional<base::Failure> failure;
    for (bool again = false;; again = true) {
        const int generation = generation_;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - wire_.loop().now());
        try {
            const RpcAnswer answer = co_await wire_.request("tools/call", params, left);
            co_return counted(answer.error_code
                                  ? call_result_of_error(answer, options_.result_bytes_max)
                                  : read_call_result(answer.result, options_.result_bytes_max));
        } catch (const base::Failure& thrown) {
            // Settled below: no co_await may stand in a handler.
            failure = thrown;
        }
        if (failure->code() != mcp_session_lost || again) break;
        // A lost session did not run the call, so it may be sent once more.
        try {
            const bool open =
                co_await wire_.loop().within(deadline - wire_.loop().now(), reopen(generation));
            if (open) continue;
            failure.emplace(base::Failure::Kind::unavailable,
                            "the product's session was lost and did not open again in time",
                            std::string{mcp_refused});
        } catch (const base::Failure& thrown) {
            // Nothing of the handshake ran the call, whatever became of it.
            failure.emplace(thrown.kind(), thrown.what(), std::string{mcp_refused});
        }
        break;
    }
    const bool for_the_caller = failure->kind() == base::Failure::Kind::unauthenticated ||
                                failure->kind() == base::Failure::Kind::forbidden;
    if (for_the_caller) throw base::Failure{*failure};
    co_return counted(settle_failure(*failure));
}

CallResult McpConnection::settle_failure(const base::Failure& failure) const {
    const bool not_run = failure.code() == mcp_session_lost || failure.code() == mcp_refused ||
                         failure.code() == "not_sent";
    CallResult result;
    result.outcome = not_run ? CallResult::Outcome::error : CallResult::Outcome::unknown;
    result.text = not_run ? "not run: " : "unknown whether it was done: ";
    result.text += base::cut(base::clean_utf8(failure.what()), options_.result_bytes_max);
    return result;
}

CallResult McpConnection::counted(CallResult result) {
    const char* word = result.outcome == CallResult::Outcome::ok      ? "ok"
                       : result.outcome == CallResult::Outcome::error ? "error"
                                                                      : "unknown";
    metrics_.counter("mcp_calls_total", "Tool calls by outcome.", {{"outcome", word}}).add();
    return result;
}

base::Task<void> McpConnection::reopen(int lost_generation) {
    while (reopening_) co_await reopened_.wait();
    if (generation_ != lost_generation) co_return;  // Another call has done it.
    const Reopening guard{*this};
    base::log_info("product's session lost, opening another");
    metrics_.counter("mcp_sessions_reopened_total", "MCP sessions that were lost and reopened.")
        .add();
    co_await shake_hands();
}

base::Task<void> McpConnection::close() {
    if (!wire_.has_session()) co_return;
    try {
        co_await wire_.loop().within(goodbye_limit, wire_.end_session());
    } catch (const base::Failure& failure) {
        // The server forgets idle sessions by itself.
        base::log_debug("product's session not closed", {{"reason", failure.what()}});
    }
    wire_.forget_session();
}

}  // namespace

Mcp::Mcp(base::Http& http, McpOptions options, base::Metrics& metrics)
    : http_(http), options_(std::move(options)), metrics_(metrics) {}

base::Task<std::unique_ptr<McpSession>> Mcp::open(McpTarget target) {
    auto connection =
        std::make_unique<McpConnection>(http_, options_, std::move(target), metrics_, lists_);
    co_await connection->shake_hands();
    co_await connection->list_tools();
    std::unique_ptr<McpSession> session = std::move(connection);
    co_return session;
}

}  // namespace clients
