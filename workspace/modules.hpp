// The modules of the workspace. Each function adds the tools of one module to the registry and
// lives in the file named after the module.
#pragma once

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
void add_spaces(Registry& registry);

void add_all(Registry& registry);  // In the order above, which is the order of the listing.

}  // namespace workspace
