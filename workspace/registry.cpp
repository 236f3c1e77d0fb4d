#include "workspace/registry.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace workspace {

namespace {

using base::Json;

Json registry_hints(const Tool& tool) {
    Json hints;
    hints["title"] = tool.title;
    hints["readOnlyHint"] = tool.effect == Effect::reads;
    hints["destructiveHint"] = tool.effect == Effect::overwrites || tool.effect == Effect::removes;
    hints["idempotentHint"] = tool.effect != Effect::adds;
    hints["openWorldHint"] = tool.open_world;
    return hints;
}

}  // namespace

Call::Call(const Json& call_args, const Json& call_outside, Records& call_records, Place call_place)
    : args(call_args), outside(call_outside), records(call_records), place(std::move(call_place)) {}

std::string Call::now_text() const {
    return base::to_iso(place.now);
}

std::string Call::text(std::string_view name) const {
    return args.at(std::string(name)).get<std::string>();
}

bool Call::given(std::string_view name) const {
    const auto value = args.find(std::string(name));
    return value != args.end() && !value->is_null();
}

Json Call::chosen(std::initializer_list<std::string_view> names) const {
    Json fields = Json::object();
    for (const std::string_view name : names) {
        const auto value = args.find(std::string(name));
        if (value != args.end()) fields[std::string(name)] = *value;
    }
    return fields;
}

RecordFilter Call::asked() const {
    RecordFilter filter;
    if (given("query")) filter.text = text("query");
    filter.limit = args["limit"].get<int>();
    return filter;
}

Json Call::asked_flags() const {
    Json flags = Json::object();
    if (!args.value("includeArchived", true)) flags["isArchived"] = false;
    if (args.value("favoritesOnly", false)) flags["isFavorite"] = true;
    return flags;
}

RecordFilter::Range Call::asked_days(std::string field) const {
    RecordFilter::Range days{.field = std::move(field), .from = {}, .before = {}};
    if (given("from")) days.from = text("from");
    // Dates compare as texts; nothing sorts between a date and itself with a letter behind it.
    if (given("to")) days.before = text("to") + "~";
    return days;
}

Json Call::refuse(std::string reason) {
    base::require(records.written() == 0, "a tool refuses before it writes");
    refusal_ = std::move(reason);
    return nullptr;
}

Json Call::refuse_missing(std::string_view noun, std::string_view lister) {
    return refuse(
        fmt::format("There is no {} with id {} in this space; it may have been deleted, or "
                    "the id belongs to something else. Call {} and use an id from its "
                    "answer.",
                    noun, text("id"), lister));
}

Json Call::change(const Table& table, const Json& fields, const Naming& naming) {
    auto changed = records.update(table, text("id"), fields);
    if (!changed) return refuse_missing(naming.noun, naming.lister);
    Json answer;
    answer[std::string(naming.member)] = std::move(*changed);
    return answer;
}

void Registry::add(Tool tool) {
    base::require(tool.name.find('.') != std::string::npos && tool.name.size() <= 64,
                  "a tool's name is <module>.<verb>");
    base::require(!tool.title.empty() && !tool.description.empty(), "a tool has its texts");
    base::require(tool.input && tool.output && tool.run, "a tool has schemas and a function");
    base::require(!tool.slow || tool.effect == Effect::reads,
                  "what a stream answers can be asked again");
    require_known(*tool.input);
    require_known(*tool.output);
    const bool added = places_.emplace(tool.name, tools_.size()).second;
    base::require(added, "a tool's name is registered once");
    tools_.push_back(std::move(tool));
}

const Tool* Registry::find(std::string_view name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &tools_[place->second];
}

bool Registry::may_be_allowed(std::string_view word) const {
    if (word == "*") return true;
    return std::any_of(tools_.begin(), tools_.end(), [&](const Tool& tool) {
        return tool.effect == Effect::removes &&
               (word == tool.name || word == tool.module() + ".*");
    });
}

Json Registry::listing() const {
    Json list = Json::array();
    for (const Tool& tool : tools_) {
        Json entry;
        entry["name"] = tool.name;
        entry["title"] = tool.title;
        entry["description"] = tool.description;
        entry["inputSchema"] = *tool.input;
        entry["outputSchema"] = *tool.output;
        entry["annotations"] = registry_hints(tool);
        list.push_back(std::move(entry));
    }
    return list;
}

std::string refusal_of_arguments(const Tool& tool, const std::vector<std::string>& faults) {
    std::string list;
    for (const std::string& fault : faults) list += (list.empty() ? "" : "; ") + fault;
    return fmt::format("{} was not run: {}. Correct the arguments and call it again.", tool.name,
                       list);
}

}  // namespace workspace
