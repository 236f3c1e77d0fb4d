#include "auth/openapi/document.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "auth/api.hpp"
#include "auth/openapi/notation.hpp"
#include "auth/openapi/notes.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace {

using base::Json;

TEST(Notation, MakesSchemas) {
    EXPECT_EQ(auth::schema_of("text(1,9)"),
              (Json{{"type", "string"}, {"minLength", 1}, {"maxLength", 9}}));
    EXPECT_EQ(auth::schema_of("Space[]"),
              (Json{{"type", "array"}, {"items", {{"$ref", "#/components/schemas/Space"}}}}));
    EXPECT_EQ(auth::schema_of("text|null"),
              (Json{{"anyOf", {{{"type", "string"}}, {{"type", "null"}}}}}));
    EXPECT_EQ(auth::schema_of("word(a,b)"), (Json{{"type", "string"}, {"enum", {"a", "b"}}}));
    const Json object = auth::schema_of("{id:text  more?:{n:integer}[] }");
    EXPECT_EQ(object["required"], Json::array({"id"}));
    EXPECT_EQ(object["properties"]["more"]["items"]["properties"]["n"]["type"], "integer");
    EXPECT_EQ(auth::schema_of("{}"), (Json{{"type", "object"}}));
}

TEST(Notation, RefusesWhatItDoesNotKnow) {
    for (const char* wrong : {"", "txt", "{a}", "{a:text", "text(1)", "text(a,b)", "text[", "a b",
                              "text}", "email(1,2)", "|text", "text|"}) {
        EXPECT_THROW(auth::schema_of(wrong), base::Failure) << wrong;
    }
}

// Every reference leads to a shape that exists.
void expect_references(const Json& value, const Json& schemas) {
    if (value.is_object()) {
        for (const auto& [name, member] : value.items()) {
            if (name == "$ref" && member.is_string()) {
                const std::string target = member.get<std::string>();
                EXPECT_TRUE(schemas.contains(target.substr(target.rfind('/') + 1))) << target;
            }
            expect_references(member, schemas);
        }
    } else if (value.is_array()) {
        for (const Json& item : value) expect_references(item, schemas);
    }
}

TEST(OpenApi, HasEveryRouteOnce) {
    const Json& document = auth::openapi_document();
    EXPECT_EQ(document["openapi"], "3.1.0");
    std::set<std::string> ids;
    std::size_t operations = 0;
    for (const auth::Route& route : auth::routes()) {
        std::string path;
        for (const std::string_view segment : base::split(route.path.substr(1), '/')) {
            path += "/" + (segment.starts_with(':') ? "{" + std::string(segment.substr(1)) + "}"
                                                    : std::string(segment));
        }
        ASSERT_TRUE(document["paths"].contains(path)) << path;
        const std::string method = base::lower_ascii(route.method);
        ASSERT_TRUE(document["paths"][path].contains(method)) << method << path;
        const Json& operation = document["paths"][path][method];
        EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << path;
        EXPECT_FALSE(operation["responses"].empty());
        for (const std::string_view name : base::split(route.query, ' ')) {
            if (name.empty()) continue;
            EXPECT_THAT(base::to_text(operation["parameters"]),
                        testing::HasSubstr("\"" + std::string(name) + "\""));
        }
    }
    for (const auto& [path, methods] : document["paths"].items()) operations += methods.size();
    EXPECT_EQ(operations, auth::routes().size());
    expect_references(document, document["components"]["schemas"]);
}

TEST(OpenApi, EveryNoteHasItsRouteAndEveryRouteOfTheseRoomsItsNote) {
    std::set<std::string> routes;
    for (const auth::Route& route : auth::routes()) {
        routes.insert(std::string(route.method) + " " + std::string(route.path));
        const bool noted =
            route.path.starts_with("/api/auth/organization") ||
            route.path.starts_with("/api/v1/gilden") || route.path.starts_with("/api/v1/me") ||
            route.path.starts_with("/api/v1/settings") || route.path.starts_with("/api/v1/admin");
        if (noted) EXPECT_NE(auth::note_of(route), nullptr) << route.method << route.path;
    }
    std::set<std::string> notes;
    for (const auto& room : {auth::identity_notes(), auth::account_notes(), auth::spaces_notes(),
                             auth::administration_notes(), auth::personas_notes()}) {
        for (const auth::RouteNote& note : room) {
            EXPECT_TRUE(routes.contains(std::string(note.route))) << note.route;
            EXPECT_TRUE(notes.insert(std::string(note.route)).second) << note.route;
            EXPECT_FALSE(note.summary.empty() || note.summary.ends_with('.')) << note.route;
        }
    }
}

TEST(OpenApi, PromisesOnlyTheCodesOfItsNotes) {
    for (const auth::Route& route : auth::routes()) {
        if (route.path != "/api/auth/organization/leave") continue;
        EXPECT_TRUE(auth::is_promised(route, 400, "MEMBER_NOT_FOUND"));
        EXPECT_TRUE(auth::is_promised(route, 401, "UNAUTHORIZED"));
        EXPECT_TRUE(auth::is_promised(route, 403, "INVALID_ORIGIN"));
        EXPECT_TRUE(auth::is_promised(route, 503, ""));
        EXPECT_FALSE(auth::is_promised(route, 400, "ROLE_NOT_FOUND"));
        EXPECT_FALSE(auth::is_promised(route, 404, ""));
        return;
    }
    FAIL() << "the route is gone";
}

}  // namespace
