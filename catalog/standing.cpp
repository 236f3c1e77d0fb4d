#include "catalog/standing.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace catalog {

namespace {

constexpr std::array<std::string_view, 3> standing_scopes = {"all", "archetype", "persona"};
constexpr std::size_t standing_email_bytes_max = 320;
constexpr std::int64_t standing_count_max = 1'000'000'000'000;

Whom whom_of_fields(const base::Fields& fields) {
    Whom whom{.scope = static_cast<Whom::Scope>(fields.word("scope", standing_scopes))};
    if (whom.scope == Whom::Scope::archetype)
        whom.name = fields.text("archetype", 1, archetype_bytes_max);
    if (whom.scope == Whom::Scope::persona)
        whom.name = base::lower_ascii(fields.text("email", 3, standing_email_bytes_max));
    return whom;
}

base::Moment standing_moment(const base::Fields& fields, std::string_view name) {
    const auto moment = base::from_iso(fields.text(name, 1, 64));
    if (!moment) fields.fail(name, "a time like 2026-11-21T09:30:00.000Z");
    return *moment;
}

template <class Entry, class Read>
std::vector<Entry> standing_list(const base::Fields& fields, std::string_view name,
                                 std::size_t items_max, Read read) {
    std::vector<Entry> entries;
    for (const base::Json& item : fields.array(name, items_max)) {
        const std::string where = std::string(name) + "[" + std::to_string(entries.size()) + "]";
        entries.push_back(read(base::Fields(item, where)));
    }
    return entries;
}

}  // namespace

std::string to_text(const Whom& whom) {
    switch (whom.scope) {
        case Whom::Scope::all: return "everybody";
        case Whom::Scope::archetype: return "archetype " + whom.name;
        case Whom::Scope::persona: return whom.name;
    }
    base::unreachable("scope of a pause");
}

base::Json to_json(const Whom& whom) {
    base::Json json{{"scope", standing_scopes[static_cast<std::size_t>(whom.scope)]}};
    if (whom.scope == Whom::Scope::archetype) json["archetype"] = whom.name;
    if (whom.scope == Whom::Scope::persona) json["email"] = whom.name;
    return json;
}

Whom whom_from_json(const base::Json& json) {
    static constexpr std::array<std::string_view, 1> nobody{"scope"};
    static constexpr std::array<std::string_view, 2> kind{"scope", "archetype"};
    static constexpr std::array<std::string_view, 2> one{"scope", "email"};
    const base::Fields fields(json);
    Whom whom = whom_of_fields(fields);
    // A name that the scope does not take would widen the pause in silence.
    switch (whom.scope) {
        case Whom::Scope::all: fields.only(nobody); break;
        case Whom::Scope::archetype: fields.only(kind); break;
        case Whom::Scope::persona: fields.only(one); break;
    }
    return whom;
}

base::Json to_json(const Standing& standing) {
    base::Json json{
        {"pausesCount", standing.pauses_count}, {"quarantinedCount", standing.quarantined_count},
        {"skipped24h", standing.skipped_24h},   {"pauses", base::Json::array()},
        {"quarantined", base::Json::array()},   {"skipped", base::Json::array()}};
    for (const Pause& pause : standing.pauses) {
        base::Json entry = to_json(pause.whom);
        entry["since"] = base::to_iso(pause.since);
        json["pauses"].push_back(std::move(entry));
    }
    for (const Quarantine& quarantine : standing.quarantined) {
        json["quarantined"].push_back({{"email", quarantine.email},
                                       {"slot", base::to_iso(quarantine.slot)},
                                       {"since", base::to_iso(quarantine.since)}});
    }
    for (const SkippedSlot& slot : standing.skipped) {
        json["skipped"].push_back({{"email", slot.email},
                                   {"slot", base::to_iso(slot.slot)},
                                   {"slots", slot.slots},
                                   {"reason", slot.reason},
                                   {"attempts", slot.attempts},
                                   {"givenUpAt", base::to_iso(slot.given_up_at)}});
    }
    return json;
}

Standing standing_from_json(const base::Json& json) {
    const base::Fields fields(json);
    Standing standing;
    standing.pauses_count = fields.integer("pausesCount", 0, standing_count_max);
    standing.quarantined_count = fields.integer("quarantinedCount", 0, standing_count_max);
    standing.skipped_24h = fields.integer("skipped24h", 0, standing_count_max);
    standing.pauses =
        standing_list<Pause>(fields, "pauses", standing_list_max, [](const base::Fields& entry) {
            return Pause{.whom = whom_of_fields(entry), .since = standing_moment(entry, "since")};
        });
    standing.quarantined = standing_list<Quarantine>(
        fields, "quarantined", standing_list_max, [](const base::Fields& entry) {
            return Quarantine{.email = entry.text("email", 1, standing_email_bytes_max),
                              .slot = standing_moment(entry, "slot"),
                              .since = standing_moment(entry, "since")};
        });
    standing.skipped = standing_list<SkippedSlot>(
        fields, "skipped", standing_skipped_max, [](const base::Fields& entry) {
            return SkippedSlot{
                .email = entry.text("email", 1, standing_email_bytes_max),
                .slot = standing_moment(entry, "slot"),
                .slots = entry.integer("slots", 1, standing_count_max),
                .reason = entry.text("reason", 1, 64),
                .attempts = static_cast<int>(entry.integer("attempts", 0, 1'000'000)),
                .given_up_at = standing_moment(entry, "givenUpAt")};
        });
    return standing;
}

}  // namespace catalog
