#include "catalog/persona.hpp"

#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace catalog {

namespace {
constexpr std::size_t persona_modules_max = 64;
constexpr std::size_t persona_module_bytes_max = 64;
constexpr double persona_weight_max = 1e6;
}  // namespace

std::string short_name(std::string_view email) {
    constexpr std::string_view prefix = "persona.";
    std::string_view local = email.substr(0, email.find('@'));
    if (local.starts_with(prefix) && local.size() > prefix.size())
        local.remove_prefix(prefix.size());
    return std::string(local);
}

base::Json to_json(const ModuleMix& mix) {
    base::Json json = base::Json::object();
    for (const auto& [module, weight] : mix) json[module] = weight;
    return json;
}

ModuleMix module_mix_from_json(const base::Json& json, const std::string& where) {
    if (!json.is_object() || json.size() > persona_modules_max)
        throw base::Failure(base::Failure::Kind::invalid,
                            where +
                                " must be an object of at most 64 modules with their weights, "
                                "e.g. {\"todo\": 0.6, \"notes\": 0.4}");
    ModuleMix mix;
    base::Fields weights(json, where);
    for (const auto& [module, weight] : json.items()) {
        if (module.empty() || module.size() > persona_module_bytes_max)
            throw base::Failure(base::Failure::Kind::invalid,
                                where + ": module names must have 1 to 64 characters");
        mix.emplace_back(module, weights.number(module, 0, persona_weight_max));
    }
    return mix;
}

base::Json to_json(const Persona& persona) {
    base::Json json = base::Json::object();
    if (!persona.user_id.empty()) json["userId"] = persona.user_id;
    json["email"] = persona.email;
    json["name"] = persona.name;
    json["archetype"] = persona.archetype;
    json["systemPrompt"] = persona.system_prompt;
    json["moduleMix"] = to_json(persona.module_mix);
    json["tickCadence"] = word_of(persona.cadence);
    json["lastActiveAt"] = nullptr;
    if (persona.last_active_at) json["lastActiveAt"] = base::to_iso(*persona.last_active_at);
    return json;
}

Persona persona_from_json(const base::Json& json, const std::string& where) {
    base::Fields fields(json, where);
    Persona persona;
    persona.user_id = fields.text_or_none("userId", 255).value_or("");
    persona.email = base::lower_ascii(fields.text("email", 3, 254));
    persona.name = fields.text_or_none("name", 255).value_or("");
    if (persona.name.empty()) persona.name = short_name(persona.email);
    persona.archetype = fields.text("archetype", 1, 128);
    persona.system_prompt = fields.text("systemPrompt");
    persona.module_mix =
        module_mix_from_json(fields.object("moduleMix"), fields.path_of("moduleMix"));
    if (fields.has("tickCadence"))
        persona.cadence = static_cast<Cadence>(fields.word("tickCadence", cadence_words()));
    if (auto text = fields.text_or_none("lastActiveAt", 64)) {
        persona.last_active_at = base::from_iso(*text);
        if (!persona.last_active_at)
            fields.fail("lastActiveAt", "a time like 2026-11-21T09:30:00.000Z");
    }
    return persona;
}

}  // namespace catalog
