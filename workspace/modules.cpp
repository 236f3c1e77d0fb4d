#include "workspace/modules.hpp"

namespace workspace {

void add_all(Registry& registry) {
    add_todo(registry);
    add_calendar(registry);
    add_journal(registry);
    add_notes(registry);
    add_mood(registry);
    add_habits(registry);
    add_contacts(registry);
    add_articles(registry);
    add_spaces(registry);
}

}  // namespace workspace
