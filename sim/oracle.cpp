#include "sim/oracle.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "sim/prices.hpp"
#include "sim/raw_prompt.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t oracle_conversations_max = 20'000;
constexpr std::size_t oracle_items_max = 100'000;
constexpr std::size_t oracle_calls_max = 400'000;
constexpr std::size_t oracle_retries_max = 1'000;
constexpr std::size_t oracle_findings_max = 100;

std::string oracle_hash(std::string_view text) {
    return base::to_hex(base::sha256(text)).substr(0, 16);
}

const base::Json& oracle_content(const base::Json& message) {
    static const base::Json nothing = base::Json::array();
    const auto content = message.is_object() ? message.find("content") : message.end();
    return message.is_object() && content != message.end() && content->is_array() ? *content
                                                                                  : nothing;
}

bool oracle_has_history(const base::Json& messages) {
    return std::any_of(messages.begin(), messages.end(), [](const base::Json& message) {
        return text_member(message, "role") == "assistant";
    });
}

void oracle_add(Usage& sum, const Usage& more) {
    sum.input += more.input;
    sum.read += more.read;
    sum.written_5m += more.written_5m;
    sum.written_1h += more.written_1h;
    sum.output += more.output;
    sum.thinking += more.thinking;
}

}  // namespace

template <class Change>
void Oracle::count(const std::string& conversation, const Change& change) {
    change(verdict_.total);
    change(tip_of(conversation).talk.counts);
}

Oracle::Seen Oracle::arrive(const Arrival& arrival) {
    const std::string prompt = raw_prompt(arrival.text);
    const std::string item = oracle_hash(arrival.key + '\n' + std::string(arrival.text));
    const std::lock_guard lock(mutex_);
    make_room();
    Seen seen{.number = next_number_++, .conversation = conversation_of(arrival, prompt)};
    tip_of(seen.conversation).talk.model = text_member(arrival.body, "model");
    count(seen.conversation, [](Counts& counts) { ++counts.requests; });
    judge_prompt(seen, arrival, prompt);
    judge_attempt(seen, arrival, items_[item]);
    judge_results(seen, arrival);
    open_[seen.number] = {.item = item,
                          .conversation = seen.conversation,
                          .key = arrival.key,
                          .model = std::string(text_member(arrival.body, "model")),
                          .usage = {}};
    return seen;
}

bool Oracle::extends(const Tip& tip, std::string_view prompt) const {
    return prompt.size() >= tip.prompt_bytes &&
           oracle_hash(prompt.substr(0, tip.prompt_bytes)) == tip.prompt_hash;
}

std::string Oracle::conversation_of(const Arrival& arrival, std::string_view prompt) {
    const base::Json& messages = arrival.body["messages"];
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        for (const base::Json& block : oracle_content(*message)) {
            if (type_of(block) != "tool_use") continue;
            const auto call = calls_.find(std::string(text_member(block, "id")));
            if (call != calls_.end()) return call->second.conversation;
        }
    }
    std::string words(text_member(arrival.body, "model"));
    if (arrival.body.contains("system")) words += '\n' + joined_text(arrival.body["system"]);
    for (const base::Json& message : messages) {
        if (text_member(message, "role") != "user" || !message.contains("content")) continue;
        words += '\n' + joined_text(message["content"]);
        break;
    }
    const std::string name = oracle_hash(arrival.key + '\n' + words);
    std::size_t& instance = instances_[name];
    const auto spell = [&] {
        return instance == 0 ? name : fmt::format("{}-{}", name, instance + 1);
    };
    const auto tip = tips_.find(spell());
    // Somebody who starts afresh has said nothing yet; who has, and says it otherwise, rewrites.
    const bool afresh =
        tip != tips_.end() && !extends(tip->second, prompt) && !oracle_has_history(messages);
    while (afresh && tips_.contains(spell())) ++instance;
    return spell();
}

Oracle::Tip& Oracle::tip_of(const std::string& conversation) {
    const auto [tip, fresh] = tips_.try_emplace(conversation);
    if (fresh) {
        tip->second.talk.conversation = conversation;
        order_.push_back(conversation);
    }
    return tip->second;
}

Oracle::Call& Oracle::call_of(std::string_view id, const std::string& conversation) {
    const auto [call, fresh] = calls_.try_emplace(std::string(id));
    if (fresh) {
        call->second.conversation = conversation;
        call_order_.emplace_back(id);
    }
    return call->second;
}

void Oracle::judge_prompt(Seen& seen, const Arrival& arrival, std::string_view prompt) {
    Tip& tip = tip_of(seen.conversation);
    seen.extends_previous = tip.prompt_hash.empty() || extends(tip, prompt);
    tip.prompt_bytes = prompt.size();
    tip.prompt_hash = oracle_hash(prompt);
    if (seen.extends_previous) return;
    count(seen.conversation, [](Counts& counts) { ++counts.rewritten; });
    find(seen, arrival.at, "rewritten",
         "the request does not begin with the bytes of the one before");
}

void Oracle::judge_attempt(Seen& seen, const Arrival& arrival, Item& item) {
    if (item.done && item.open == 0) item = {};  // Had its reply; asked for once more.
    seen.attempt = ++item.attempts;
    verdict_.attempts_most = std::max(verdict_.attempts_most, item.attempts);
    if (item.open++ > 0) {
        count(seen.conversation, [](Counts& counts) { ++counts.concurrent; });
        find(seen, arrival.at, "concurrent",
             fmt::format("attempt {} while another one is under way", item.attempts));
    } else if (item.attempts > 1) {
        const auto waited =
            std::chrono::duration_cast<milliseconds>(arrival.steady - item.failed_at);
        count(seen.conversation, [](Counts& counts) { ++counts.retries; });
        retries_.push_back({seen.conversation, arrival.at, item.attempts, waited, item.demanded});
        if (retries_.size() > oracle_retries_max) retries_.pop_front();
        if (item.demanded && waited < *item.demanded) {
            count(seen.conversation, [](Counts& counts) { ++counts.early; });
            find(seen, arrival.at, "early",
                 fmt::format("came again after {} ms instead of {} ms", waited.count(),
                             item.demanded->count()));
        }
    }
    const auto held = held_.find(arrival.key);
    if (item.attempts == 1 && held != held_.end() && arrival.steady < held->second) {
        ++verdict_.pressing;
    }
}

// The newest results: a call that is answered once more in other words was run once more.
void Oracle::judge_results(const Seen& seen, const Arrival& arrival) {
    const base::Json& messages = arrival.body["messages"];
    if (messages.empty()) return;
    for (const base::Json& block : oracle_content(messages.back())) {
        if (type_of(block) != "tool_result") continue;
        const std::string id(text_member(block, "tool_use_id"));
        Call& call = call_of(id, seen.conversation);
        const std::string hash = oracle_hash(canonical(block));
        if (call.result_hash.empty()) call.result_hash = hash;
        if (call.result_hash == hash) continue;
        call.result_hash = hash;
        count(seen.conversation, [](Counts& counts) { ++counts.doubled; });
        find(seen, arrival.at, "doubled", fmt::format("call {} has a second, other result", id));
    }
}

void Oracle::find(const Seen& seen, base::Moment at, std::string_view kind, std::string text) {
    if (verdict_.findings.size() >= oracle_findings_max) return;
    verdict_.findings.push_back({seen.conversation, at, std::string(kind), std::move(text)});
}

void Oracle::refuse(std::uint64_t number, std::optional<milliseconds> demanded, base::Steady now) {
    const std::lock_guard lock(mutex_);
    const auto open = open_.find(number);
    if (open == open_.end()) return;
    open->second.refused = true;
    Item& item = items_[open->second.item];
    item.demanded = demanded;
    item.failed_at = now;
    if (demanded) {
        base::Steady& until = held_[open->second.key];
        until = std::max(until, now + *demanded);
    }
}

void Oracle::answer(std::uint64_t number, const base::Json& message, const Usage& usage) {
    const std::lock_guard lock(mutex_);
    const auto open = open_.find(number);
    if (open == open_.end()) return;
    Open& one = open->second;
    one.usage = usage;
    // A refusal before any output is not billed.
    one.billed = text_member(message, "stop_reason") != "refusal" || !message["content"].empty();
    for (const base::Json& block : oracle_content(message)) {
        if (type_of(block) != "tool_use") continue;
        call_of(text_member(block, "id"), one.conversation);
    }
}

void Oracle::begin(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto open = open_.find(number);
    if (open != open_.end()) open->second.begun = true;
}

void Oracle::end(std::uint64_t number, bool whole, base::Steady now) {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    const Open one = std::move(found->second);
    open_.erase(found);
    Item& item = items_[one.item];
    if (item.open > 0) --item.open;
    if (one.refused) return count(one.conversation, [](Counts& counts) { ++counts.refused; });
    if (whole) {
        item.done = true;
    } else {
        item.failed_at = now;
        item.demanded.reset();
    }
    const std::optional<double> cost = one.billed ? cost_of(one.model, one.usage) : 0.0;
    count(one.conversation, [&](Counts& counts) {
        if (!whole) {
            ++counts.broken;
            if (one.begun) counts.broken_cost_usd += cost.value_or(0);
            return;
        }
        ++counts.replies;
        oracle_add(counts.usage, one.usage);
        counts.cost_usd += cost.value_or(0);
        if (!cost) ++counts.unpriced;
    });
}

void Oracle::make_room() {
    while (order_.size() > oracle_conversations_max) {
        tips_.erase(order_.front());
        order_.pop_front();
    }
    if (items_.size() > oracle_items_max) {
        std::erase_if(items_, [](const auto& item) { return item.second.open == 0; });
    }
    while (call_order_.size() > oracle_calls_max) {
        calls_.erase(call_order_.front());
        call_order_.pop_front();
    }
    if (instances_.size() > oracle_items_max) instances_.clear();
    if (held_.size() > oracle_items_max) held_.clear();
}

Verdict Oracle::verdict() const {
    const std::lock_guard lock(mutex_);
    Verdict verdict = verdict_;
    verdict.retries.assign(retries_.begin(), retries_.end());
    for (const std::string& conversation : order_) {
        verdict.conversations.push_back(tips_.at(conversation).talk);
    }
    return verdict;
}

void Oracle::forget() {
    const std::lock_guard lock(mutex_);
    verdict_ = {};
    retries_.clear();
    std::erase_if(items_, [](const auto& item) { return item.second.open == 0; });
    tips_.clear();
    order_.clear();
    instances_.clear();
    calls_.clear();
    call_order_.clear();
    held_.clear();
}

}  // namespace sim
