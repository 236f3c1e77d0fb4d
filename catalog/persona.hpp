// A persona: a person we play. Name, address, character, favourite modules and how often she comes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "catalog/cadence.hpp"

namespace catalog {

// Module -> relative weight, in the catalog's order; weights are >= 0 and need not sum to 1.
using ModuleMix = std::vector<std::pair<std::string, double>>;

struct Persona {
    std::string user_id;  // Empty until the service has given one.
    std::string email;    // Lower case.
    std::string name;
    std::string archetype;
    std::string system_prompt;
    ModuleMix module_mix;
    Cadence cadence = Cadence::daily;
    std::optional<base::Moment> last_active_at;

    bool operator==(const Persona&) const = default;
};

// The part before the '@' without "persona."; what logs and tables call her ("anna").
std::string short_name(std::string_view email);

// What an address, a prompt and weights of a persona must be, the same for the catalog's file and
// for the service that stores her. Each reads one field and throws Failure::invalid that names it:
// `email` (comes back in lower case) ends in @mana.test, `systemPrompt` has 20 to 32,768 characters
// beside blanks at its ends, of `moduleMix` at least one weight is above 0.
std::string persona_email_of(const base::Fields& fields);
std::string persona_prompt_of(const base::Fields& fields);
ModuleMix persona_mix_of(const base::Fields& fields);
// Such a text with limits of its own, in characters; `least` of them beside blanks at its ends.
struct TextLimits {
    std::size_t least = 1, most = 0;
};
std::string persona_text_of(const base::Fields& fields, std::string_view name, TextLimits limits);

// The wire's form (userId, email, name, archetype, systemPrompt, moduleMix, tickCadence,
// lastActiveAt).
base::Json to_json(const Persona& persona);
Persona persona_from_json(const base::Json& json, const std::string& where);

base::Json to_json(const ModuleMix& mix);
// Throws Failure::invalid for anything but an object of numbers >= 0 (at most 64 modules).
ModuleMix module_mix_from_json(const base::Json& json, const std::string& where);

}  // namespace catalog
