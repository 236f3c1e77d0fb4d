#include "runner/status_page.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "catalog/persona.hpp"
#include "catalog/standing.hpp"

namespace runner {

namespace {

using base::Json;

// Null counts as empty.
std::string text_of(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string counts_text(const Json& report) {
    return fmt::format("{} due, {} ran, {} failed", report.value("due", 0),
                       report.value("ranSuccessfully", 0),
                       report.value("failed", Json::array()).size());
}

// Why no visit starts on this daemon: stopped by hand, by the model, by the day's budget.
std::string stops_text(const Json& status) {
    std::string text;
    if (!status.value("enabled", false))
        text += fmt::format("visits disabled: {}\n", status.value("reason", ""));
    if (status.value("paused", false))
        text += "timer   paused (RUNNER_PAUSED); `persona-runner tick` runs visits\n";
    if (!status.value("claiming", true)) text += "draining  no visit starts on this daemon\n";
    if (const std::string stopped = text_of(status, "modelStopped"); !stopped.empty()) {
        text += fmt::format("stopped {}; lift it with `persona-runner resume --model`\n", stopped);
    }
    const Json held = status.value("modelHeld", Json());
    if (held.is_object()) {
        text += fmt::format("waits   all calls of the model, {} s more: {}\n",
                            (held.value("ms", 0L) + 999) / 1'000, text_of(held, "reason"));
    }
    const Json budget = status.value("budget", Json());
    if (!budget.is_object()) return text;
    if (const std::string stopped = text_of(budget, "stopped"); !stopped.empty())
        text += fmt::format("stopped {}\n", stopped);
    return text;
}

std::string lease_text(const Json& lease) {
    if (lease.value("held", false)) return "lease   held\n";
    const std::string error = text_of(lease, "lastError");
    return error.empty() ? "lease   not held\n" : fmt::format("lease   not held: {}\n", error);
}

std::string outbox_text(const Json& outbox) {
    std::string text = fmt::format("outbox  {} visits, {} records waiting\n",
                                   outbox.value("visits", 0), outbox.value("records", 0));
    if (const std::string refusal = text_of(outbox, "refusal"); !refusal.empty())
        text += fmt::format("stopped outbox: {}\n", refusal);
    if (const std::string error = text_of(outbox, "lastError"); !error.empty())
        text += fmt::format("outbox  not delivered: {}\n", error);
    const int rejected = outbox.value("rejected", 0);
    const int broken = outbox.value("broken", 0);
    if (rejected + broken > 0) {
        text += fmt::format(
            "outbox  set aside: {} rejected, {} broken; look into rejected/ and broken/ of the "
            "state directory's outbox\n",
            rejected, broken);
    }
    return text;
}

std::string skipped_text(const catalog::Standing& standing) {
    if (standing.skipped_24h == 0) return {};
    std::string text = fmt::format("skipped {} slots in 24 h, the latest:\n", standing.skipped_24h);
    constexpr std::size_t shown = 5;
    for (std::size_t i = 0; i < standing.skipped.size() && i < shown; ++i) {
        const catalog::SkippedSlot& slot = standing.skipped[i];
        text += fmt::format(
            "        {:<10} {} {}{}\n", catalog::short_name(slot.email), base::to_iso(slot.slot),
            slot.reason,
            slot.slots > 1 ? fmt::format(" (and the {} after it)", slot.slots - 1) : "");
    }
    return text;
}

// What the auth service said; nothing when the daemon did not ask it.
Json standing_of(const Json& status) {
    return status.value("standing", Json::object());
}

}  // namespace

std::string tick_text(const Json& status) {
    const std::string at = text_of(status, "lastTickAt");
    if (at.empty()) return {};
    const Json running = status.value("tick", Json());
    if (running.is_object()) {
        return fmt::format("tick {}: {}, {} still run", at, counts_text(running),
                           running.value("open", 0));
    }
    const Json last = status.value("lastTick", Json());
    std::string text = "last tick " + at;
    if (last.is_object()) text += ": " + counts_text(last);
    return text;
}

std::string holds_text(const Json& status) {
    const Json json = standing_of(status);
    if (json.contains("error")) return fmt::format("paused  unknown: {}\n", text_of(json, "error"));
    if (json.empty()) return {};
    std::string text;
    const catalog::Standing standing = catalog::standing_from_json(json);
    for (const catalog::Pause& pause : standing.pauses) {
        text += fmt::format("paused  {} since {}\n", catalog::to_text(pause.whom),
                            base::to_iso(pause.since));
    }
    for (const catalog::Quarantine& quarantine : standing.quarantined) {
        text += fmt::format("quarantined  {} since {}: persona-runner persona resume {}\n",
                            catalog::short_name(quarantine.email), base::to_iso(quarantine.since),
                            quarantine.email);
    }
    return text;
}

std::string status_page(const Json& status) {
    std::string text;
    if (status.contains("lease")) text += lease_text(status.at("lease"));
    if (status.contains("outbox")) text += outbox_text(status.at("outbox"));
    if (const std::string tick = tick_text(status); !tick.empty()) text += tick + "\n";
    text += stops_text(status);
    text += holds_text(status);
    const Json standing = standing_of(status);
    if (!standing.empty() && !standing.contains("error"))
        text += skipped_text(catalog::standing_from_json(standing));
    for (const Json& visit : status.value("running", Json::array())) {
        text += fmt::format("visit   {:<10} turn {:<3} calls {:<3} waits for {:<7} {} s\n",
                            visit.value("persona", ""), visit.value("turn", 0),
                            visit.value("toolCalls", 0), visit.value("waitingFor", ""),
                            visit.value("ageMs", 0L) / 1000);
    }
    return text;
}

}  // namespace runner
