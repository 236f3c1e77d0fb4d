#include "runner/demo_view.hpp"

#include <limits>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "runner/terminal.hpp"

namespace runner {

namespace {

using base::Json;

std::string progress_text(const Json& visit) {
    const std::string last = visit.at("lastTool").get<std::string>();
    return fmt::format("turn {}, {} calls{}", visit.at("turn").get<int>(),
                       visit.at("toolCalls").get<int>(), last.empty() ? "" : ", " + last);
}

}  // namespace

std::string progress_line(const Json& running, std::size_t columns) {
    std::vector<std::string> parts;
    for (const Json& visit : running) {
        parts.push_back(fmt::format("{} {}·{}", visit.at("persona").get<std::string>(),
                                    visit.at("turn").get<int>(), visit.at("toolCalls").get<int>()));
    }
    std::string line;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string longer = line + (i == 0 ? "" : "  ") + parts[i];
        const std::size_t others = parts.size() - i - 1;
        const std::string more = others == 0 ? "" : fmt::format("  +{}", others);
        // Whoever comes in must leave room for the word about those who do not.
        if (base::characters(longer + more) > columns) {
            const std::string rest = fmt::format("{}+{}", i == 0 ? "" : "  ", others + 1);
            return base::cut_characters(line + rest, columns);
        }
        line = longer;
    }
    return line;
}

DayView::DayView(bool json)
    : out_(json ? stderr : stdout), live_(terminal_size(out_).has_value()) {}

std::size_t DayView::columns() const {
    const auto size = terminal_size(out_);
    return size ? static_cast<std::size_t>(size->columns) : std::numeric_limits<std::size_t>::max();
}

void DayView::say(const std::string& line) {
    clear();
    fmt::print(out_, "{}\n", line);
    std::fflush(out_);
}

void DayView::show(const Json& status) {
    std::map<std::string, std::string> now;
    for (const Json& visit : status.at("running")) {
        now[visit.at("persona").get<std::string>()] = progress_text(visit);
    }
    for (const auto& [persona, text] : now) {
        if (!seen_.contains(persona)) say(fmt::format("  {:<10} comes in", persona));
        if (!live_ && seen_[persona] != text) say(fmt::format("  {:<10} {}", persona, text));
        seen_[persona] = text;
    }
    for (auto& [persona, text] : seen_) {
        if (now.contains(persona) || text.empty()) continue;
        say(fmt::format("  {:<10} is done ({})", persona, text));
        text.clear();
    }
    if (!live_) return;
    clear();
    // The last cell stays free: a full line would make some terminals go on to the next.
    fmt::print(out_, "\r{}", progress_line(status.at("running"), columns() - 1));
    std::fflush(out_);
    drawn_ = true;
}

void DayView::clear() {
    if (drawn_) fmt::print(out_, "\r\033[K");
    drawn_ = false;
}

}  // namespace runner
