#include "runner/outbox/records.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace runner {

namespace {

using base::Failure;
using catalog::Action;

constexpr std::size_t records_whole_actions_max = 100'000;  // More than a visit can make.
constexpr std::size_t records_whole_ratings_max = 10'000;
constexpr std::int64_t records_seq_max = 1'000'000;

// {"kind":"<kind>",<members of the object's text>: cheaper than an object that grows by copying.
std::string text_of_kind(std::string_view kind, const base::Json& content) {
    return fmt::format(R"({{"kind":"{}",{})", kind,
                       std::string_view(base::to_text(content)).substr(1));
}

void add_member(std::string& object, std::string_view name, const base::Json& value) {
    object.back() = ',';
    fmt::format_to(std::back_inserter(object), R"("{}":{}}})", name, base::to_text(value));
}

void put_header(base::Json& record, const VisitRecords& visit) {
    record["visit"] = visit.visit_id;
    record["user"] = visit.user_id;
    record["persona"] = visit.persona;
    record["startedAt"] = base::to_iso(visit.started_at);
}

// What came back of a call; the rest stands in its intent.
base::Json outcome_of(const Action& action) {
    base::Json json{{"tickId", action.visit_id},
                    {"seq", action.seq},
                    {"outcome", catalog::word_of(action.outcome)}};
    if (!action.error_message.empty()) json["errorMessage"] = action.error_message;
    if (action.latency_ms) json["latencyMs"] = *action.latency_ms;
    return json;
}

// The action as its intent told it, before anything came back.
Action as_intended(Action action) {
    action.outcome = Action::Outcome::unknown;
    action.error_message.clear();
    action.latency_ms.reset();
    return action;
}

void take_header(VisitRecords& visit, const base::Fields& fields) {
    visit.visit_id = fields.text("visit");
    visit.user_id = fields.text("user");
    visit.persona = fields.text("persona", 0);
    const auto started = base::from_iso(fields.text("startedAt"));
    if (!started) fields.fail("startedAt", "an ISO 8601 time");
    visit.started_at = *started;
}

void take_action(VisitRecords& visit, Action action, bool settled) {
    for (std::size_t i = 0; i < visit.actions.size(); ++i) {
        if (visit.actions[i].seq != action.seq) continue;
        if (settled) {
            visit.actions[i] = std::move(action);
            visit.settled[i] = true;
        }
        return;
    }
    visit.actions.push_back(std::move(action));
    visit.settled.push_back(settled);
}

// Earlier versions wrote the whole action again.
Action settled_action(const VisitRecords& visit, const base::Json& record,
                      const base::Fields& fields, const std::string& where) {
    if (fields.has("toolName")) return catalog::action_from_json(record, where);
    const std::int64_t seq = fields.integer("seq", 1, records_seq_max);
    const auto intent = std::find_if(visit.actions.begin(), visit.actions.end(),
                                     [seq](const Action& action) { return action.seq == seq; });
    if (intent == visit.actions.end()) fields.fail("seq", "that of an intent above");
    // Read by the one reader of outcomes, with the intent's fields around it.
    base::Json whole = catalog::to_json(as_intended(*intent));
    whole["tickId"] = fields.text("tickId");
    whole["outcome"] = fields.text("outcome");
    whole["result"] = whole["outcome"] == catalog::word_of(Action::Outcome::ok) ? "ok" : "error";
    for (const char* name : {"errorMessage", "latencyMs"}) {
        if (fields.has(name)) whole[name] = record.at(name);
    }
    return catalog::action_from_json(whole, where);
}

void take_rating(VisitRecords& visit, catalog::Rating rating) {
    for (catalog::Rating& known : visit.ratings) {
        if (known.module == rating.module) {
            known = std::move(rating);
            return;
        }
    }
    visit.ratings.push_back(std::move(rating));
}

void check_owner(const VisitRecords& visit, const std::string& visit_id, const std::string& where) {
    if (visit.visit_id != visit_id) {
        throw Failure{Failure::Kind::invalid, fmt::format("{} belongs to visit {}, not to {}",
                                                          where, visit_id, visit.visit_id)};
    }
}

// A record of another kind needs the header above it, and nothing comes behind the end.
void check_place(const VisitRecords& visit, const base::Fields& fields, bool header) {
    if (visit.end) fields.fail("kind", "nothing, the visit has ended above");
    if (header != visit.visit_id.empty()) {
        fields.fail("kind", header ? "a record of the visit above" : "visit, the visit's header");
    }
}

VisitRecords visit_of_whole(const base::Fields& fields, const std::string& where) {
    VisitRecords visit;
    take_header(visit, fields);
    for (const base::Json& row : fields.array("actions", records_whole_actions_max)) {
        Action action = catalog::action_from_json(row, where);
        check_owner(visit, action.visit_id, where);
        take_action(visit, std::move(action), base::Fields(row, where).flag("settled"));
    }
    for (const base::Json& row : fields.array("ratings", records_whole_ratings_max)) {
        catalog::Rating rating = catalog::rating_from_json(row, where);
        check_owner(visit, rating.visit_id, where);
        take_rating(visit, std::move(rating));
    }
    if (fields.has("end")) visit.end = catalog::visit_end_from_json(fields.object("end"));
    if (fields.has("soFar")) visit.so_far = catalog::visit_end_from_json(fields.object("soFar"));
    return visit;
}

void apply_to_running(VisitRecords& visit, const base::Json& record, const base::Fields& fields,
                      std::string_view kind, const std::string& where) {
    if (kind == "intent" || kind == "outcome") {
        const bool settled = kind == "outcome";
        Action action = settled ? settled_action(visit, record, fields, where)
                                : catalog::action_from_json(record, where);
        check_owner(visit, action.visit_id, where);
        take_action(visit, std::move(action), settled);
        if (fields.has("soFar"))
            visit.so_far = catalog::visit_end_from_json(fields.object("soFar"));
    } else if (kind == "rating") {
        catalog::Rating rating = catalog::rating_from_json(record, where);
        check_owner(visit, rating.visit_id, where);
        take_rating(visit, std::move(rating));
    } else if (kind == "end") {
        visit.end = catalog::visit_end_from_json(record);
    } else {
        fields.fail("kind", "visit, intent, outcome, rating, end or whole");
    }
}

}  // namespace

std::string header_text(const VisitRecords& visit) {
    base::Json record;
    put_header(record, visit);
    return text_of_kind("visit", record);
}

std::string intent_text(const Action& action, const std::optional<catalog::VisitEnd>& so_far) {
    std::string text = text_of_kind("intent", catalog::to_json(action));
    if (so_far) add_member(text, "soFar", catalog::to_json(*so_far));
    return text;
}

std::string outcome_text(const Action& action) {
    return text_of_kind("outcome", outcome_of(action));
}

std::string rating_text(const catalog::Rating& rating) {
    return text_of_kind("rating", catalog::to_json(rating));
}

std::string end_text(const catalog::VisitEnd& end) {
    return text_of_kind("end", catalog::to_json(end));
}

std::string whole_text(const VisitRecords& visit) {
    base::Json record;
    put_header(record, visit);
    base::Json& actions = record["actions"] = base::Json::array();
    for (std::size_t i = 0; i < visit.actions.size(); ++i) {
        base::Json row = catalog::to_json(visit.actions[i]);
        row["settled"] = static_cast<bool>(visit.settled[i]);
        actions.push_back(std::move(row));
    }
    base::Json& ratings = record["ratings"] = base::Json::array();
    for (const catalog::Rating& rating : visit.ratings) ratings.push_back(catalog::to_json(rating));
    if (visit.end) record["end"] = catalog::to_json(*visit.end);
    if (visit.so_far) record["soFar"] = catalog::to_json(*visit.so_far);
    return text_of_kind("whole", record);
}

std::vector<std::string> record_texts(const VisitRecords& visit) {
    std::vector<std::string> texts{header_text(visit)};
    for (std::size_t i = 0; i < visit.actions.size(); ++i) {
        const bool newest = i + 1 == visit.actions.size();
        texts.push_back(
            intent_text(as_intended(visit.actions[i]), newest ? visit.so_far : std::nullopt));
        if (visit.settled[i]) texts.push_back(outcome_text(visit.actions[i]));
    }
    for (const catalog::Rating& rating : visit.ratings) texts.push_back(rating_text(rating));
    if (visit.end) texts.push_back(end_text(*visit.end));
    return texts;
}

void apply_record(VisitRecords& visit, const base::Json& record, const std::string& where) {
    const base::Fields fields(record, where);
    const std::string kind = fields.text("kind");
    if (kind == "whole") {
        VisitRecords whole = visit_of_whole(fields, where);
        if (!visit.visit_id.empty()) check_owner(visit, whole.visit_id, where);
        visit = std::move(whole);
        return;
    }
    check_place(visit, fields, kind == "visit");
    if (kind == "visit") return take_header(visit, fields);
    apply_to_running(visit, record, fields, kind, where);
}

}  // namespace runner
