// The end of a visit's day: who is asked how which module felt, and who is not.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "runner/ratings.hpp"
#include "runner/visit.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::string_view silent_module_text = "none of its calls was answered";

}  // namespace

// Who tried and heard nothing all day met no product: her day is partial, and there is nothing that
// a rating could rest on.
void Visit::require_an_answer() const {
    if (progress_.modules.empty() || !answered_.empty()) return;
    throw Failure{Failure::Kind::unavailable,
                  fmt::format("no tool call of the day was answered; the last one: {}",
                              base::cut(newest_trouble_, digest_answer_bytes_max))};
}

// Of every module used. What was never answered is nothing to be asked about.
[[gnu::noinline]] base::Task<std::vector<catalog::Rating>> Visit::rate() {
    RatingQuestion silent{id(), {}, progress_.tool_calls};
    for (const std::string& module : progress_.modules) {
        if (std::find(answered_.begin(), answered_.end(), module) == answered_.end())
            silent.modules.push_back(module);
    }
    std::vector<catalog::Rating> ratings;
    if (!answered_.empty()) ratings = co_await rate_answered();
    for (catalog::Rating& row :
         unanswered_ratings(silent, catalog::Rating::Status::missing, silent_module_text)) {
        ratings.push_back(std::move(row));
    }
    co_return ratings;
}

[[gnu::noinline]] base::Task<std::vector<catalog::Rating>> Visit::rate_answered() {
    const RatingQuestion question{id(), answered_, progress_.tool_calls};
    progress_.waiting_for = Waiting::rating;
    progress_.asked_for_ratings = true;
    if (services_.budget) services_.budget->release_rating(id());
    std::string trouble;
    for (const bool structured : {true, false}) {
        bool schema_refused = false;
        try {
            const std::optional<clients::Message> reply = co_await ask_rating(structured);
            if (!reply) {
                trouble = "budget: " + over_budget_;
                break;
            }
            if (reply->stop_reason == "refusal") {
                co_return unanswered_ratings(question, catalog::Rating::Status::refused,
                                             reply->text);
            }
            co_return read_ratings(question, reply->text);
        } catch (const Failure& failure) {
            // A day that was lived stays a day: without an answer its ratings are missing, not
            // invented. A server without structured outputs refuses the schema; then it is asked
            // without.
            trouble = failure.what();
            schema_refused = structured && failure.kind() == Failure::Kind::invalid;
        }
        if (!schema_refused) break;
    }
    base::log_warning("rating failed",
                      {{"persona", persona()}, {"visit", id()}, {"reason", trouble}});
    reason_ += "; rating failed";
    co_return unanswered_ratings(question, catalog::Rating::Status::missing, trouble);
}

base::Task<std::optional<clients::Message>> Visit::ask_rating(bool structured) {
    clients::Conversation question(rating_system_text(claimed_.persona), "[]");
    question.add_user(rating_question(answered_, digest_));
    clients::TurnOptions turn{.model = options_.rating_model, .max_tokens = rating_tokens_max};
    if (structured) turn.output_schema = base::to_text(rating_schema(answered_));
    // Serialised before the first suspension: the task owns what it sends.
    return ask(question, turn, tokens_at_most(question.bytes() + turn.output_schema.size()));
}

}  // namespace runner
