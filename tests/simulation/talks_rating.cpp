// The question for ratings: one of its own, in character, without tools, over all that was done.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "tests/simulation/talks.hpp"

namespace simulation {

namespace {

using base::Json;

// Lines "#1 [todo] todo.create: gelungen. erledigt …", one behind the other; texts may have lines.
std::vector<Talks::Line> digest_in(std::string_view text) {
    std::vector<Talks::Line> lines;
    std::size_t at = text.find("#1 [");
    while (at != std::string_view::npos) {
        const std::string next = fmt::format("\n#{} [", lines.size() + 2);
        const std::size_t found = text.find(next, at);
        const std::size_t end =
            found == std::string_view::npos ? text.find("\n\nBewerte", at) : found;
        std::string_view line = text.substr(at, end - at);
        line.remove_prefix(std::min(line.size(), line.find('[') + 1));
        const auto take = [&line](std::string_view until) {
            const std::size_t stop = std::min(line.find(until), line.size());
            const std::string part(line.substr(0, stop));
            line.remove_prefix(std::min(line.size(), stop + until.size()));
            return part;
        };
        Talks::Line one;
        one.module = take("] ");
        one.tool = take(": ");
        one.outcome = take(". ");
        one.answer = line;
        lines.push_back(std::move(one));
        at = found == std::string_view::npos ? found : found + 1;
    }
    return lines;
}

std::vector<std::string> modules_asked(std::string_view text) {
    constexpr std::string_view words = "Bewerte jeden dieser Bereiche mit 1 bis 5: ";
    const std::size_t at = text.find(words);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = text.substr(at + words.size());
    std::vector<std::string> modules;
    for (const std::string_view each : base::split(rest.substr(0, rest.find(".\n")), ',')) {
        modules.emplace_back(base::trim(each));
    }
    return modules;
}

// The product itself said something.
bool was_answered(const Talks::Line& line) {
    return line.outcome == "gelungen" ||
           (line.outcome == "Fehler" && !line.answer.starts_with("not run: "));
}

}  // namespace

void Talks::hear_rating(Question& question, const Head& head, const std::string& messages,
                        Caller caller) {
    const auto wrong = [&](std::string_view what,
                           Referee::Place where = Referee::Place::current()) {
        fail(Invariant::ratings_remember, question, what, where);
    };
    if (!head.is_in_character) wrong("the question is put to nobody");
    if (!head.tools.empty() || head.prompt.find(R"("tools":)") != std::string::npos) {
        wrong("the question offers tools");
    }
    if (profile_.sabotage == Sabotage::forgets_days) question.day->count = 0;
    if (question.day->count == 0) wrong("a day that was not lived is rated");
    const Json said = base::parse_json("[" + messages + "]", "messages", 64);
    if (said.size() != 1 || said[0].at("role") != "user") {
        return wrong("it is no question of its own");
    }
    const std::string text = said[0].at("content").at(0).at("text");
    question.day->digest = digest_in(text);
    question.modules = modules_asked(text);
    question.actions = static_cast<int>(question.day->digest.size());
    check_digest(question, caller);
}

// The digest tells of every action, as it is known on disk, and of nothing else; asked for are the
// modules of which a call was answered.
void Talks::check_digest(Question& question, Caller caller) {
    const std::string& visit = question.visit->id;
    const std::vector<Line>& digest = question.day->digest;
    std::set<std::string> answered;
    for (int seq = 1; seq <= question.actions; ++seq) {
        const Line& line = digest[static_cast<std::size_t>(seq - 1)];
        if (line.module != "unknown" && was_answered(line)) answered.insert(line.module);
        check_line(visit, seq, line);
    }
    const bool is_whole = disks_.holds_outcome(caller, visit, question.actions) &&
                          !disks_.holds_intent(caller, visit, question.actions + 1);
    if (!is_whole) {
        fail(Invariant::ratings_remember, question,
             fmt::format("the digest has {} actions, the disk others", question.actions));
    }
    if (std::set<std::string>(question.modules.begin(), question.modules.end()) != answered ||
        question.modules.size() != answered.size()) {
        fail(Invariant::ratings_remember, question, "other modules are asked for than answered");
    }
}

void Talks::check_line(const std::string& visit, int seq, const Line& line) {
    const auto found = product_.committed().find({visit, seq});
    const bool executed = found != product_.committed().end();
    const OfferedTool* tool = executed ? product_.tool(found->second.tool) : nullptr;
    const std::string name = fmt::format("visit {}, line {} of the digest", visit, seq);
    if (executed && (tool == nullptr || tool->name != line.tool || tool->module != line.module)) {
        referee_.fail(tool != nullptr && tool->module != line.module
                          ? Invariant::names_map_both_ways
                          : Invariant::ratings_remember,
                      fmt::format("{} says [{}] {}", name, line.module, line.tool));
        return;
    }
    const bool is_ok = executed && !found->second.is_error;
    const bool says_ok = line.outcome == "gelungen";
    const bool says_no = line.outcome == "Fehler" && executed;
    const bool is_so =
        (!says_ok || (is_ok && line.answer.starts_with(Product::answer_text(line.tool)))) &&
        (!says_no || (!is_ok && line.answer.starts_with(Product::error_text)));
    if (!is_so) {
        referee_.fail(Invariant::ratings_remember,
                      fmt::format("{} says {}, it was {}", name, line.outcome,
                                  !executed ? "not executed"
                                  : is_ok   ? "done"
                                            : "refused"));
    }
}

}  // namespace simulation
