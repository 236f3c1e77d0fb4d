// Contacts: created once per mail address, found by any of their fields, changed.
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 17> contacts_fields = {
    "firstName", "lastName", "company", "jobTitle",   "email",      "phone",
    "mobile",    "birthday", "street",  "city",       "postalCode", "country",
    "website",   "notes",    "tags",    "isFavorite", "isArchived"};
constexpr Table contacts_contacts{
    .app = "contacts", .name = "contacts", .fields = contacts_fields, .once = "email"};

// Every field that is a line of text and may be missing.
constexpr std::array<std::string_view, 9> contacts_lines = {"lastName", "company",    "jobTitle",
                                                            "phone",    "mobile",     "street",
                                                            "city",     "postalCode", "country"};

std::string contacts_properties(std::string_view before, std::string_view limit) {
    std::string text(before);
    for (const std::string_view line : contacts_lines) {
        text += fmt::format(R"("{}": {{"type": ["string", "null"]{}}},)", line, limit);
    }
    return text;
}

std::string contacts_record() {
    return record_schema(contacts_properties(R"({"id": {"type": "string", "format": "uuid"},
                                "firstName": {"type": "string"},)",
                                             "") +
                             R"("email": {"type": ["string", "null"]},
               "birthday": {"type": ["string", "null"], "format": "date"},
               "website": {"type": ["string", "null"]},
               "notes": {"type": ["string", "null"]},
               "tags": {"type": "array", "items": {"type": "string"}},
               "isFavorite": {"type": "boolean"},
               "isArchived": {"type": "boolean"},
               "createdAt": {"type": "string", "format": "date-time"},
               "updatedAt": {"type": "string", "format": "date-time"}})",
                         {"createdAt", "updatedAt"});
}

std::string contacts_arguments(std::string_view before) {
    return contacts_properties(std::string(before) +
                                   R"("firstName": {"type": "string", "minLength": 1,
                                                    "maxLength": 120},)",
                               R"(, "maxLength": 200)") +
           R"("email": {"type": ["string", "null"], "format": "email", "maxLength": 320},
              "birthday": {"type": ["string", "null"], "format": "date"},
              "website": {"type": ["string", "null"], "format": "uri", "maxLength": 2000},
              "notes": {"type": ["string", "null"], "maxLength": 10000},
              "tags": {"type": "array", "maxItems": 20,
                       "items": {"type": "string", "minLength": 1, "maxLength": 60}},
              "isFavorite": {"type": "boolean"})";
}

Json contacts_chosen(const Call& call) {
    Json contact = call.chosen({"firstName", "lastName", "company", "jobTitle", "email", "phone",
                                "mobile", "birthday", "street", "city", "postalCode", "country",
                                "website", "notes", "tags", "isFavorite"});
    const auto email = contact.find("email");
    if (email != contact.end() && email->is_string()) {
        *email = base::lower_ascii(email->get<std::string>());
    }
    return contact;
}

// The id of another contact of this space with the same mail address.
std::optional<std::string> contacts_namesake(Call& call, const Json& contact,
                                             const std::string& own_id) {
    const auto email = contact.find("email");
    if (email == contact.end() || !email->is_string()) return std::nullopt;
    auto other = call.records.holder(contacts_contacts, email->get<std::string>());
    if (other == own_id) return std::nullopt;
    return other;
}

Json contacts_create(Call& call) {
    Json contact;
    for (const std::string_view field : contacts_fields) contact[std::string(field)] = nullptr;
    contact["tags"] = Json::array();
    contact["isFavorite"] = false;
    contact["isArchived"] = false;
    contact.update(contacts_chosen(call));
    if (const auto other = contacts_namesake(call, contact, "")) {
        return call.refuse("There is a contact with this email already, its id is " + *other +
                           ". Call contacts.update with that id to add what is new.");
    }
    return {{"contact", call.records.insert(contacts_contacts, std::move(contact))}};
}

Json contacts_search(Call& call) {
    Json equal = Json::object();
    if (!call.args["includeArchived"].get<bool>()) equal["isArchived"] = false;
    if (call.args["favoritesOnly"].get<bool>()) equal["isFavorite"] = true;
    RecordFilter filter;
    filter.text = call.text("query");
    filter.text_fields = {"firstName", "lastName", "company", "jobTitle", "email",
                          "phone",     "mobile",   "city",    "notes",    "tags"};
    filter.limit = call.args["limit"].get<int>();
    return {{"contacts", call.records.list(contacts_contacts, equal, filter)}};
}

Json contacts_update(Call& call) {
    Json fields = contacts_chosen(call);
    if (call.given("isArchived")) fields["isArchived"] = call.args["isArchived"];
    if (fields.empty()) {
        return call.refuse("contacts.update needs at least one field besides id, e.g. phone.");
    }
    if (const auto other = contacts_namesake(call, fields, base::lower_ascii(call.text("id")))) {
        return call.refuse("Another contact has this email already, its id is " + *other +
                           ". Nothing was changed.");
    }
    return call.change(contacts_contacts, fields, {"contact", "contact", "contacts.search"});
}

}  // namespace

void add_contacts(Registry& registry) {
    registry.add({.name = "contacts.create",
                  .title = "Create a contact",
                  .description = "Keeps a person and answers the contact with its id. One mail "
                                 "address belongs to one contact.",
                  .input = object_schema(contacts_arguments("{") + "}", {"firstName"}),
                  .output = answer_schema("contact", contacts_record()),
                  .effect = Effect::adds,
                  .run = contacts_create});
    registry.add({.name = "contacts.search",
                  .title = "Search contacts",
                  .description =
                      "Answers the contacts with the query in a name, company, job, mail, "
                      "phone, city, notes or tags (any case), newest first. An empty "
                      "query answers all.",
                  .input = object_schema(R"({
            "query": {"type": "string", "maxLength": 200, "default": ""},
            "favoritesOnly": {"type": "boolean", "default": false},
            "includeArchived": {"type": "boolean", "default": false},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}})"),
                  .output = list_schema("contacts", contacts_record()),
                  .effect = Effect::reads,
                  .run = contacts_search});
    registry.add(
        {.name = "contacts.update",
         .title = "Change a contact",
         .description = "Changes only the given fields; null clears one, isArchived true "
                        "puts the contact away.",
         .input = object_schema(contacts_arguments(R"({"id": {"type": "string", "format": "uuid",
                                                    "description": "From contacts.search"},)") +
                                    R"(, "isArchived": {"type": "boolean"}})",
                                {"id"}),
         .output = answer_schema("contact", contacts_record()),
         .effect = Effect::overwrites,
         .run = contacts_update});
}

}  // namespace workspace
