#include "catalog/persona.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace catalog {

namespace {
constexpr std::size_t persona_modules_max = 64;
constexpr std::size_t persona_module_bytes_max = 64;
constexpr double persona_weight_max = 1e6;
constexpr std::size_t persona_prompt_characters_min = 20;
constexpr std::size_t persona_prompt_characters_max = 32'768;
constexpr std::string_view persona_domain = "@mana.test";

bool is_persona_address(std::string_view email) {
    if (!email.ends_with(persona_domain)) return false;
    email.remove_suffix(persona_domain.size());
    return !email.empty() && std::ranges::all_of(email, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == '_' || c == '+';
    });
}
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

std::string persona_email_of(const base::Fields& fields) {
    std::string email = base::lower_ascii(fields.text("email", 1, 254));
    if (!is_persona_address(email))
        fields.fail("email",
                    "an address of letters, digits, '.', '-', '_' or '+' before @mana.test");
    return email;
}

std::string persona_prompt_of(const base::Fields& fields) {
    return persona_text_of(fields, "systemPrompt",
                           {persona_prompt_characters_min, persona_prompt_characters_max});
}

std::string persona_text_of(const base::Fields& fields, std::string_view name, TextLimits limits) {
    constexpr std::size_t character_bytes_max = 4;
    const auto valid = [&limits] {
        return fmt::format(
            "text of {} to {} characters (at least {} characters beside blanks at its ends)",
            limits.least, limits.most, limits.least);
    };
    std::string text;
    try {
        text = fields.text(name, 1, limits.most * character_bytes_max);
    } catch (const base::Failure&) {
        // It would speak of bytes.
        fields.fail(name, valid());
    }
    if (base::characters(base::trim(text)) < limits.least || base::characters(text) > limits.most)
        fields.fail(name, valid());
    return text;
}

ModuleMix persona_mix_of(const base::Fields& fields) {
    ModuleMix mix = module_mix_from_json(fields.object("moduleMix"), fields.path_of("moduleMix"));
    if (std::ranges::none_of(mix, [](const auto& entry) { return entry.second > 0; }))
        fields.fail("moduleMix", "at least one module with a weight above 0");
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
