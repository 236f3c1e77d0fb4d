#include "auth/openapi/document.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "auth/api.hpp"
#include "auth/openapi/notation.hpp"
#include "auth/openapi/notes.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "tests/support/document_check.hpp"

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

TEST(Notation, AnObjectMayBeOpen) {
    const Json open = auth::schema_of("{id:text ...}");
    EXPECT_EQ(open["additionalProperties"], true);
    EXPECT_EQ(open["required"], Json::array({"id"}));
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

TEST(OpenApi, EveryRouteHasItsNoteAndEveryNoteItsRoute) {
    std::set<std::string> routes;
    for (const auth::Route& route : auth::routes()) {
        routes.insert(std::string(route.method) + " " + std::string(route.path));
        EXPECT_NE(auth::note_of(route), nullptr) << route.method << " " << route.path;
    }
    std::set<std::string> notes;
    for (const auth::RouteNote& note : auth::route_notes()) {
        EXPECT_TRUE(routes.contains(std::string(note.route))) << note.route;
        EXPECT_TRUE(notes.insert(std::string(note.route)).second) << note.route;
        EXPECT_FALSE(note.summary.empty() || note.summary.ends_with('.')) << note.route;
        EXPECT_FALSE(note.answer.empty()) << note.route;
    }
    EXPECT_EQ(notes, routes);
}

// Constants of the source that are a refusal's code, by file.
std::map<std::string, std::set<std::string>> thrown_codes() {
    std::map<std::string, std::set<std::string>> codes;
    const std::regex code("\"([A-Z][A-Z]+_[A-Z_]+)\"");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SOURCE_DIR "/auth")) {
        const std::string file = entry.path().filename().string();
        if (entry.path().extension() != ".cpp" || file == "notes.cpp") continue;
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        const std::string all = text.str();
        // A code is the last argument of a Failure.
        for (std::size_t at = all.find("Failure("); at != std::string::npos;
             at = all.find("Failure(", at + 1)) {
            const std::string thrown = all.substr(at, all.find(';', at) - at);
            for (std::sregex_iterator found(thrown.begin(), thrown.end(), code), end; found != end;
                 ++found) {
                codes[file].insert((*found)[1].str());
            }
        }
    }
    return codes;
}

TEST(OpenApi, ListsEveryCodeThatTheSourceThrows) {
    std::set<std::string> listed;
    for (const auth::Route& route : auth::routes()) {
        for (const auto& [status, codes] : auth::refusals_of(route)) {
            listed.insert(codes.begin(), codes.end());
        }
    }
    const auto thrown = thrown_codes();
    std::size_t codes = 0;
    for (const auto& [file, of_file] : thrown) {
        codes += of_file.size();
        for (const std::string& code : of_file) {
            // Outside of any route.
            if (code == "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED") continue;
            EXPECT_TRUE(listed.contains(code)) << code << " of " << file;
        }
    }
    EXPECT_GT(codes, 50U);
}

// The judge of the database tests can say no.
TEST(OpenApi, TheJudgeFindsWhatDoesNotFit) {
    const Json schema = auth::schema_of("{id:text(1,3) at:time n?:integer(1,9) more:word(a,b)[]}");
    const Json good = {
        {"id", "x"}, {"at", "2026-11-21T09:30:00.000Z"}, {"n", 3}, {"more", {"a", "b"}}};
    EXPECT_EQ(tests::misfit(good, schema, true), "");
    for (const auto& [pointer, value, fault] :
         std::vector<std::tuple<std::string, Json, std::string>>{
             {"/id", 7, "it.id is not of type string"},
             {"/id", "", "it.id has 0 characters"},
             {"/id", "four", "it.id has 4 characters"},
             {"/at", "yesterday", "it.at is no time"},
             {"/n", 10, "it.n is out of its bounds"},
             {"/n", 1.5, "it.n is not of type integer"},
             {"/n", nullptr, "it.n is not of type integer"},
             {"/more/1", "c", "it.more[1] is none of"},
             {"/surplus", 1, "it has the undocumented member surplus"}}) {
        Json wrong = good;
        wrong[Json::json_pointer(pointer)] = value;
        EXPECT_THAT(tests::misfit(wrong, schema, true), testing::HasSubstr(fault));
    }
    Json wrong = good;
    wrong["surplus"] = 1;
    EXPECT_EQ(tests::misfit(wrong, schema, false), "");
    wrong.erase("id");
    EXPECT_EQ(tests::misfit(wrong, schema, false), "it lacks id");
    const auto told = [](int status, const Json& answer) {
        return tests::undocumented(
            {"POST", "/api/auth/organization/leave?x=1", "{}", status, "application/json", answer});
    };
    EXPECT_EQ(told(400, {{"message", "m"}, {"code", "MEMBER_NOT_FOUND"}}), "");
    EXPECT_THAT(told(400, {{"message", "m"}, {"code", "MADE_UP"}}), testing::HasSubstr("none of"));
    EXPECT_EQ(told(404, {{"message", "m"}}), "the status 404");
    EXPECT_THAT(told(200, {{"id", "m"}}), testing::HasSubstr("lacks"));
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
