#include "sim/script.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/dice.hpp"
#include "sim/filling.hpp"
#include "sim/reading.hpp"
#include "sim/verdict.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t script_calls_least = 4;
constexpr std::size_t script_calls_spread = 5;  // 4 … 8 calls a day.

base::Json script_text(std::string_view text) {
    return {{"type", "text"}, {"text", text}};
}

base::Json script_call(const ToolOffer& tool, const Reading& reading, Care care, Dice dice) {
    return {{"type", "tool_use"},
            {"name", tool.name},
            {"input", fill_arguments(tool, reading, care, dice)}};
}

// The modules of the day's calls in order: shares by weight, every liked module at least once.
std::vector<std::string> script_plan(const Reading& reading, Dice dice) {
    const std::size_t calls = script_calls_least + dice.below(script_calls_spread);
    std::vector<std::string> plan;
    std::vector<std::pair<double, std::string>> rest;
    for (const auto& [module, weight] : reading.weights) {
        const double share = weight * static_cast<double>(calls);
        auto whole = static_cast<std::size_t>(share);
        if (whole == 0 && weight >= 0.09) whole = 1;
        for (std::size_t at = 0; at < whole; ++at) plan.push_back(module);
        // A little chance decides who gets the odd places.
        rest.emplace_back(
            share - static_cast<double>(whole) + static_cast<double>(dice.below(100)) / 400,
            module);
    }
    std::sort(rest.begin(), rest.end(),
              [](const auto& left, const auto& right) { return left > right; });
    for (std::size_t at = 0; plan.size() < calls && !rest.empty(); ++at) {
        plan.push_back(rest[at % rest.size()].second);
    }
    for (std::size_t at = plan.size(); at > 1; --at) std::swap(plan[at - 1], plan[dice.below(at)]);
    return plan;
}

bool script_has_open_thing(const Reading& reading, const std::string& module) {
    return std::any_of(reading.things.begin(), reading.things.end(), [&module](const Thing& thing) {
        return thing.module == module && !thing.settled;
    });
}

std::size_t script_uses(const Reading& reading, const std::string& tool) {
    return static_cast<std::size_t>(
        std::count_if(reading.calls.begin(), reading.calls.end(),
                      [&tool](const PastCall& call) { return call.tool == tool; }));
}

// How much she feels like this tool.
double script_appeal(const ToolOffer& tool, const Reading& reading, bool fresh) {
    const bool has_thing = script_has_open_thing(reading, tool.module);
    if (tool.needs_id && !has_thing) return 0;
    double appeal = 0;
    switch (tool.verb) {
        case Verb::make: appeal = fresh ? 60 : 30; break;
        case Verb::look: appeal = fresh ? 35 : 20; break;
        case Verb::change: appeal = 50; break;
        case Verb::drop: appeal = fresh ? 0 : 3; break;
    }
    // Nobody looks at the same list again and again.
    if (tool.verb == Verb::look) {
        appeal /= 1 + 3 * static_cast<double>(script_uses(reading, tool.name));
    }
    if (tool.verb == Verb::make && tool.needs_id) appeal = 45;
    return appeal;
}

const ToolOffer* script_choose(const Reading& reading, const std::string& module, Dice& dice) {
    const bool fresh =
        std::none_of(reading.calls.begin(), reading.calls.end(),
                     [&module](const PastCall& call) { return call.module == module; });
    double total = 0;
    for (const ToolOffer& tool : reading.tools) {
        if (tool.module == module) total += script_appeal(tool, reading, fresh);
    }
    double at = static_cast<double>(dice.below(10'000)) / 10'000 * total;
    const ToolOffer* chosen = nullptr;
    for (const ToolOffer& tool : reading.tools) {
        if (tool.module != module) continue;
        const double appeal = script_appeal(tool, reading, fresh);
        if (appeal <= 0) continue;
        chosen = &tool;
        at -= appeal;
        if (at < 0) break;
    }
    return chosen;
}

const ToolOffer* script_find(const Reading& reading, std::string_view name) {
    for (const ToolOffer& tool : reading.tools) {
        if (tool.name == name) return &tool;
    }
    return nullptr;
}

bool script_failed_in(const Reading& reading, const std::string& module, std::size_t turn) {
    return std::any_of(reading.calls.begin(), reading.calls.end(), [&](const PastCall& call) {
        return call.module == module && call.turn == turn && call.failed;
    });
}

// A second try answers a failed call of the same module in the turn before.
bool script_is_second_try(const Reading& reading, const PastCall& call) {
    return call.turn > 0 && script_failed_in(reading, call.module, call.turn - 1);
}

// Second tries for what failed in the last turn; each failure is tried differently once.
void script_retry(const Reading& reading, Dice& dice, base::Json& blocks) {
    std::vector<std::string> done;
    for (const PastCall& call : reading.calls) {
        if (call.turn + 1 != reading.turns || !call.failed) continue;
        if (script_is_second_try(reading, call)) continue;
        if (std::find(done.begin(), done.end(), call.module) != done.end()) continue;
        const ToolOffer* tool = script_find(reading, call.tool);
        // The thing she meant is not there: look what there is.
        if (tool != nullptr && tool->needs_id) {
            for (const ToolOffer& other : reading.tools) {
                if (other.module == call.module && other.verb == Verb::look && !other.needs_id) {
                    tool = &other;
                    break;
                }
            }
        }
        if (tool == nullptr) continue;
        if (blocks.empty()) blocks.push_back(script_text(after_error(dice)));
        blocks.push_back(script_call(*tool, reading, Care::careful, dice));
        done.push_back(call.module);
    }
}

struct ChoiceRule {
    bool forbidden = false;
    bool single = false;
    std::string forced;  // Tool that the request demands.
    bool some = false;   // Any tool, but one.
};

ChoiceRule script_rule(const base::Json& body) {
    ChoiceRule rule;
    if (!body.contains("tool_choice") || !body["tool_choice"].is_object()) return rule;
    const base::Json& choice = body["tool_choice"];
    rule.forbidden = type_of(choice) == "none";
    rule.some = type_of(choice) == "any";
    if (type_of(choice) == "tool") rule.forced = text_member(choice, "name");
    rule.single = choice.value("disable_parallel_tool_use", false);
    return rule;
}

void script_step(const Reading& reading, const std::vector<std::string>& plan, std::size_t done,
                 const ChoiceRule& rule, const ScriptOptions& options, Dice& dice,
                 base::Json& blocks) {
    const bool pair =
        !rule.single && dice.chance(0.3) && done + 1 < plan.size() && plan[done] != plan[done + 1];
    if (dice.chance(0.4)) blocks.push_back(script_text(before_calls(dice)));
    for (std::size_t at = done; at < done + (pair ? 2 : 1); ++at) {
        const ToolOffer* tool = script_choose(reading, plan[at], dice);
        if (tool == nullptr) continue;
        const Care care = dice.chance(options.mistakes) ? Care::careless : Care::usual;
        const Dice own(options.seed, fmt::format("{}\ncall {} {}", reading.key, at, tool->name));
        blocks.push_back(script_call(*tool, reading, care, own));
    }
}

bool script_has_call(const base::Json& blocks) {
    return std::any_of(blocks.begin(), blocks.end(),
                       [](const base::Json& block) { return type_of(block) == "tool_use"; });
}

}  // namespace

base::Json next_blocks(const base::Json& body, const ScriptOptions& options) {
    const Reading reading = read_conversation(body);
    Dice dice(options.seed, fmt::format("{}\nturn {}", reading.key, reading.turns));
    base::Json blocks = base::Json::array();
    if (reading.tools.empty()) {
        blocks.push_back(script_text(answer_without_tools(body, reading, options.seed)));
        return blocks;
    }
    const ChoiceRule rule = script_rule(body);
    if (!rule.forced.empty()) {
        const ToolOffer* tool = script_find(reading, rule.forced);
        blocks.push_back(script_call(*tool, reading, Care::careful, dice));
        return blocks;
    }
    const std::vector<std::string> plan =
        script_plan(reading, Dice(options.seed, reading.key + "\nplan"));
    const bool may_call = !rule.forbidden && reading.calls.size() < options.calls_max &&
                          reading.turns < options.turns_max;
    if (may_call) script_retry(reading, dice, blocks);
    const auto done = static_cast<std::size_t>(std::count_if(
        reading.calls.begin(), reading.calls.end(),
        [&reading](const PastCall& call) { return !script_is_second_try(reading, call); }));
    if (may_call && !script_has_call(blocks) && done < plan.size()) {
        script_step(reading, plan, done, rule, options, dice, blocks);
    }
    if (!script_has_call(blocks) && rule.some) {
        blocks.push_back(script_call(reading.tools.front(), reading, Care::careful, dice));
    }
    if (!script_has_call(blocks)) {
        blocks = base::Json::array();
        blocks.push_back(script_text(farewell(reading.theme, dice)));
    }
    return blocks;
}

}  // namespace sim
