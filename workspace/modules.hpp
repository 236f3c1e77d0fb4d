// The modules of the workspace. Each function adds the tools of one module to the registry and
// lives in the file named after the module.
#pragma once

#include <cstdint>
#include <string_view>

namespace workspace {

class Registry;

void add_todo(Registry& registry);
void add_calendar(Registry& registry);
void add_journal(Registry& registry);
void add_notes(Registry& registry);
void add_mood(Registry& registry);
void add_habits(Registry& registry);
void add_contacts(Registry& registry);
void add_articles(Registry& registry);
void add_dreams(Registry& registry);
void add_library(Registry& registry);
void add_goals(Registry& registry);
void add_news_research(Registry& registry);
void add_invoices(Registry& registry);
void add_spaces(Registry& registry);

std::int64_t count_words(std::string_view text);  // Words are what blanks separate.

// Which modules are offered, where that depends on the operator.
struct Offer {
    bool news = true;  // There are feeds to search. Tools that can only refuse are not offered.
};

// In the order above, which is the order of the listing.
void add_all(Registry& registry, Offer offer = {});

}  // namespace workspace
