// One persona, one visit: log in, spend a short day in the product through Claude and its tools,
// then say how each module felt.
//
//   login ─► spaces ─► tools ─► turn ⇄ tool calls ─► rating ─► closed in the outbox
//                                └─ until Claude stops or the turn limit is reached
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/secret.hpp"
#include "catalog/prices.hpp"
#include "catalog/record.hpp"
#include "clients/auth.hpp"
#include "clients/claude.hpp"
#include "clients/mcp_servers.hpp"
#include "runner/budget.hpp"
#include "runner/lease.hpp"
#include "runner/logins.hpp"
#include "runner/outbox.hpp"
#include "runner/places.hpp"
#include "runner/prompts.hpp"

namespace runner {

// What a visit talks to. The daemon owns these; they outlive every visit.
struct Services {
    base::Loop& loop;
    clients::Auth& auth;
    clients::Claude& claude;
    clients::Mcp& mcp;
    Outbox& outbox;
    Lease& lease;
    const catalog::Prices& prices;
    base::Metrics& metrics;
    base::Random& random;
    Logins& logins;
    Budget* budget = nullptr;  // Null: no limit.
};

struct VisitOptions {
    std::string model = "claude-sonnet-5-5";
    std::string rating_model = "claude-haiku-5-5";
    std::string effort = "medium";            // Of the main turns.
    std::vector<clients::McpServer> servers;  // At least one.
    int turns_max = 15;  // Requests to the main model; the rating is not counted.
    int tokens_per_turn_max = 4'096;
    std::chrono::milliseconds tool_limit{30'000};
    std::string zone = "UTC";
    std::optional<std::uint64_t> seed;  // The same seed plans the same day; nothing: by visit.
    bool keep_inputs = false;  // Store masked tool inputs (our own workspace, allow-listed).
};

// What the visit waits for right now; also tells whose failure a failure is.
enum class Waiting { login, spaces, tools, budget, model, tool, rating, disk };
std::string_view word_of(Waiting waiting);

// What can be seen of a visit from outside, at any time.
struct VisitProgress {
    Waiting waiting_for = Waiting::login;
    std::string last_tool;
    int turns = 0;
    int tool_calls = 0;
    int tool_errors = 0;
    catalog::TokenCounts tokens;
    double cost_usd = 0;         // Of everything, the rating included.
    double rating_cost_usd = 0;  // Of it, for the rating.
    bool asked_for_ratings = false;
    bool unpriced = false;  // A reply came of a model without a price: the cost is unknown.
    // Main turns after the first begin with the whole prompt of the turn before: how many tokens
    // that makes together, and how many of them the model read from its cache.
    std::int64_t prefix_tokens = 0, prefix_tokens_read = 0;
    std::string product_name, product_version;
    std::vector<std::string> modules;  // Used, in order of first use.
};

// For people: "0.0213" or "unpriced"; the share of the repeatable prompt that came from the cache
// as "97%", or "-" when no turn followed another.
std::string usd_text(const VisitProgress& progress);
std::string prefix_read_text(const VisitProgress& progress);

// Resource of the loop thread: one visit. Each action's intent is on disk before its call leaves
// and its outcome before the next call or turn, so a visit cut short keeps what it did and knows
// what it does not know.
class Visit {
  public:
    Visit(Services services, const VisitOptions& options, clients::ClaimedVisit claimed);
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit();

    // Returns when the visit is closed in the outbox and the product was told goodbye. Throws
    // base::Failure when it cannot go on; then whoever runs it calls give_up(), unless is_ended().
    base::Task<void> run();
    // Its day stands in the outbox; what fails, is cut or takes too long afterwards is no trouble
    // of the visit.
    bool is_ended() const { return is_ended_; }
    // Logged in, tools open: told once, from inside run(). Until then is_inside() is false.
    void on_entered(std::function<void()> told) { entered_ = std::move(told); }
    bool is_inside() const { return inside_; }
    // Closes it in the outbox after a failure, or when its task was dropped. Harmless when it is
    // closed. `handed_back`: the daemon stops; without actions the attempt is not used up.
    void give_up(const std::string& reason, catalog::VisitEnd::Source source,
                 bool handed_back = false);

    const clients::ClaimedVisit& claimed() const { return claimed_; }
    const VisitProgress& progress() const { return progress_; }
    base::Steady began() const { return began_; }
    const std::string& id() const { return claimed_.visit_id; }
    std::string persona() const;  // Short name.

  private:
    base::Task<void> enter();
    base::Task<clients::Login> log_in();
    base::Task<std::vector<clients::Space>> find_spaces();
    base::Task<void> live_turns();
    base::Task<clients::ToolAnswer> run_tool(clients::ToolUse use);
    void check_lease() const;
    base::Task<clients::CallResult> call_product(std::string tool, base::Json arguments, int seq);
    base::Task<std::vector<catalog::Rating>> rate();
    base::Task<std::vector<catalog::Rating>> rate_answered();
    base::Task<std::optional<clients::Message>> ask_rating(bool structured);
    // Asks the model when the most that it can cost fits the budget; else nothing, and
    // over_budget_ says why (visit_money.cpp).
    base::Task<std::optional<clients::Message>> ask(const clients::Conversation& talk,
                                                    const clients::TurnOptions& turn,
                                                    std::int64_t prompt_tokens);
    base::Task<std::optional<clients::Message>> ask_within_budget(base::Task<clients::Message> call,
                                                                  double usd, double keep,
                                                                  std::string model);
    double rating_money() const;
    double cost_at_most(const clients::TurnOptions& turn, std::int64_t prompt_tokens) const;
    std::int64_t next_prompt_tokens() const;
    // What replies cost, whole ones and broken ones.
    std::optional<double> count(const catalog::TokenCounts& tokens, const std::string& model);
    void count_reply(const clients::Message& reply, const std::string& model);
    void count_prefix(const catalog::TokenCounts& tokens);
    clients::LostReply lost_reply_of(const std::string& model);
    void note(const catalog::Action& action, const clients::CallResult& result);
    void require_an_answer() const;
    catalog::Action intent_of(const clients::ToolUse& use, const clients::ToolMap::Entry* entry);
    catalog::VisitEnd end_of(catalog::VisitEnd::Status status, std::string reason,
                             catalog::VisitEnd::Source source) const;
    std::uint64_t seed() const;

    Services services_;
    const VisitOptions& options_;
    const clients::ClaimedVisit claimed_;
    const base::Steady began_;
    base::Moment started_at_{};  // Its day decides about prices.
    std::int64_t newest_prompt_tokens_ = 0;
    std::size_t newest_prompt_bytes_ = 0;
    void note_not_asked(catalog::VisitEnd& end);

    std::string over_budget_;                  // Why the budget let no further request leave …
    std::optional<Budget::Limit> over_limit_;  // … and which limit that was, if it was one.
    bool model_stopped_ = false;               // The model let none leave, of nobody.
    VisitProgress progress_;
    std::function<void()> entered_;
    bool inside_ = false;
    bool is_ended_ = false;
    clients::Login login_;
    std::unique_ptr<clients::McpSession> session_;
    // What the model was told of. A product may change its tools meanwhile: names are read by this
    // map to the end, and a tool that is gone is an error of its call. Telling the model of others
    // would change the first part of every request, and it would read the whole day anew.
    const clients::ToolMap* told_ = nullptr;
    std::optional<clients::Conversation> talk_;
    std::optional<base::Task<void>> outcome_written_;  // Of the newest action: until it is on disk.
    std::vector<DigestLine> digest_;
    std::vector<std::string> answered_;  // Modules of which a call was answered: those are rated.
    std::string newest_trouble_;         // Why the newest call without an answer got none.
    DayPlan plan_;
    std::string home_;  // Id of her personal space.
    Places places_;
    std::string reason_;   // How the day ended.
    std::string summary_;  // Her last words of the day.
};

inline constexpr int rating_tokens_max = 2'048;
// An upper bound for a prompt of so many bytes.
std::int64_t tokens_at_most(std::size_t bytes);

// Whose failure it is, by what the visit waited for.
catalog::VisitEnd::Source source_of(Waiting waiting, base::Failure::Kind kind);

}  // namespace runner
