#include "catalog/record.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace catalog {

namespace {

constexpr std::array<std::string_view, 3> record_outcomes = {"ok", "error", "unknown"};
constexpr std::array<std::string_view, 2> record_results = {"ok", "error"};
constexpr std::array<std::string_view, 4> record_rating_statuses = {"rated", "unparsed", "refused",
                                                                    "missing"};
constexpr std::array<std::string_view, 3> record_end_statuses = {"finished", "partial", "failed"};
constexpr std::array<std::string_view, 5> record_sources = {"none", "persona", "product", "model",
                                                            "infra"};

// What each object on the wire may hold.
constexpr std::array<std::string_view, 11> record_action_fields = {
    "tickId", "seq",    "startedAt", "module",       "toolName", "inputHash",
    "input",  "result", "outcome",   "errorMessage", "latencyMs"};
constexpr std::array<std::string_view, 6> record_rating_fields = {"tickId", "module", "status",
                                                                  "rating", "notes",  "evidence"};
constexpr std::array<std::string_view, 13> record_end_fields = {
    "status",  "reason", "errorSource", "turns",   "toolCalls",  "counts",   "tokens",
    "costUsd", "model",  "product",     "summary", "handedBack", "notBefore"};
constexpr std::array<std::string_view, 2> record_count_fields = {"actions", "ratings"};
constexpr std::array<std::string_view, 4> record_token_fields = {"input", "output", "cacheWrite",
                                                                 "cacheRead"};
constexpr std::array<std::string_view, 2> record_product_fields = {"name", "version"};

constexpr std::size_t record_reason_bytes_max = 1'000;
constexpr std::size_t record_hash_bytes_max = 128;
constexpr std::int64_t record_seq_max = 1'000'000;
constexpr std::int64_t record_latency_max = 86'400'000;
constexpr std::int64_t record_count_max = 1'000'000'000;
constexpr int record_input_depth_max = 4;
constexpr std::size_t record_input_items_max = 50;
constexpr std::string_view record_mask = "***";

template <class Word>
Word record_word(std::size_t index) {
    return static_cast<Word>(index);
}

bool record_looks_secret(std::string_view name) {
    constexpr std::array<std::string_view, 9> parts = {"password",      "passwort", "passwd",
                                                       "passphrase",    "secret",   "token",
                                                       "authorization", "cookie",   "credential"};
    std::string plain = base::lower_ascii(name);
    std::erase_if(plain, [](char c) { return c == '_' || c == '-'; });
    if (plain == "pin" || plain == "pw" || plain == "auth" || plain.ends_with("key")) return true;
    return std::ranges::any_of(
        parts, [&](std::string_view part) { return plain.find(part) != plain.npos; });
}

base::Json record_masked(const base::Json& value, int depth) {
    if (value.is_string())
        return base::cut(value.get_ref<const std::string&>(), input_text_bytes_max);
    if (!value.is_structured()) return value;
    if (depth == 0) return "…";
    base::Json kept = value.is_object() ? base::Json::object() : base::Json::array();
    std::size_t left = record_input_items_max;
    for (const auto& [name, item] : value.items()) {
        if (left-- == 0) break;
        if (value.is_array())
            kept.push_back(record_masked(item, depth - 1));
        else if (record_looks_secret(name))
            kept[base::cut(name, module_bytes_max)] = record_mask;
        else
            kept[base::cut(name, module_bytes_max)] = record_masked(item, depth - 1);
    }
    return kept;
}

// The outcome is ours, the result is what old clients send; when both come they must agree.
Action::Outcome record_outcome(const base::Fields& fields) {
    bool is_ok = fields.word("result", record_results) == 0;
    auto outcome = fields.word_or_none("outcome", record_outcomes);
    if (!outcome) return is_ok ? Action::Outcome::ok : Action::Outcome::error;
    auto word = record_word<Action::Outcome>(*outcome);
    if ((word == Action::Outcome::ok) != is_ok)
        fields.fail("outcome", "\"ok\" exactly when result is \"ok\"");
    return word;
}

}  // namespace

std::string_view word_of(Action::Outcome outcome) {
    return record_outcomes[static_cast<std::size_t>(outcome)];
}
std::string_view word_of(Rating::Status status) {
    return record_rating_statuses[static_cast<std::size_t>(status)];
}
std::string_view word_of(VisitEnd::Status status) {
    return record_end_statuses[static_cast<std::size_t>(status)];
}
std::string_view word_of(VisitEnd::Source source) {
    return record_sources[static_cast<std::size_t>(source)];
}

base::Json to_json(const Action& action) {
    base::Json json{{"tickId", action.visit_id}};
    if (action.seq > 0) json["seq"] = action.seq;
    json["startedAt"] = base::to_iso(action.started_at);
    json["module"] = action.module;
    json["toolName"] = action.tool;
    json["inputHash"] = action.input_hash;
    if (action.input) json["input"] = *action.input;
    json["result"] = action.outcome == Action::Outcome::ok ? "ok" : "error";
    json["outcome"] = word_of(action.outcome);
    if (!action.error_message.empty()) json["errorMessage"] = action.error_message;
    if (action.latency_ms) json["latencyMs"] = *action.latency_ms;
    return json;
}

Action action_from_json(const base::Json& json, const std::string& where, UnknownFields unknown) {
    base::Fields fields(json, where);
    if (unknown == UnknownFields::refused) fields.only(record_action_fields);
    Action action;
    action.visit_id = fields.text("tickId", 1, visit_id_bytes_max);
    action.seq = static_cast<int>(fields.integer_or_none("seq", 1, record_seq_max).value_or(0));
    if (auto text = fields.text_or_none("startedAt", 64)) {
        auto moment = base::from_iso(*text);
        if (!moment) fields.fail("startedAt", "a time like 2026-11-21T09:30:00.000Z");
        action.started_at = *moment;
    }
    action.module = fields.text_or_none("module", module_bytes_max).value_or("");
    action.tool = fields.text("toolName", 1, tool_bytes_max);
    action.input_hash = fields.text_or_none("inputHash", record_hash_bytes_max).value_or("");
    if (fields.has("input")) {
        const base::Json& input = fields.object("input");
        if (base::to_text(input).size() > input_bytes_max)
            fields.fail("input", "an object of at most 16384 bytes");
        action.input = input;
    }
    action.outcome = record_outcome(fields);
    action.error_message =
        fields.text_or_none("errorMessage", error_message_bytes_max).value_or("");
    action.latency_ms = fields.integer_or_none("latencyMs", 0, record_latency_max);
    return action;
}

base::Json to_json(const Rating& rating) {
    base::Json json{{"tickId", rating.visit_id},
                    {"module", rating.module},
                    {"status", word_of(rating.status)},
                    {"rating", nullptr}};
    if (rating.score) json["rating"] = *rating.score;
    if (!rating.notes.empty()) json["notes"] = rating.notes;
    if (!rating.evidence.empty()) json["evidence"] = rating.evidence;
    return json;
}

Rating rating_from_json(const base::Json& json, const std::string& where, UnknownFields unknown) {
    base::Fields fields(json, where);
    if (unknown == UnknownFields::refused) fields.only(record_rating_fields);
    Rating rating;
    rating.visit_id = fields.text("tickId", 1, visit_id_bytes_max);
    rating.module = fields.text("module", 1, module_bytes_max);
    // Old clients know no status: they send a number or nothing at all.
    rating.status = record_word<Rating::Status>(
        fields.word_or_none("status", record_rating_statuses).value_or(0));
    if (rating.status == Rating::Status::rated)
        rating.score = static_cast<int>(fields.integer("rating", 1, 5));
    else if (fields.has("rating"))
        fields.fail("rating", "null unless status is \"rated\"");
    rating.notes = fields.text_or_none("notes", notes_bytes_max).value_or("");
    if (fields.has("evidence")) {
        for (const base::Json& seq : fields.array("evidence", evidence_max)) {
            bool is_seq = seq.is_number_integer() && seq >= 1 && seq <= record_seq_max;
            if (!is_seq) fields.fail("evidence", "a list of the actions' seq numbers");
            rating.evidence.push_back(seq.get<int>());
        }
    }
    return rating;
}

base::Json to_json(const VisitEnd& end) {
    base::Json json{{"status", word_of(end.status)}};
    if (!end.reason.empty()) json["reason"] = end.reason;
    if (end.source != VisitEnd::Source::none) json["errorSource"] = word_of(end.source);
    json["turns"] = end.turns;
    json["toolCalls"] = end.tool_calls;
    json["counts"] = {{"actions", end.actions}, {"ratings", end.ratings}};
    json["tokens"] = {{"input", end.tokens.input},
                      {"output", end.tokens.output},
                      {"cacheWrite", end.tokens.cache_write},
                      {"cacheRead", end.tokens.cache_read}};
    json["costUsd"] = nullptr;
    if (end.cost_usd) json["costUsd"] = *end.cost_usd;
    json["model"] = end.model;
    json["product"] = {{"name", end.product_name}, {"version", end.product_version}};
    json["summary"] = end.summary;
    if (end.handed_back) json["handedBack"] = true;
    if (end.not_before) json["notBefore"] = base::to_iso(*end.not_before);
    return json;
}

VisitEnd visit_end_from_json(const base::Json& json, UnknownFields unknown) {
    base::Fields fields(json);
    const bool strict = unknown == UnknownFields::refused;
    if (strict) fields.only(record_end_fields);
    VisitEnd end;
    end.status = record_word<VisitEnd::Status>(fields.word("status", record_end_statuses));
    end.reason = fields.text_or_none("reason", record_reason_bytes_max).value_or("");
    end.source = record_word<VisitEnd::Source>(
        fields.word_or_none("errorSource", record_sources).value_or(0));
    auto count = [](const base::Fields& object, std::string_view name) {
        return static_cast<int>(object.integer(name, 0, record_count_max));
    };
    end.turns = count(fields, "turns");
    end.tool_calls = count(fields, "toolCalls");
    base::Fields counts(fields.object("counts"), "counts");
    if (strict) counts.only(record_count_fields);
    end.actions = count(counts, "actions");
    end.ratings = count(counts, "ratings");
    base::Fields tokens(fields.object("tokens"), "tokens");
    if (strict) tokens.only(record_token_fields);
    constexpr std::int64_t tokens_max = 1'000'000'000'000;
    end.tokens.input = tokens.integer("input", 0, tokens_max);
    end.tokens.output = tokens.integer("output", 0, tokens_max);
    end.tokens.cache_write = tokens.integer_or_none("cacheWrite", 0, tokens_max).value_or(0);
    end.tokens.cache_read = tokens.integer_or_none("cacheRead", 0, tokens_max).value_or(0);
    end.cost_usd = fields.number_or_none("costUsd", 0, 1e9);
    end.model = fields.text_or_none("model", model_bytes_max).value_or("");
    if (fields.has("product")) {
        base::Fields product(fields.object("product"), "product");
        if (strict) product.only(record_product_fields);
        end.product_name = product.text_or_none("name", product_name_bytes_max).value_or("");
        end.product_version =
            product.text_or_none("version", product_version_bytes_max).value_or("");
    }
    end.summary = fields.text_or_none("summary", summary_bytes_max).value_or("");
    end.handed_back = fields.flag_or_none("handedBack").value_or(false);
    if (end.handed_back && end.status == VisitEnd::Status::finished)
        fields.fail("handedBack", "false when status is \"finished\"");
    if (const auto text = fields.text_or_none("notBefore", 64)) {
        end.not_before = base::from_iso(*text);
        if (!end.not_before || !end.handed_back)
            fields.fail("notBefore",
                        "a time like 2026-11-21T09:30:00.000Z, and only with handedBack");
    }
    return end;
}

base::Json masked_input(const base::Json& input) {
    return record_masked(input, record_input_depth_max);
}

}  // namespace catalog
