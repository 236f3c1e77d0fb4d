#include "runner/top.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "runner/status_page.hpp"

namespace runner {

namespace {

using base::Json;

constexpr int top_heading_rows = 4;

std::string top_age(long milliseconds) {
    const long seconds = milliseconds / 1'000;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3'600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{:02}m", seconds / 3'600, seconds % 3'600 / 60);
}

// What a visit is about, in one word; what it waits for right now stands beside it.
std::string_view top_phase(std::string_view waiting_for) {
    if (waiting_for == "login" || waiting_for == "spaces" || waiting_for == "tools") {
        return "entering";
    }
    return waiting_for == "rating" ? "rating" : "living";
}

std::string top_waiting(const Json& visit) {
    const std::string waiting = visit.value("waitingFor", "");
    const std::string tool = visit.value("lastTool", "");
    return waiting == "tool" && !tool.empty() ? "tool " + tool : waiting;
}

std::string top_daemon(const Json& status, std::size_t running) {
    if (!status.value("enabled", true)) {
        return "visits disabled: " + status.value("reason", std::string());
    }
    std::string text =
        fmt::format("{} of {} visits running", running, status.value("concurrency", 0));
    if (status.value("paused", false)) text += ", timer paused";
    if (!status.value("claiming", true)) text += ", draining";
    if (status.value("tickRunning", false)) text += ", tick under way";
    const auto stopped = status.find("modelStopped");
    if (stopped != status.end() && stopped->is_string()) text += ", stopped by the model";
    const auto held = status.find("modelHeld");
    if (held != status.end() && held->is_object())
        text += ", all wait for the model " + top_age(held->value("ms", 0L) + 999);
    return text;
}

std::string top_tick(const Json& status) {
    const std::string text = tick_text(status);
    return text.empty() ? "last tick: none yet" : text;
}

std::string top_upkeep(const Json& status) {
    std::string text;
    if (const auto lease = status.find("lease"); lease != status.end()) {
        text += lease->value("held", false) ? "lease held" : "lease NOT held";
    }
    if (const auto outbox = status.find("outbox"); outbox != status.end()) {
        text += fmt::format("{}outbox {} visits, {} records", text.empty() ? "" : ", ",
                            outbox->value("visits", 0), outbox->value("records", 0));
        const std::string error = outbox->value("lastError", "");
        if (!error.empty()) text += " (" + error + ")";
    }
    return text;
}

}  // namespace

std::string top_page(const base::Json& status, TopSize size) {
    std::vector<Json> visits = status.value("running", std::vector<Json>{});
    std::ranges::sort(visits, [](const Json& a, const Json& b) {
        return std::pair(-a.value("ageMs", 0L), a.value("persona", std::string())) <
               std::pair(-b.value("ageMs", 0L), b.value("persona", std::string()));
    });
    std::vector<std::string> lines{top_daemon(status, visits.size()), top_tick(status),
                                   top_upkeep(status)};
    lines.push_back(fmt::format("{:<16} {:<9} {:>4} {:>5} {:>6} {:>8}  {}", "PERSONA", "PHASE",
                                "TURN", "CALLS", "ERRORS", "AGE", "WAITING FOR"));
    const auto room = static_cast<std::size_t>(std::max(1, size.rows - top_heading_rows));
    const std::size_t shown = visits.size() <= room ? visits.size() : room - 1;
    for (std::size_t i = 0; i < shown; ++i) {
        const Json& visit = visits[i];
        lines.push_back(
            fmt::format("{:<16} {:<9} {:>4} {:>5} {:>6} {:>8}  {}", visit.value("persona", ""),
                        top_phase(visit.value("waitingFor", std::string())), visit.value("turn", 0),
                        visit.value("toolCalls", 0), visit.value("toolErrors", 0),
                        top_age(visit.value("ageMs", 0L)), top_waiting(visit)));
    }
    if (shown < visits.size()) {
        lines.push_back(fmt::format("… and {} more", visits.size() - shown));
    }
    std::string page;
    for (const std::string& line : lines) {
        page += base::cut_characters(line, static_cast<std::size_t>(size.columns)) + "\n";
    }
    return page;
}

}  // namespace runner
