#include "workspace/modules.hpp"

namespace workspace {

std::int64_t count_words(std::string_view text) {
    std::int64_t words = 0;
    bool inside = false;
    for (const char letter : text) {
        const bool blank = letter == ' ' || letter == '\n' || letter == '\t' || letter == '\r';
        if (!blank && !inside) ++words;
        inside = !blank;
    }
    return words;
}

void add_all(Registry& registry, Offer offer) {
    add_todo(registry);
    add_calendar(registry);
    add_journal(registry);
    add_notes(registry);
    add_mood(registry);
    add_habits(registry);
    add_contacts(registry);
    add_articles(registry);
    add_dreams(registry);
    add_library(registry);
    add_goals(registry);
    if (offer.news) add_news_research(registry);
    add_invoices(registry);
    add_spaces(registry);
}

}  // namespace workspace
