// Personas of the service: who they are, when they come, what is known of them. A persona is a
// user of kind persona with a row of her own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "auth/personas/visits.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"
#include "base/secret.hpp"
#include "catalog/persona.hpp"
#include "catalog/record.hpp"

namespace auth {

class Passwords;

inline constexpr std::int64_t due_list_max = 1000;
inline constexpr std::int64_t persona_page_max = 1000;

struct PersonaCounts {
    std::int64_t visits = 0;
    std::int64_t actions = 0;
    std::int64_t ratings = 0;
};

struct ListedPersona {
    catalog::Persona persona;
    base::Moment created_at;
    base::Moment next_due_at;
    std::int64_t actions_7d = 0;
    bool visiting = false;
    PersonaCounts counts;
};

// One module in her eyes: the mean of real ratings of finished and partial visits, and of how many.
struct ModuleMean {
    std::string module;
    std::optional<double> mean;
    std::int64_t n = 0;
    std::int64_t unrated = 0;  // Rows without a number.
};

struct RecentAction {
    std::string id;
    catalog::Action action;
    base::Moment created_at;
};

struct PersonaDetail {
    ListedPersona listed;
    std::vector<RecentAction> recent;  // 20 newest.
    std::vector<ModuleMean> modules;
};

struct PersonaSpec {
    catalog::Persona persona;  // Without user_id.
    base::Secret password;
};

struct UpsertAnswer {
    std::string user_id;
    bool created = false;
    bool changed = false;           // Of what there was: name, character, weights or cadence.
    bool password_changed = false;  // Of one that there was, by this call.
};

struct DeleteAnswer {
    enum class Outcome { deleted, missing, not_a_persona, visiting, changed };
    Outcome outcome = Outcome::missing;
    PersonaCounts counts;
    std::int64_t spaces = 0;
    std::int64_t sessions = 0;
};

// Resource; any inbound thread.
class Personas {
  public:
    Personas(base::Postgres& database, VisitRules rules);
    Personas(const Personas&) = delete;
    Personas& operator=(const Personas&) = delete;

    // Creates or updates by address, in one transaction: user (verified, tier founder, no mail),
    // personal space, persona. A changed name, password or cadence is followed. An address that
    // belongs to somebody who is not a persona is Failure::conflict.
    UpsertAnswer upsert(const PersonaSpec& spec, Passwords& passwords, base::Moment now);

    // Newest first; `after` is the last user id of the page before.
    std::vector<ListedPersona> list(std::int64_t limit, const std::optional<std::string>& after,
                                    base::Moment now);
    std::optional<PersonaDetail> detail(const std::string& user_id, base::Moment now);

    // Who would be due by the formula over last_active_at and is neither visiting nor held by a
    // pause or quarantine; longest idle first.
    std::vector<catalog::Persona> due(base::Moment now);

    // Removes her, her spaces, her visits and rows; refuses anyone who is not a persona and a
    // persona with a running visit. `rows`: how many visits, actions and ratings the caller has
    // seen (exported, say); when she has another number now, nothing is removed: `changed`.
    // `spaces_gone` is told in the same transaction which spaces went along.
    using SpacesGone = std::function<void(base::Transaction&, const std::vector<std::string>&)>;
    DeleteAnswer remove(const std::string& user_id, std::optional<std::int64_t> rows = std::nullopt,
                        const SpacesGone& spaces_gone = {});

  private:
    std::optional<std::string> hash_of_user(const std::string& email);
    // Nothing: her stored hash is no longer `old_hash`.
    std::optional<UpsertAnswer> write(const PersonaSpec& spec,
                                      const std::optional<std::string>& old_hash,
                                      const std::optional<std::string>& new_hash, base::Moment now);

    base::Postgres& database_;
    const VisitRules rules_;
};

// The columns user_id, email, name, archetype, system_prompt, module_mix, tick_cadence and
// last_active_at of a row.
catalog::Persona persona_of(const base::SqlRow& row);

}  // namespace auth
