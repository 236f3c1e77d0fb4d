// Contacts: created once per mail address, found by any of their fields, changed.
#include <array>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/dates.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 21> contacts_fields = {
    "firstName", "lastName",   "company",    "jobTitle",   "email",   "phone",     "mobile",
    "birthday",  "street",     "city",       "postalCode", "country", "website",   "notes",
    "tags",      "isFavorite", "isArchived", "linkedin",   "twitter", "instagram", "github"};
const Json& contacts_form();
constexpr Table contacts_contacts{.app = "contacts",
                                  .name = "contacts",
                                  .fields = contacts_fields,
                                  .once = "email",
                                  .form = contacts_form};

// Every field that is a line of text and may be missing.
constexpr std::array<std::string_view, 13> contacts_lines = {
    "lastName", "company",    "jobTitle", "phone",   "mobile",    "street", "city",
    "country",  "postalCode", "linkedin", "twitter", "instagram", "github"};
constexpr int contacts_birthdays_max = 1'000;

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
                         {"linkedin", "twitter", "instagram", "github", "createdAt", "updatedAt"});
}

const Json& contacts_form() {
    static const Json form = parsed_schema(contacts_record());
    return form;
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
    Json contact = call.chosen({"firstName",  "lastName", "company",  "jobTitle",  "email",
                                "phone",      "mobile",   "birthday", "street",    "city",
                                "postalCode", "country",  "website",  "notes",     "tags",
                                "isFavorite", "linkedin", "twitter",  "instagram", "github"});
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

// Somewhere it is tomorrow already; nobody is born later than that.
std::optional<std::string> contacts_fault(const Call& call, const Json& contact) {
    const auto birthday = contact.find("birthday");
    if (birthday == contact.end() || !birthday->is_string()) return std::nullopt;
    if (birthday->get<std::string>() <= plus_days(call.place.today, 1)) return std::nullopt;
    return " was not run: birthday lies in the future; today is " + call.place.today +
           ". Correct it or leave it out.";
}

Json contacts_create(Call& call) {
    Json contact;
    for (const std::string_view field : contacts_fields) contact[std::string(field)] = nullptr;
    contact["tags"] = Json::array();
    contact["isFavorite"] = false;
    contact["isArchived"] = false;
    contact.update(contacts_chosen(call));
    if (const auto fault = contacts_fault(call, contact)) {
        return call.refuse("contacts.create" + *fault);
    }
    if (const auto other = contacts_namesake(call, contact, "")) {
        return call.refuse("There is a contact with this email already, its id is " + *other +
                           ". Call contacts.update with that id to add what is new.");
    }
    return {{"contact", call.records.insert(contacts_contacts, std::move(contact))}};
}

Json contacts_search(Call& call) {
    return {{"contacts", call.records.list(contacts_contacts, call.asked_flags(), call.asked())}};
}

Json contacts_update(Call& call) {
    Json fields = contacts_chosen(call);
    if (call.given("isArchived")) fields["isArchived"] = call.args["isArchived"];
    if (fields.empty()) {
        return call.refuse("contacts.update needs at least one field besides id, e.g. phone.");
    }
    if (const auto fault = contacts_fault(call, fields)) {
        return call.refuse("contacts.update" + *fault);
    }
    if (const auto other = contacts_namesake(call, fields, base::lower_ascii(call.text("id")))) {
        return call.refuse("Another contact has this email already, its id is " + *other +
                           ". Nothing was changed.");
    }
    return call.change(contacts_contacts, fields, {"contact", "contact", "contacts.search"});
}

// The day on which it is celebrated in that year; the 29th of February otherwise on the next day.
std::string contacts_birthday_in(const std::string& birthday, const std::string& year) {
    const std::string day = year + birthday.substr(4);
    return is_date(day) ? day : year + "-03-01";
}

Json contacts_birthdays(Call& call) {
    RecordFilter filter;
    filter.range = {.field = "birthday", .from = "0001", .before = {}};
    filter.limit = contacts_birthdays_max;
    const std::string& today = call.place.today;
    const std::string last = plus_days(today, call.args["days"].get<int>());
    std::multimap<std::string, Json> coming;
    for (const Json& contact :
         call.records.list(contacts_contacts, {{"isArchived", false}}, filter)) {
        const auto birthday = contact["birthday"].get<std::string>();
        std::string day = contacts_birthday_in(birthday, today.substr(0, 4));
        const std::string next_year = plus_days(today.substr(0, 4) + "-12-31", 1).substr(0, 4);
        if (day < today) day = contacts_birthday_in(birthday, next_year);
        if (day < today || day > last) continue;
        const int age = std::stoi(day.substr(0, 4)) - std::stoi(birthday.substr(0, 4));
        Json one{{"id", contact["id"]}, {"date", day}, {"age", age}};
        one["name"] =
            contact["firstName"].get<std::string>() +
            (contact["lastName"].is_null() ? "" : " " + contact["lastName"].get<std::string>());
        coming.emplace(day, std::move(one));
    }
    Json birthdays = Json::array();
    for (auto& [day, one] : coming) birthdays.push_back(std::move(one));
    return {{"birthdays", std::move(birthdays)}};
}

Json contacts_archive(Call& call) {
    return call.change(contacts_contacts, {{"isArchived", call.args["archived"]}},
                       {"contact", "contact", "contacts.search"});
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
                      "Answers the contacts with the query in a name, company, job, mail, phone, "
                      "address, notes or tags, newest first. An empty query answers all.",
                  .input = object_schema(R"({
            )" + query_piece(false) + R"(,
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
    registry.add({.name = "contacts.birthdays",
                  .title = "Coming birthdays",
                  .description = "Answers whose birthday is today or within the next days.",
                  .input = object_schema(R"({
            "days": {"type": "integer", "minimum": 0, "maximum": 366, "default": 30}})"),
                  .output = list_schema("birthdays", R"({"type": "object", "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": {"type": "string"},
            "date": {"type": "string", "format": "date"},
            "age": {"type": "integer", "description": "On that day"}},
            "required": ["id", "name", "date", "age"], "additionalProperties": false})"),
                  .effect = Effect::reads,
                  .run = contacts_birthdays});
    registry.add({.name = "contacts.archive",
                  .title = "Archive a contact",
                  .description = "Puts a contact away, or takes it back with archived false.",
                  .input = archive_schema("contacts.search"),
                  .output = answer_schema("contact", contacts_record()),
                  .effect = Effect::marks,
                  .run = contacts_archive});
}

}  // namespace workspace
