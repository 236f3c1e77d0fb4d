#include "tests/simulation/sabotage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace simulation {

namespace {

struct Change {
    std::string from, to;
};

enum class Of { both, day, rating };

struct Rule {
    Sabotage sabotage;
    Of of;
    Change change;
};

// What is changed in a question to the model; the first place counts.
const std::vector<Rule>& rules() {
    const std::string mark = R"(,"cache_control":{"type":"ephemeral"})";
    const std::string system = R"("system":[{"type":"text","text":")";
    static const std::vector<Rule> all{
        {Sabotage::tools_in_ratings,
         Of::rating,
         {R"(,"system":)", R"(,"tools":[{"name":"a"}],"system":)"}},
        {Sabotage::ratings_by_nobody, Of::rating, {system, system + "Sei ehrlich. "}},
        {Sabotage::days_of_nobody, Of::day, {system, system + "Sei munter. "}},
        {Sabotage::shortens_digests, Of::rating, {"#1 [", "Zuerst ["}},
        {Sabotage::answers_elsewhere, Of::day, {R"("tool_use_id":")", R"("tool_use_id":"x)"}},
        {Sabotage::adds_answers,
         Of::day,
         {R"([{"type":"tool_result",)",
          R"([{"type":"tool_result","tool_use_id":"x","content":"-"},{"type":"tool_result",)"}},
        {Sabotage::renames_tools, Of::day, {R"("name":"mood_log")", R"("name":"mood.log")"}},
        {Sabotage::marks_too_often,
         Of::both,
         {R"("stream":true)", R"("stream":true)" + mark + mark + mark + mark}},
        {Sabotage::begins_in_the_middle,
         Of::day,
         {R"("messages":[)", R"("messages":[{"role":"assistant","content":[]},)"}},
        {Sabotage::rewrites_inputs, Of::day, {R"("title" : ")", R"("title": ")"}},
        {Sabotage::falsifies_answers,
         Of::day,
         {R"("content":"erledigt)", R"("content":"verloren)"}},
        {Sabotage::rates_in_the_day,
         Of::rating,
         {R"("messages":[)", R"("messages":[{"role":"user","content":[]},)"}},
        {Sabotage::asks_for_more, Of::rating, {"mit 1 bis 5: ", "mit 1 bis 5: alles, "}},
        {Sabotage::tells_of_failures, Of::rating, {": gelungen. ", ": Fehler. "}},
        {Sabotage::describes_anew, Of::day, {"Stimmung heute", "Laune heute"}},
        {Sabotage::describes_alike, Of::day, {"Alle Aufgaben", "Neue Aufgabe"}},
        {Sabotage::asks_for_strangers, Of::both, {"Du bist ", "Du bist un"}}};
    return all;
}

void change(std::string& text, const Change& change) {
    const std::size_t at = text.find(change.from);
    if (at != std::string::npos) text.replace(at, change.from.size(), change.to);
}

void spoil_headers(Sabotage sabotage, base::HttpRequest& request) {
    for (auto& [name, value] : request.headers) {
        const bool hides = sabotage == Sabotage::hides_retries;
        if (hides && name == "x-persona-runner-retry-count") value = "0";
        if (sabotage == Sabotage::shows_other_keys && name == "x-api-key") value = "key";
    }
}

void spoil_question(Sabotage sabotage, base::HttpRequest& request, const base::Clock& clock) {
    spoil_headers(sabotage, request);
    std::string text = request.body.text();
    const bool is_rating = text.find("#1 [") != std::string::npos;
    const bool goes_on = text.find("\"tool_result\"") != std::string::npos;
    for (const Rule& rule : rules()) {
        const bool fits = rule.of == Of::both || (rule.of == Of::rating) == is_rating;
        if (rule.sabotage == sabotage && fits) change(text, rule.change);
    }
    if (sabotage == Sabotage::clock_in_prompt) {
        change(text, {"Du benutzt heute", base::to_iso(clock.now()) + " Du benutzt heute"});
    }
    if (sabotage == Sabotage::changes_the_past && goes_on) change(text, {"Fang an.", "Fangt an."});
    if (sabotage == Sabotage::adds_messages && goes_on) {
        text.insert(text.size() - 2, R"(,{"role":"user","content":[]})");
    }
    request.body = std::move(text);
}

void drop_header(base::HttpRequest& request, std::string_view dropped) {
    std::erase_if(request.headers, [&](const auto& each) { return each.first == dropped; });
}

}  // namespace

void spoil(Sabotage sabotage, base::HttpRequest& request, const base::Clock& clock) {
    if (sabotage == Sabotage::none) return;
    if (request.url.ends_with("/v1/messages")) return spoil_question(sabotage, request, clock);
    const bool is_of_the_product = request.url.starts_with("http://product.");
    if (sabotage == Sabotage::loses_service_keys && request.url.ends_with("/actions")) {
        drop_header(request, "x-service-key");
    }
    if (sabotage == Sabotage::spreads_service_keys && is_of_the_product) {
        request.headers.emplace_back("x-service-key", "key");
    }
    const bool asks_for_spaces = request.url.ends_with("/organization/list");
    if ((sabotage == Sabotage::loses_bearers && is_of_the_product) ||
        (sabotage == Sabotage::loses_logins && asks_for_spaces)) {
        drop_header(request, "authorization");
    }
}

}  // namespace simulation
