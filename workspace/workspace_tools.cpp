#include "workspace/workspace_tools.hpp"

#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace workspace {

namespace {

constexpr std::int64_t box_visit_seq_max = 1'000'000;

// The runner's mark of a call, for audits and for recognising a resent call. Absent is fine.
void box_read_mark(const base::Json& meta, Scope& scope) {
    if (meta.is_null()) return;
    const base::Fields fields(meta, "_meta");
    scope.visit_id = fields.text_or_none("persona-runner/visit", 100);
    scope.visit_seq = fields.integer_or_none("persona-runner/seq", 0, box_visit_seq_max);
    if (scope.visit_id.has_value() != scope.visit_seq.has_value()) {
        fields.fail(scope.visit_id ? "persona-runner/seq" : "persona-runner/visit",
                    "must be given together with the other mark");
    }
    if (scope.visit_id && scope.visit_id->empty()) {
        fields.fail("persona-runner/visit", "must not be empty");
    }
}

class BoxOutside final : public Outside {
  public:
    BoxOutside(Memberships& memberships, Feeds& feeds, const McpCaller& caller, CallWatch& watch)
        : memberships_(memberships), feeds_(feeds), caller_(caller), watch_(watch) {}
    base::Json spaces() override { return memberships_.spaces(caller_.user_id, caller_.token); }
    base::Json members() override { return memberships_.members(caller_.space_id, caller_.token); }
    base::Json news() override {
        return feeds_.all([this](std::size_t done, std::size_t all, const std::string& url) {
            watch_.progress(static_cast<double>(done), static_cast<double>(all), url);
            return !watch_.cancelled();
        });
    }
    void progress(double done, double total, std::string_view message) override {
        watch_.progress(done, total, message);
    }
    bool cancelled() const override { return watch_.cancelled(); }

  private:
    Memberships& memberships_;
    Feeds& feeds_;
    const McpCaller& caller_;
    CallWatch& watch_;
};

std::string box_instructions(const Registry& registry) {
    std::string text =
        "A workspace of one space, personal or shared: tasks, calendar, journal, notes, mood, "
        "habits, contacts, articles, dreams, library, goals and invoices.";
    if (registry.find("newsResearch.search")) text += " News are searched in configured feeds.";
    return text +
           " Ids come from the answers of list and search tools. Dates are YYYY-MM-DD, times ISO "
           "8601 with zone.";
}

}  // namespace

WorkspaceTools::WorkspaceTools(const Registry& registry, Calls& calls, Memberships& memberships)
    : registry_(registry),
      calls_(calls),
      memberships_(memberships),
      listing_(registry.listing()),
      instructions_(box_instructions(registry)) {}

std::optional<ToolTraits> WorkspaceTools::traits(std::string_view name) const {
    const Tool* tool = registry_.find(name);
    if (!tool) return std::nullopt;
    return ToolTraits{.writes = tool->effect != Effect::reads,
                      .slow = tool->slow,
                      .input_schema = tool->input.get()};
}

base::Json WorkspaceTools::call(const ToolCall& call, const McpCaller& caller, CallWatch& watch) {
    const Tool* tool = registry_.find(call.name);
    base::require(tool != nullptr, "only tools of the list are called");
    Scope scope{
        .user_id = caller.user_id, .space_id = caller.space_id, .visit_id = {}, .visit_seq = {}};
    box_read_mark(call.meta, scope);
    BoxOutside outside(memberships_, calls_.feeds(), caller, watch);
    return calls_.perform(*tool, call.arguments, scope, outside);
}

}  // namespace workspace
