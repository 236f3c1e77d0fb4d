// Faults of single events: strange ones, missing ones, wrong order, broken tool input.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "sim/fault_effects.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

using Events = std::vector<StreamEvent>;

constexpr int effect_gap = 3;
constexpr std::string_view effect_no_json = R"({"title": "Milch", kaputt)";

Events::iterator effect_find(Events& events, std::string_view name) {
    return std::find_if(events.begin(), events.end(),
                        [name](const StreamEvent& event) { return event.name == name; });
}

bool effect_is_input(const StreamEvent& event) {
    return event.name == "content_block_delta" && event.data["delta"].contains("partial_json");
}

StreamEvent effect_delta(const base::Json& index, base::Json delta) {
    return make_event(
        "content_block_delta",
        {{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}});
}

void effect_insert_unknown(Events& events, FaultKind kind) {
    auto start = effect_find(events, "content_block_start");
    if (start == events.end()) start = events.begin();
    if (kind == FaultKind::unknown_event) {
        events.insert(start + 1, make_event("sim_news", {{"type", "sim_news"}, {"news", true}}));
        return;
    }
    const base::Json index = start->data.value("index", base::Json(0));
    // A message without blocks has no place for it.
    if (start->name != "content_block_start") return;
    events.insert(start + 1, effect_delta(index, {{"type", "sim_delta"}, {"value", 1}}));
}

// What the input's pieces make together.
std::string effect_input(const Events& events) {
    std::string input;
    for (const StreamEvent& event : events) {
        if (effect_is_input(event)) input += text_member(event.data["delta"], "partial_json");
    }
    return input;
}

void effect_drop_input(Events& events, bool keep_empty) {
    std::erase_if(events, [keep_empty](const StreamEvent& event) {
        if (!effect_is_input(event)) return false;
        return !keep_empty || !text_member(event.data["delta"], "partial_json").empty();
    });
}

// The message has exactly one call; its start.
Events::iterator effect_call(Events& events) {
    return std::find_if(events.begin(), events.end(), [](const StreamEvent& event) {
        return event.name == "content_block_start" &&
               type_of(event.data["content_block"]) == "tool_use";
    });
}

void effect_replace_input(Events& events, std::string_view input, bool stops) {
    effect_drop_input(events, false);
    auto call = effect_call(events);
    const base::Json index = call->data["index"];
    auto next = events.insert(
        call + 1, effect_delta(index, {{"type", "input_json_delta"}, {"partial_json", input}}));
    if (stops) return;
    ++next;
    const auto stop = std::find_if(next, events.end(), [](const StreamEvent& event) {
        return event.name == "content_block_stop";
    });
    events.erase(stop);
    auto end = effect_find(events, "message_delta");
    end->data["delta"]["stop_reason"] = "max_tokens";
}

void effect_bend_input(Events& events, FaultKind kind) {
    switch (kind) {
        case FaultKind::input_none: effect_drop_input(events, false); break;
        case FaultKind::input_empty: effect_drop_input(events, true); break;
        case FaultKind::input_in_start: {
            const std::string input = effect_input(events);
            effect_drop_input(events, false);
            if (!input.empty()) {
                effect_call(events)->data["content_block"]["input"] = base::Json::parse(input);
            }
            break;
        }
        case FaultKind::input_cut: {
            const std::string input = effect_input(events);
            // Half of it, and never the whole of a short one.
            const std::size_t half = std::max<std::size_t>(1, input.size() / 2);
            effect_replace_input(events, input.empty() ? "{" : input.substr(0, half), false);
            break;
        }
        default: effect_replace_input(events, effect_no_json, true); break;
    }
}

}  // namespace

void bend_events(Events& events, const Fault& fault) {
    switch (fault.kind) {
        case FaultKind::unknown_event:
        case FaultKind::unknown_delta: effect_insert_unknown(events, fault.kind); break;
        case FaultKind::stop_twice: {
            const auto stop = effect_find(events, "content_block_stop");
            if (stop != events.end()) events.insert(stop + 1, StreamEvent(*stop));
            break;
        }
        case FaultKind::index_gap:
            for (StreamEvent& event : events) {
                if (!event.data.contains("index")) continue;
                event.data["index"] = event.data["index"].get<int>() * effect_gap + effect_gap;
            }
            break;
        case FaultKind::delta_first:
            events.insert(events.begin() + 1,
                          effect_delta(0, {{"type", "text_delta"}, {"text", "zu früh"}}));
            break;
        case FaultKind::input_none:
        case FaultKind::input_empty:
        case FaultKind::input_in_start:
        case FaultKind::input_cut:
        case FaultKind::input_invalid: effect_bend_input(events, fault.kind); break;
        default: break;  // Faults of the message, of bytes and of connections.
    }
}

}  // namespace sim
