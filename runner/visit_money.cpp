// What a visit's requests cost and may cost.
#include <algorithm>

#include <fmt/format.h>

#include "runner/visit.hpp"

namespace runner {

namespace {

std::int64_t prompt_tokens_of(const catalog::TokenCounts& tokens) {
    return tokens.input + tokens.cache_write + tokens.cache_read;
}

// Of the question after the day: persona, digest of her calls, schema.
constexpr std::size_t rating_bytes_expected = 40'000;
// What the API adds by itself when there are tools.
constexpr std::int64_t hidden_tokens = 1'000;

// Settles a request's reservation however the request ends.
class RequestMoney {
  public:
    RequestMoney(Budget& budget, std::string visit) : budget_(budget), visit_(std::move(visit)) {}
    RequestMoney(const RequestMoney&) = delete;
    RequestMoney& operator=(const RequestMoney&) = delete;
    ~RequestMoney() { budget_.settle(visit_); }

  private:
    Budget& budget_;
    const std::string visit_;
};

}  // namespace

// Two bytes a token are fewer than any tokenizer makes of prose, JSON or tool schemas.
std::int64_t tokens_at_most(std::size_t bytes) {
    return hidden_tokens + static_cast<std::int64_t>(bytes / 2);
}

Visit::~Visit() {
    if (services_.budget) services_.budget->close(id());
}

// Grows by what was said since the newest request, whose length the model told.
std::int64_t Visit::next_prompt_tokens() const {
    if (newest_prompt_tokens_ == 0) return tokens_at_most(talk_->bytes());
    return newest_prompt_tokens_ +
           static_cast<std::int64_t>((talk_->bytes() - newest_prompt_bytes_) / 2) + hidden_tokens;
}

double Visit::cost_at_most(const clients::TurnOptions& turn, std::int64_t prompt_tokens) const {
    const auto usd =
        services_.prices.cost_at_most(turn.model, prompt_tokens, turn.max_tokens, started_at_);
    // The start refuses a budget with a model that has no price.
    return usd.value_or(0);
}

// What the first request of the day reserves besides, so that the day is rated in the end.
double Visit::rating_money() const {
    const clients::TurnOptions turn{.model = options_.rating_model,
                                    .max_tokens = rating_tokens_max};
    return cost_at_most(turn, tokens_at_most(rating_bytes_expected));
}

// Serialised before the first suspension: the task owns what it sends.
base::Task<std::optional<clients::Message>> Visit::ask(const clients::Conversation& talk,
                                                       const clients::TurnOptions& turn,
                                                       std::int64_t prompt_tokens) {
    const double usd = services_.budget ? cost_at_most(turn, prompt_tokens) : 0;
    const bool is_first = services_.budget && newest_prompt_tokens_ == 0;
    return ask_within_budget(services_.claude.send(talk, turn, lost_reply_of(turn.model)), usd,
                             is_first ? rating_money() : 0, turn.model);
}

base::Task<std::optional<clients::Message>> Visit::ask_within_budget(
    base::Task<clients::Message> call, double usd, double keep, std::string model) {
    std::optional<RequestMoney> money;
    while (services_.budget && !money) {
        const Budget::Answer answer = services_.budget->reserve(id(), usd, keep);
        if (answer.verdict == Budget::Verdict::refused) {
            over_budget_ = answer.reason;
            over_limit_ = answer.limit;
            co_return std::nullopt;
        }
        if (answer.verdict == Budget::Verdict::granted) {
            money.emplace(*services_.budget, id());
            break;
        }
        const Waiting before = std::exchange(progress_.waiting_for, Waiting::budget);
        co_await services_.budget->changed().wait();
        progress_.waiting_for = before;
    }
    try {
        clients::Message reply = co_await std::move(call);
        count_reply(reply, model);
        co_return reply;
    } catch (const base::Failure& failure) {
        const bool stopped = !services_.claude.traffic().stop_reason().empty();
        model_stopped_ = stopped && (clients::is_spending_cap(failure) ||
                                     failure.kind() == base::Failure::Kind::throttled);
        // A reply broke off and the budget has no room for another one: the day ends here.
        if (over_budget_.empty()) throw;
    }
    co_return std::nullopt;
}

// That there is no money for even one request, that the model stopped all visits, or that the disk
// is full is nobody's failure: the slot's attempts are not used up. What stopped all keeps claims
// away until it is over; a persona's own money comes back tomorrow, and what is too little for any
// visit is said there.
void Visit::note_not_asked(catalog::VisitEnd& end) {
    const bool never_opened = !inside_ && progress_.waiting_for == Waiting::disk;
    if (model_stopped_ || never_opened) end.handed_back = true;
    if (progress_.turns > 0 || !over_limit_) return;
    end.handed_back = true;
    if (over_limit_ == Budget::Limit::day) return;
    end.not_before = services_.budget->tomorrow();
    if (over_limit_ != Budget::Limit::visit || !talk_) return;
    // Without her own words: what every visit's first request may cost.
    const clients::TurnOptions turn{.model = options_.model,
                                    .max_tokens = options_.tokens_per_turn_max};
    const std::size_t hers = std::min(claimed_.persona.system_prompt.size(), talk_->bytes());
    services_.budget->hear_least(cost_at_most(turn, tokens_at_most(talk_->bytes() - hers)) +
                                 rating_money());
}

std::string usd_text(const VisitProgress& progress) {
    return progress.unpriced ? "unpriced" : fmt::format("{:.4f}", progress.cost_usd);
}

std::string prefix_read_text(const VisitProgress& progress) {
    if (progress.prefix_tokens == 0) return "-";
    return fmt::format("{}%", 100 * progress.prefix_tokens_read / progress.prefix_tokens);
}

std::optional<double> Visit::count(const catalog::TokenCounts& tokens, const std::string& model) {
    progress_.tokens.input += tokens.input;
    progress_.tokens.output += tokens.output;
    progress_.tokens.cache_write += tokens.cache_write;
    progress_.tokens.cache_read += tokens.cache_read;
    const auto cost = services_.prices.cost(model, tokens, started_at_);
    progress_.cost_usd += cost.value_or(0);
    progress_.unpriced = progress_.unpriced || !cost;
    return cost;
}

void Visit::count_reply(const clients::Message& reply, const std::string& model) {
    const auto cost = count(reply.tokens, reply.model.empty() ? model : reply.model);
    if (!services_.budget) return;
    // A gateway may call the model by a name without a price; its money is spent all the same.
    services_.budget->spend(
        id(), cost ? *cost : services_.prices.cost(model, reply.tokens, started_at_).value_or(0));
}

void Visit::count_prefix(const catalog::TokenCounts& tokens) {
    progress_.prefix_tokens += newest_prompt_tokens_;
    // What a turn reads beyond the prompt before it is the end of that reply.
    progress_.prefix_tokens_read += std::min(tokens.cache_read, newest_prompt_tokens_);
    newest_prompt_tokens_ = prompt_tokens_of(tokens);
    newest_prompt_bytes_ = talk_->bytes();
}

// The visit outlives its calls.
clients::LostReply Visit::lost_reply_of(const std::string& model) {
    return [this, model](const catalog::TokenCounts& lost) {
        const auto cost = count(lost, model);
        if (!services_.budget || services_.budget->spend(id(), cost.value_or(0))) return true;
        over_budget_ = "a reply broke off, and asking again does not fit";
        return false;
    };
}

}  // namespace runner
