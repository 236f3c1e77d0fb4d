#include "tests/simulation/sabotage.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace simulation {

namespace {

struct Change {
    std::string_view from;
    std::string to;
};

// Of what the model is asked; the first place counts.
std::optional<Change> change_of(Sabotage sabotage, bool is_rating, const base::Clock& clock) {
    switch (sabotage) {
        case Sabotage::tools_in_ratings:
            if (!is_rating) return std::nullopt;
            return Change{R"(,"system":)", R"(,"tools":[{"name":"a"}],"system":)"};
        case Sabotage::ratings_by_nobody:
            if (!is_rating) return std::nullopt;
            return Change{R"("system":[{"type":"text","text":")",
                          R"("system":[{"type":"text","text":"Sei ehrlich. )"};
        case Sabotage::shortens_digests:
            if (!is_rating) return std::nullopt;
            return Change{"#1 [", "Zuerst ["};
        case Sabotage::clock_in_prompt:
            return Change{"Du benutzt heute",
                          "Es ist " + base::to_iso(clock.now()) + ". Du benutzt heute"};
        case Sabotage::answers_elsewhere:
            return Change{R"("tool_use_id":")", R"("tool_use_id":"x)"};
        case Sabotage::renames_tools: return Change{R"("name":"mood_log")", R"("name":"mood.log")"};
        default: return std::nullopt;
    }
}

void spoil_question(Sabotage sabotage, base::HttpRequest& request, const base::Clock& clock) {
    if (sabotage == Sabotage::hides_retries) {
        for (auto& [name, value] : request.headers) {
            if (name == "x-persona-runner-retry-count") value = "0";
        }
    }
    std::string text = request.body.text();
    const bool is_rating = text.find("#1 [") != std::string::npos;
    const auto change = change_of(sabotage, is_rating, clock);
    const std::size_t at = change ? text.find(change->from) : std::string::npos;
    if (at == std::string::npos) return;
    text.replace(at, change->from.size(), change->to);
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
    if (sabotage == Sabotage::loses_bearers && is_of_the_product) {
        drop_header(request, "authorization");
    }
}

}  // namespace simulation
