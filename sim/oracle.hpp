// The judge: from the wire alone it says whether a client kept its word: history only grows, no
// retry before its time, no two attempts of one item at once, no tool run twice for one call, and
// what all of it cost. Read at GET /sim/verdict or by Claude::verdict().
//
//   item          one turn that a client wants: requests with equal bytes are attempts of one item
//   conversation  requests that carry calls which this simulator answered there; without calls,
//                 those with the same model, system and first user message that extend each other
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "sim/usage.hpp"

namespace sim {

struct Counts {
    std::size_t requests = 0;
    std::size_t replies = 0;  // Answers that went out whole.
    std::size_t refused = 0;  // Answers with an error status.
    std::size_t broken = 0;   // Replies that did not get to their end.
    std::size_t retries = 0;  // Further attempts of an item that had none whole.
    // Word not kept.
    std::size_t rewritten = 0;   // Did not begin with the bytes of the request before.
    std::size_t early = 0;       // Retries before the demanded wait was over.
    std::size_t concurrent = 0;  // Attempts while another one of the same item was under way.
    std::size_t doubled = 0;     // Calls with a second result that differs from the first.
    Usage usage;                 // Of replies.
    double cost_usd = 0;         // Of replies.
    double broken_cost_usd = 0;  // Of broken ones, as if they had been whole: at most this.
    std::size_t unpriced = 0;    // Replies of models without a known price.

    bool clean() const { return rewritten + early + concurrent + doubled == 0; }
};

struct Talk {
    std::string conversation;
    std::string model;
    Counts counts;
};

struct Retry {
    std::string conversation;
    base::Moment at{};
    std::size_t attempt = 0;              // 2 for the first retry.
    std::chrono::milliseconds waited{0};  // Since the attempt before had failed.
    std::optional<std::chrono::milliseconds> demanded;
};

struct Finding {
    std::string conversation;
    base::Moment at{};
    std::string kind;  // "rewritten", "early", "concurrent" or "doubled".
    std::string text;
};

struct Verdict {
    Counts total;
    std::size_t attempts_most = 0;  // Of one item.
    // Requests of a key, other than the refused item, while a demanded wait of that key ran.
    std::size_t pressing = 0;
    std::vector<Talk> conversations;  // The latest ones.
    std::vector<Retry> retries;       // The latest ones.
    std::vector<Finding> findings;    // The first ones.
};

base::Json to_json(const Verdict& verdict);

// Thread-safe; bounded: of what is too old only the totals stay.
class Oracle {
  public:
    struct Arrival {
        std::string key;
        const base::Json& body;  // An object with an array of messages, as it came.
        std::string_view text;   // The body's bytes.
        base::Moment at{};
        base::Steady steady{};
    };
    struct Seen {
        std::uint64_t number = 0;
        std::string conversation;
        bool extends_previous = true;
        std::size_t attempt = 1;
    };

    // One request: it arrives, is refused or answered, an answer begins, and it ends.
    Seen arrive(const Arrival& arrival);
    void refuse(std::uint64_t number, std::optional<std::chrono::milliseconds> demanded,
                base::Steady now);
    void answer(std::uint64_t number, const base::Json& message, const Usage& usage);
    void begin(std::uint64_t number);
    void end(std::uint64_t number, bool whole, base::Steady now);

    Verdict verdict() const;
    void forget();  // Except what is under way.

  private:
    struct Item {
        std::size_t attempts = 0;
        std::size_t open = 0;
        bool done = false;
        base::Steady failed_at{};
        std::optional<std::chrono::milliseconds> demanded;
    };
    struct Open {
        std::string item;
        std::string conversation;
        std::string key;
        std::string model;
        Usage usage;
        bool billed = true;
        bool begun = false;
        bool refused = false;
    };
    struct Tip {
        Talk talk;
        std::size_t prompt_bytes = 0;
        std::string prompt_hash;
    };
    struct Call {
        std::string conversation;
        std::string result_hash;
    };

    bool extends(const Tip& tip, std::string_view prompt) const;
    std::string conversation_of(const Arrival& arrival, std::string_view prompt);
    void judge_prompt(Seen& seen, const Arrival& arrival, std::string_view prompt);
    void judge_attempt(Seen& seen, const Arrival& arrival, Item& item);
    void judge_results(const Seen& seen, const Arrival& arrival);
    void find(const Seen& seen, base::Moment at, std::string_view kind, std::string text);
    Tip& tip_of(const std::string& conversation);
    Call& call_of(std::string_view id, const std::string& conversation);
    void make_room();
    // Counts in the totals and in the conversation.
    template <class Change>
    void count(const std::string& conversation, const Change& change);

    mutable std::mutex mutex_;
    std::uint64_t next_number_ = 1;
    Verdict verdict_;
    std::deque<Retry> retries_;
    std::unordered_map<std::uint64_t, Open> open_;
    std::unordered_map<std::string, Item> items_;
    std::unordered_map<std::string, Tip> tips_;
    std::deque<std::string> order_;  // Of conversations, oldest first.
    std::unordered_map<std::string, std::size_t> instances_;
    std::unordered_map<std::string, Call> calls_;
    std::deque<std::string> call_order_;                  // Oldest first.
    std::unordered_map<std::string, base::Steady> held_;  // Per key, until when.
};

}  // namespace sim
