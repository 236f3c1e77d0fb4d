// Invoices: numbered without gaps per space, with totals in exact cents; drafted, sent, paid or
// cancelled. What was sent never changes any more.
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "workspace/dates.hpp"
#include "workspace/invoice_totals.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 16> invoices_fields = {
    "number",    "status",  "clientId",        "clientSource", "clientSnapshot", "currency",
    "issueDate", "dueDate", "sentAt",          "paidAt",       "lines",          "subject",
    "notes",     "terms",   "referenceNumber", "totals"};
// Records of a numbered table keep their place, also when a transaction fails or two run at once.
const Json& invoices_form();
constexpr Table invoices_invoices{.app = "invoices",
                                  .name = "invoices",
                                  .fields = invoices_fields,
                                  .numbered = true,
                                  .once = "number",
                                  .form = invoices_form};
constexpr std::array<std::string_view, 8> invoices_contact_fields = {
    "firstName", "lastName", "company", "email", "street", "postalCode", "city", "country"};
constexpr Table invoices_contacts{"contacts", "contacts", invoices_contact_fields};

constexpr int invoices_days_to_pay = 14;
constexpr std::string_view invoices_statuses =
    R"("enum": ["draft", "sent", "paid", "overdue", "void"])";
constexpr std::string_view invoices_currencies = R"("enum": ["EUR", "CHF", "USD"])";

constexpr std::string_view invoices_client = R"({"type": "object", "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "address": {"type": "string", "maxLength": 500},
                "street": {"type": "string", "maxLength": 200},
                "zip": {"type": "string", "maxLength": 20},
                "city": {"type": "string", "maxLength": 200},
                "country": {"type": "string", "maxLength": 200},
                "email": {"type": "string", "format": "email", "maxLength": 320},
                "vatNumber": {"type": "string", "maxLength": 40}},
                "required": ["name"], "additionalProperties": false)";

constexpr std::string_view invoices_line = R"(
                "title": {"type": "string", "minLength": 1, "maxLength": 500},
                "description": {"type": "string", "maxLength": 5000},
                "quantity": {"type": "number", "minimum": 0, "maximum": 100000,
                             "description": "At most 3 decimal places"},
                "unit": {"type": "string", "maxLength": 40, "description": "E.g. Stunden"},
                "unitPrice": {"type": "number", "minimum": -1000000, "maximum": 1000000,
                              "description": "Net, in units of the currency, e.g. 89.90"},
                "vatRate": {"type": "number", "minimum": 0, "maximum": 100,
                            "description": "Per cent, e.g. 19"},
                "discount": {"type": "number", "minimum": 0, "maximum": 100,
                             "description": "Per cent"})";
constexpr std::string_view invoices_line_needs =
    R"("title", "quantity", "unitPrice", "vatRate"], "additionalProperties": false)";

std::string invoices_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "number": {{"type": "string"}},
        "status": {{"type": "string", {0}}},
        "clientId": {{"type": ["string", "null"]}},
        "clientSource": {{"type": ["string", "null"]}},
        "clientSnapshot": {1}}},
        "currency": {{"type": "string", {2}}},
        "issueDate": {{"type": "string", "format": "date"}},
        "dueDate": {{"type": "string", "format": "date"}},
        "sentAt": {{"type": ["string", "null"], "format": "date-time"}},
        "paidAt": {{"type": ["string", "null"], "format": "date-time"}},
        "lines": {{"type": "array", "items": {{"type": "object", "properties": {{
            "id": {{"type": "string"}}, {3}}}, "required": ["id", {4}}}}},
        "subject": {{"type": ["string", "null"]}},
        "notes": {{"type": ["string", "null"]}},
        "terms": {{"type": ["string", "null"]}},
        "referenceNumber": {{"type": ["string", "null"]}},
        "totals": {{"type": "object", "properties": {{
            "net": {{"type": "number"}}, "vat": {{"type": "number"}},
            "gross": {{"type": "number"}},
            "vatBreakdown": {{"type": "array", "items": {{"type": "object", "properties": {{
                "rate": {{"type": "number"}}, "base": {{"type": "number"}},
                "tax": {{"type": "number"}}}}, "required": ["rate", "base", "tax"],
                "additionalProperties": false}}}}}},
            "required": ["net", "vat", "gross", "vatBreakdown"],
            "additionalProperties": false}}, {5}}})",
                                     invoices_statuses, invoices_client, invoices_currencies,
                                     invoices_line, invoices_line_needs, record_times),
                         {"createdAt", "updatedAt"});
}

const Json& invoices_form() {
    static const Json form = parsed_schema(invoices_record());
    return form;
}

std::string invoices_arguments() {
    return fmt::format(R"(
            "clientId": {{"type": "string", "format": "uuid",
                          "description": "A contact, from contacts.search, whose address is kept"}},
            "client": {0}, "description": "Whom it goes to; stands above the contact"}},
            "lines": {{"type": "array", "minItems": 1, "maxItems": 100, "items": {{
                "type": "object", "properties": {{{1}}}, "required": [{2}}}}},
            "currency": {{"type": "string", {3}}},
            "issueDate": {{"type": "string", "format": "date"}},
            "dueDate": {{"type": "string", "format": "date",
                         "description": "Left out: 14 days after issueDate"}},
            "subject": {{"type": ["string", "null"], "maxLength": 500}},
            "notes": {{"type": ["string", "null"], "maxLength": 10000}},
            "terms": {{"type": ["string", "null"], "maxLength": 10000}},
            "referenceNumber": {{"type": ["string", "null"], "maxLength": 100}})",
                       invoices_client, invoices_line, invoices_line_needs, invoices_currencies);
}

// As it stands today: what was sent and not paid in time is overdue.
Json invoices_today(const Call& call, Json invoice) {
    if (invoice["status"] == "sent" && invoice["dueDate"].get<std::string>() < call.place.today) {
        invoice["status"] = "overdue";
    }
    return invoice;
}

Json invoices_answer(const Call& call, Json invoice) {
    return {{"invoice", invoices_today(call, std::move(invoice))}};
}

// The client as the invoice keeps her, whatever becomes of the contact.
Json invoices_snapshot(const Json& contact) {
    const auto text = [&](const char* field) {
        const auto value = contact.find(field);
        return value != contact.end() && value->is_string() ? value->get<std::string>()
                                                            : std::string();
    };
    std::string person = text("firstName");
    if (!text("lastName").empty()) person += " " + text("lastName");
    const std::string company = text("company");
    Json client;
    client["name"] = company.empty() ? person : company + ", " + person;
    for (const auto& [from, to] :
         {std::pair{"street", "street"}, std::pair{"postalCode", "zip"}, std::pair{"city", "city"},
          std::pair{"country", "country"}, std::pair{"email", "email"}}) {
        if (!text(from).empty()) client[to] = text(from);
    }
    return client;
}

// Reads the client, lines and dates that were given into `fields`; answers what is wrong.
std::optional<std::string> invoices_read(Call& call, Json& fields, const Json& before) {
    fields = call.chosen({"currency", "issueDate", "dueDate", "subject", "notes", "terms",
                          "referenceNumber", "lines"});
    if (call.given("clientId")) {
        const auto contact = call.records.find(invoices_contacts, call.text("clientId"));
        if (!contact) {
            return "there is no contact with that clientId in this space. Call contacts.search and "
                   "use an id from its answer, or leave clientId out";
        }
        fields["clientId"] = (*contact)["id"];
        fields["clientSource"] = "contact";
        fields["clientSnapshot"] = invoices_snapshot(*contact);
        if (call.given("client")) fields["clientSnapshot"].update(call.args["client"]);
    } else if (call.given("client")) {
        fields["clientId"] = nullptr;
        fields["clientSource"] = "invoice-client";
        fields["clientSnapshot"] = call.args["client"];
    }
    if (fields.contains("lines")) {
        if (const auto fault = invoice_lines_fault(fields["lines"])) return fault;
        for (Json& line : fields["lines"]) line["id"] = base::random_uuid();
        fields["totals"] = invoice_totals(fields["lines"]);
    }
    const std::string issued = fields.value("issueDate", before.value("issueDate", ""));
    const bool moved = fields.contains("issueDate") || before.empty();
    if (!fields.contains("dueDate") && moved) {
        fields["dueDate"] =
            plus_days(issued.empty() ? call.place.today : issued, invoices_days_to_pay);
    }
    const std::string due = fields.value("dueDate", before.value("dueDate", ""));
    if (due < (issued.empty() ? call.place.today : issued)) {
        return "dueDate must not lie before issueDate";
    }
    return std::nullopt;
}

Json invoices_create(Call& call) {
    Json fields;
    if (const auto fault = invoices_read(call, fields, Json::object())) {
        return call.refuse("invoices.create was not run: " + *fault + ".");
    }
    Json invoice;
    for (const std::string_view field : invoices_fields) invoice[std::string(field)] = nullptr;
    invoice["status"] = "draft";
    invoice["currency"] = "EUR";
    invoice["issueDate"] = call.place.today;
    invoice.update(fields);
    invoice["number"] = fmt::format("{}-{:04}", call.place.today.substr(0, 4),
                                    call.records.next_place(invoices_invoices) + 1);
    return invoices_answer(call, call.records.insert(invoices_invoices, std::move(invoice)));
}

Json invoices_list(Call& call) {
    Json equal = Json::object();
    RecordFilter filter;
    filter.text = call.text("query");
    filter.limit = call.args["limit"].get<int>();
    if (call.given("status")) {
        const std::string status = call.text("status");
        const bool is_due = status == "sent" || status == "overdue";
        equal["status"] = is_due ? "sent" : status;
        if (is_due) filter.range.field = "dueDate";
        if (status == "sent") filter.range.from = call.place.today;
        if (status == "overdue") filter.range.before = call.place.today;
    }
    if (call.given("clientId")) equal["clientId"] = call.args["clientId"];
    Json invoices = Json::array();
    for (const Json& invoice : call.records.list(invoices_invoices, equal, filter)) {
        invoices.push_back(invoices_today(call, invoice));
    }
    return {{"invoices", std::move(invoices)}};
}

// Changes the invoice's state; answers it.
Json invoices_move(Call& call, const Json& fields) {
    auto invoice = call.records.update(invoices_invoices, call.text("id"), fields);
    if (!invoice) return call.refuse_missing("invoice", "invoices.list");
    return invoices_answer(call, std::move(*invoice));
}

Json invoices_update(Call& call) {
    const auto invoice = call.records.hold(invoices_invoices, call.text("id"));
    if (!invoice) return call.refuse_missing("invoice", "invoices.list");
    if ((*invoice)["status"] != "draft") {
        return call.refuse("invoices.update was not run: this invoice is " +
                           (*invoice)["status"].get<std::string>() +
                           " and stays as it is. Cancel it with invoices.cancel and create a new "
                           "one.");
    }
    Json fields;
    if (const auto fault = invoices_read(call, fields, *invoice)) {
        return call.refuse("invoices.update was not run: " + *fault + ".");
    }
    if (fields.empty()) {
        return call.refuse("invoices.update needs at least one field besides id, e.g. lines.");
    }
    return invoices_move(call, fields);
}

Json invoices_send(Call& call) {
    const auto invoice = call.records.hold(invoices_invoices, call.text("id"));
    if (!invoice) return call.refuse_missing("invoice", "invoices.list");
    const auto status = (*invoice)["status"].get<std::string>();
    // Sending twice keeps the time of the first.
    if (status == "sent") return invoices_answer(call, *invoice);
    if (status != "draft") {
        return call.refuse("invoices.send was not run: this invoice is " + status +
                           ". Only a draft can be sent.");
    }
    return invoices_move(call, {{"status", "sent"}, {"sentAt", call.now_text()}});
}

Json invoices_pay(Call& call) {
    const auto invoice = call.records.hold(invoices_invoices, call.text("id"));
    if (!invoice) return call.refuse_missing("invoice", "invoices.list");
    const auto status = (*invoice)["status"].get<std::string>();
    if (status == "paid") return invoices_answer(call, *invoice);
    if (status != "sent") {
        return call.refuse(
            "invoices.pay was not run: this invoice is " + status +
            (status == "draft" ? ". Send it first with invoices.send." : " and cannot be paid."));
    }
    return invoices_move(call, {{"status", "paid"}, {"paidAt", call.now_text()}});
}

Json invoices_cancel(Call& call) {
    const auto invoice = call.records.hold(invoices_invoices, call.text("id"));
    if (!invoice) return call.refuse_missing("invoice", "invoices.list");
    if ((*invoice)["status"] == "paid") {
        return call.refuse(
            "invoices.cancel was not run: this invoice is paid. Create a second one with a "
            "negative unitPrice that gives the money back.");
    }
    return invoices_move(call, {{"status", "void"}});
}

Tool invoices_listing_tool() {
    return {.name = "invoices.list",
            .title = "List or search invoices",
            .description =
                "Answers the invoices, newest number first: all, those of one status "
                "(overdue: sent and not paid in time), of one client, or with the "
                "query in number, client, lines or texts.",
            .input = object_schema(fmt::format(R"({{{}, "status": {{"type": "string", {}}},
            "clientId": {{"type": "string", "format": "uuid"}}, {}}})",
                                               query_piece(false), invoices_statuses,
                                               limit_piece(100, 20))),
            .output = list_schema("invoices", invoices_record()),
            .effect = Effect::reads,
            .run = invoices_list};
}

}  // namespace

void add_invoices(Registry& registry) {
    registry.add({.name = "invoices.create",
                  .title = "Draft an invoice",
                  .description = "Drafts an invoice with the next number of this space and answers "
                                 "it with its totals.",
                  .input = object_schema("{" + invoices_arguments() + "}", {"client", "lines"}),
                  .output = answer_schema("invoice", invoices_record()),
                  .effect = Effect::adds,
                  .run = invoices_create});
    registry.add(invoices_listing_tool());
    registry.add({.name = "invoices.update",
                  .title = "Change a draft",
                  .description = "Changes only the given fields of a draft; lines replaces all "
                                 "lines. What was sent stays as it is.",
                  .input = object_schema(
                      "{" + id_piece("invoices.list") + "," + invoices_arguments() + "}", {"id"}),
                  .output = answer_schema("invoice", invoices_record()),
                  .effect = Effect::overwrites,
                  .run = invoices_update});
    struct Step {
        const char *name, *title, *description;
        Json (*run)(Call& call);
    };
    for (const Step& step :
         {Step{"invoices.send", "Send an invoice",
               "Marks a draft as sent; from then on it is to be paid until its dueDate.",
               invoices_send},
          Step{"invoices.pay", "Mark an invoice as paid",
               "Notes that the money for a sent invoice has come.", invoices_pay},
          Step{"invoices.cancel", "Cancel an invoice",
               "Makes a draft or sent invoice void. Its number stays taken.", invoices_cancel}}) {
        registry.add({.name = step.name,
                      .title = step.title,
                      .description = step.description,
                      .input = id_schema("invoices.list"),
                      .output = answer_schema("invoice", invoices_record()),
                      .effect = Effect::marks,
                      .run = step.run});
    }
}

}  // namespace workspace
