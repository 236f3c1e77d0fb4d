#include "sim/fault_rules.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "sim/dice.hpp"

namespace sim {

namespace {

constexpr std::size_t fault_rules_max = 10'000;

[[noreturn]] void rule_refuse(const std::string& reason) {
    throw base::Failure(base::Failure::Kind::invalid, "fault: " + reason);
}

}  // namespace

FaultRule parse_rule(std::string_view text) {
    FaultRule rule{.fault = {}, .match = {}, .skip = 0, .times = 0, .probability = 1};
    const std::size_t at = text.rfind('@');
    rule.fault = base::trim(text.substr(0, at));
    if (at != std::string_view::npos) {
        const std::string_view share = base::trim(text.substr(at + 1));
        const char* const end = share.data() + share.size();
        const auto [stop, error] = std::from_chars(share.data(), end, rule.probability);
        if (error != std::errc{} || stop != end) {
            rule_refuse(fmt::format("behind @ stands a share between 0 and 1, not \"{}\"",
                                    base::cut(share, 40)));
        }
    }
    parse_fault(rule.fault);
    if (!(rule.probability > 0 && rule.probability <= 1)) {
        rule_refuse("a share must be above 0 and at most 1");
    }
    return rule;
}

void FaultRules::add(const FaultRule& rule) {
    Waiting waiting{.fault = parse_fault(rule.fault), .rule = rule, .name = {}};
    if (!(rule.probability > 0 && rule.probability <= 1)) {
        rule_refuse("a probability must be above 0 and at most 1");
    }
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= fault_rules_max) rule_refuse("the queue is full");
    // Equal rules draw for themselves.
    const auto equals = std::count_if(waiting_.begin(), waiting_.end(), [&](const Waiting& one) {
        return one.rule.fault == rule.fault && one.rule.match == rule.match;
    });
    waiting.name = fmt::format("{}\n{}\n{}\n", rule.fault, rule.match, equals);
    waiting_.push_back(std::move(waiting));
}

void FaultRules::clear() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
}

bool FaultRules::draws() const {
    const std::lock_guard lock(mutex_);
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [](const Waiting& one) { return one.rule.probability < 1; });
}

std::optional<Fault> FaultRules::take(const FaultTarget& target) {
    const std::lock_guard lock(mutex_);
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
        if (target.body.find(at->rule.match) == std::string_view::npos) continue;
        if (!can_strike(at->fault, target.streamed, target.tools)) continue;
        if (at->rule.skip > 0) {
            --at->rule.skip;
            continue;
        }
        Dice dice(seed_, at->name + std::string(target.identity));
        if (at->rule.probability < 1 && !dice.chance(at->rule.probability)) continue;
        const Fault fault = at->fault;
        if (at->rule.times == 1) {
            waiting_.erase(at);
        } else if (at->rule.times > 1) {
            --at->rule.times;
        }
        return fault;
    }
    return std::nullopt;
}

}  // namespace sim
