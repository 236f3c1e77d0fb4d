// The caller's spaces, as the auth service knows them. They are no records of the workspace.
#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "workspace/modules.hpp"
#include "workspace/registry.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 6> spaces_types = {"personal", "brand", "club",
                                                          "family",   "team",  "practice"};

// Metadata comes as an object, or as a text that holds one.
std::optional<std::string> spaces_type(const Json& space) {
    Json metadata = space.value("metadata", Json());
    if (metadata.is_string()) {
        metadata = base::try_parse_json(metadata.get<std::string>(), 8).value_or(Json());
    }
    if (!metadata.is_object() || !metadata.contains("type") || !metadata["type"].is_string()) {
        return std::nullopt;
    }
    auto type = metadata["type"].get<std::string>();
    if (std::find(spaces_types.begin(), spaces_types.end(), type) == spaces_types.end()) {
        return std::nullopt;
    }
    return type;
}

Json spaces_ask(Outside& outside) {
    return outside.spaces();
}

Json spaces_list(Call& call) {
    Json spaces = Json::array();
    for (const Json& found : call.outside) {
        Json space;
        space["id"] = found["id"];
        space["name"] = found.value("name", "");
        space["slug"] = found.value("slug", Json());
        if (const auto type = spaces_type(found)) space["type"] = *type;
        if (found.contains("role")) space["role"] = found["role"];
        spaces.push_back(std::move(space));
    }
    return {{"spaces", std::move(spaces)}, {"activeSpaceId", call.place.space_id}};
}

Json spaces_ask_members(Outside& outside) {
    return outside.members();
}

Json spaces_members(Call& call) {
    Json members = Json::array();
    for (const Json& found : call.outside) {
        if (!found.is_object()) continue;
        const Json user = found.value("user", Json::object());
        Json member;
        member["userId"] = found.value("userId", "");
        member["name"] = user.is_object() ? user.value("name", "") : "";
        member["role"] = found.value("role", "member");
        member["isYou"] = member["userId"] == call.place.user_id;
        members.push_back(std::move(member));
    }
    return {{"spaceId", call.place.space_id}, {"members", std::move(members)}};
}

}  // namespace

void add_spaces(Registry& registry) {
    registry.add({.name = "spaces.list",
                  .title = "List spaces",
                  .description = "Answers the spaces the user belongs to, and which one this "
                                 "connection works in.",
                  .input = object_schema("{}"),
                  .output = object_schema(R"({
            "spaces": {"type": "array", "items": {"type": "object",
                "required": ["id", "name", "slug"], "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "slug": {"type": ["string", "null"]},
                    "type": {"type": "string",
                             "enum": ["personal", "brand", "club", "family", "team", "practice"]},
                    "role": {"type": "string"}},
                "additionalProperties": false}},
            "activeSpaceId": {"type": "string"}})",
                                          {"spaces", "activeSpaceId"}),
                  .effect = Effect::reads,
                  .run = spaces_list,
                  .ask = spaces_ask});
    registry.add({.name = "spaces.members",
                  .title = "Who is here",
                  .description = "Answers the members of the space this connection works in: they "
                                 "see and change the same records.",
                  .input = object_schema("{}"),
                  .output = object_schema(R"({"spaceId": {"type": "string"},
            "members": {"type": "array", "items": {"type": "object",
                "required": ["userId", "name", "role", "isYou"], "properties": {
                    "userId": {"type": "string"},
                    "name": {"type": "string"},
                    "role": {"type": "string"},
                    "isYou": {"type": "boolean"}},
                "additionalProperties": false}}})",
                                          {"spaceId", "members"}),
                  .effect = Effect::reads,
                  .run = spaces_members,
                  .ask = spaces_ask_members});
}

}  // namespace workspace
