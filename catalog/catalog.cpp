#include "catalog/catalog.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace catalog {

namespace {

constexpr std::size_t catalog_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t catalog_personas_max = 10'000;
constexpr std::size_t catalog_faults_max = 20;

constexpr std::size_t catalog_spaces_max = 10'000;
constexpr std::size_t catalog_members_max = 100;
constexpr std::array<std::string_view, 3> catalog_top_names = {"$schema", "personas", "spaces"};
constexpr std::array<std::string_view, 5> catalog_space_names = {"slug", "name", "type", "weight",
                                                                 "members"};
constexpr std::array<std::string_view, 5> catalog_space_types = {"brand", "club", "family", "team",
                                                                 "practice"};
constexpr std::array<std::string_view, 6> catalog_persona_names = {
    "email", "name", "archetype", "tickCadence", "systemPrompt", "moduleMix"};

// Gathers faults, so that the writer of a file sees all of them at once.
class CatalogFaults {
  public:
    explicit CatalogFaults(std::string_view file) : file_(file) {}

    void add(std::string_view fault) {
        if (++count_ > catalog_faults_max) return;
        if (!text_.empty()) text_ += '\n';
        text_ += file_ + ": " + std::string(fault);
    }
    // Runs one check; the failure it throws is one fault.
    template <class Check>
    void gather(Check check) {
        try {
            check();
        } catch (const base::Failure& failure) {
            add(failure.what());
        }
    }
    void throw_if_any() const {
        if (count_ == 0) return;
        std::string text = text_;
        if (count_ > catalog_faults_max)
            text += "\nand " + std::to_string(count_ - catalog_faults_max) + " more";
        throw base::Failure(base::Failure::Kind::invalid, text);
    }

  private:
    std::string file_;
    std::string text_;
    std::size_t count_ = 0;
};

// "personas[2] (persona.ben@mana.test)": people look for the address, editors for the index.
std::string catalog_where(const base::Json& json, std::size_t index) {
    std::string where = "personas[" + std::to_string(index) + "]";
    if (json.is_object() && json.contains("email") && json["email"].is_string())
        where += " (" + base::cut(json["email"].get_ref<const std::string&>(), 80) + ")";
    return where;
}

constexpr TextLimits catalog_name_limits{.least = 1, .most = 80};

Persona catalog_read_persona(const base::Json& json, const std::string& where,
                             CatalogFaults& faults) {
    Persona persona;
    base::Fields fields(json, where);
    faults.gather([&] { fields.only(catalog_persona_names); });
    faults.gather([&] { persona.email = persona_email_of(fields); });
    faults.gather([&] { persona.name = persona_text_of(fields, "name", catalog_name_limits); });
    faults.gather([&] { persona.archetype = persona_text_of(fields, "archetype", {1, 64}); });
    faults.gather([&] {
        if (auto word = fields.word_or_none("tickCadence", cadence_words()))
            persona.cadence = static_cast<Cadence>(*word);
    });
    faults.gather([&] { persona.system_prompt = persona_prompt_of(fields); });
    faults.gather([&] { persona.module_mix = persona_mix_of(fields); });
    return persona;
}

bool catalog_is_slug(std::string_view text) {
    return !text.empty() && text.front() != '-' && text.back() != '-' &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

SharedSpace catalog_read_space(const base::Json& json, const std::string& where,
                               const std::set<std::string>& addresses, CatalogFaults& faults) {
    SharedSpace space;
    base::Fields fields(json, where);
    faults.gather([&] { fields.only(catalog_space_names); });
    faults.gather([&] {
        space.slug = fields.text("slug", 1, 60);
        if (!catalog_is_slug(space.slug))
            fields.fail("slug", "lower-case letters, digits and '-', such as wg-altbau");
    });
    faults.gather([&] { space.name = persona_text_of(fields, "name", catalog_name_limits); });
    faults.gather([&] {
        const auto word = fields.word_or_none("type", catalog_space_types);
        if (!word) fields.fail("type", "brand, club, family, team or practice");
        space.type = catalog_space_types.at(*word);
    });
    faults.gather([&] { space.weight = fields.number("weight", 0, 1); });
    faults.gather([&] {
        for (const base::Json& one : fields.array("members", catalog_members_max)) {
            const std::string email =
                one.is_string() ? base::lower_ascii(one.get<std::string>()) : std::string();
            const bool twice = std::ranges::find(space.members, email) != space.members.end();
            if (!addresses.contains(email) || twice)
                fields.fail("members", "addresses of personas of this file, each once");
            space.members.push_back(email);
        }
        if (space.members.size() < 2) fields.fail("members", "a list of at least two addresses");
    });
    return space;
}

}  // namespace

Catalog read_catalog(std::string_view text, std::string_view file_name) {
    CatalogFaults faults(file_name);
    Catalog catalog;
    base::Json json;
    faults.gather([&] { json = base::parse_json(text, "the catalog"); });
    faults.throw_if_any();
    const base::Json* list = nullptr;
    const base::Json* spaces = nullptr;
    faults.gather([&] {
        base::Fields fields(json);
        fields.only(catalog_top_names);
        list = &fields.array("personas", catalog_personas_max);
        if (list->empty()) fields.fail("personas", "a list of at least one persona");
        if (fields.has("spaces")) spaces = &fields.array("spaces", catalog_spaces_max);
    });
    faults.throw_if_any();
    std::set<std::string> addresses;
    for (std::size_t i = 0; i < list->size(); ++i) {
        std::string where = catalog_where((*list)[i], i);
        faults.gather([&] {
            Persona persona = catalog_read_persona((*list)[i], where, faults);
            if (!persona.email.empty() && !addresses.insert(persona.email).second)
                faults.add(where + ".email must be unique in the file");
            catalog.personas.push_back(std::move(persona));
        });
    }
    std::set<std::string> slugs;
    std::map<std::string, double> weights;  // Of all shared spaces of a persona.
    for (std::size_t i = 0; spaces && i < spaces->size(); ++i) {
        const std::string where = "spaces[" + std::to_string(i) + "]";
        faults.gather([&] {
            SharedSpace space = catalog_read_space((*spaces)[i], where, addresses, faults);
            if (!space.slug.empty() && !slugs.insert(space.slug).second)
                faults.add(where + ".slug must be unique in the file");
            for (const std::string& email : space.members) {
                if ((weights[email] += space.weight) > 1)
                    faults.add(where + ".weight must leave " + email + " a sum of at most 1");
            }
            catalog.spaces.push_back(std::move(space));
        });
    }
    faults.throw_if_any();
    return catalog;
}

Catalog load_catalog(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream || std::filesystem::is_directory(file))
        throw base::Failure(base::Failure::Kind::invalid,
                            "catalog " + file.string() + " cannot be read: name a readable file");
    std::string text(std::istreambuf_iterator<char>(stream), {});
    if (text.size() > catalog_bytes_max)
        throw base::Failure(base::Failure::Kind::invalid,
                            "catalog " + file.string() + " must have at most 8 MiB");
    return read_catalog(text, file.string());
}

Catalog shipped_catalog() {
    constexpr std::string_view name = "personas.json";
    for (const base::EmbeddedText& file : shipped_texts())
        if (file.name == name) return read_catalog(file.text, file.name);
    base::unreachable("the binary carries personas.json");
}

}  // namespace catalog
