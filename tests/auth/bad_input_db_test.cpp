// Every route with every kind of wrong input: the answer has the right status, names the field and
// says what would be valid, in the envelope of its family, and the database is as before.
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "auth/api.hpp"
#include "tests/auth/bad_input.hpp"
#include "tests/auth/bad_input_account.hpp"
#include "tests/auth/bad_input_factors.hpp"
#include "tests/auth/bad_input_identity.hpp"
#include "tests/auth/bad_input_personas.hpp"
#include "tests/auth/bad_input_self.hpp"
#include "tests/auth/bad_input_spaces.hpp"

namespace tests {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class BadInputTest : public ServiceTest {
  protected:
    void SetUp() override {
        start();
        add_user("root@example.com", "admin");
        admin_ = bearer(login("root@example.com").text("accessToken"));
        world_.user_id = add_user("user@example.com");
        user_ = bearer(login("user@example.com").text("accessToken"));
        const Answer space = post("/api/auth/organization/create",
                                  {{"name", "Chor"},
                                   {"slug", "chor"},
                                   {"metadata", {{"type", "club"}}},
                                   {"keepCurrentActiveOrganization", true}},
                                  user_);
        ASSERT_EQ(space.status, 200) << space.raw.body;
        world_.space_id = space.text("id");
        const Answer made = post("/api/v1/admin/personas", good_persona(), admin_);
        ASSERT_EQ(made.status, 200) << made.raw.body;
        world_.persona_id = made.text("userId");
        ASSERT_EQ(post("/api/v1/internal/runners/heartbeat",
                       {{"runnerId", "r"}, {"node", "n"}, {"leaseSeconds", 3600}}, service())
                      .status,
                  200);
        const Answer claimed =
            post("/api/v1/internal/personas/due",
                 {{"runnerId", "r"}, {"requestId", "q"}, {"limit", 1}, {"due", "all"}}, service());
        ASSERT_EQ(claimed.status, 200) << claimed.raw.body;
        world_.tick = claimed.json["visits"][0]["tickId"].get<std::string>();
    }

    static base::HttpHeaders service() { return {{"X-Service-Key", "dev-service-key"}}; }
    base::HttpHeaders headers_of(Who who) const {
        switch (who) {
            case Who::user: return user_;
            case Who::admin: return admin_;
            case Who::service: return service();
            case Who::anybody: break;
        }
        return {};
    }

    // Everything in the schema, as one text.
    std::string everything() {
        if (everything_.empty()) {
            std::string all;
            for (const base::SqlRow row :
                 sql("select table_name from information_schema.tables where table_schema = 'auth' "
                     "and table_type = 'BASE TABLE' order by 1")) {
                const std::string table = row.text("table_name");
                all += (all.empty() ? "" : " union all ") + ("select '" + table) +
                       "' as name, coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as "
                       "rows from auth." +
                       table + " t";
            }
            everything_ = "select string_agg(name || rows, ' ' order by name) as all from (" + all +
                          ") tables";
        }
        return sql(everything_)[0].text("all");
    }

    void expect_refused(const Answer& answer, int status, const std::string& named,
                        const std::string& valid, const std::string& what) {
        EXPECT_EQ(answer.status, status) << what << answer.raw.body;
        EXPECT_THAT(answer.raw.body, HasSubstr(named)) << what;
        EXPECT_THAT(answer.raw.body, HasSubstr(valid)) << what;
        EXPECT_TRUE(answer.json.is_object()) << what;
        EXPECT_EQ(everything(), before_) << what;
    }

    Answer try_json(const Endpoint& endpoint, const Json& body) {
        auto headers = headers_of(endpoint.who);
        headers.emplace_back("Content-Type", "application/json");
        return send(endpoint.method, endpoint.path, headers, base::to_text(body));
    }

    void try_field(const Endpoint& endpoint, const Field& field) {
        std::vector<std::pair<Json, std::string>> cases;
        for (Json& value : wrong_values(field)) cases.emplace_back(value, valid_of(field.kind));
        for (const Json& value : field.more_wrong) cases.emplace_back(value, field.more_valid);
        for (const auto& [value, valid] : cases) {
            Json body = endpoint.good;
            body[Json::json_pointer(field.pointer)] = value;
            const std::string text = base::cut(base::to_text(value), 60);
            // What a field that is there must be may be told more closely than by its kind.
            const Answer answer = try_json(endpoint, body);
            const std::string closer = field.more_valid.empty() ? valid : field.more_valid;
            EXPECT_THAT(answer.raw.body, AnyOf(HasSubstr(valid), HasSubstr(closer)))
                << endpoint.route << field.pointer << text;
            expect_refused(answer, 400, shown(field.pointer), "must",
                           endpoint.route + " " + field.pointer + "=" + text + ": ");
        }
        if (!field.required) return;
        Json body = endpoint.good;
        const std::size_t last = field.pointer.rfind('/');
        body[Json::json_pointer(field.pointer.substr(0, last))].erase(
            field.pointer.substr(last + 1));
        expect_refused(try_json(endpoint, body), 400, shown(field.pointer), "must",
                       endpoint.route + " without " + field.pointer);
    }

    void try_body(const Endpoint& endpoint) {
        for (const std::string& text : std::vector<std::string>{"{", "[]", "7", "\"x\""}) {
            auto headers = headers_of(endpoint.who);
            headers.emplace_back("Content-Type", "application/json");
            expect_refused(send(endpoint.method, endpoint.path, headers, text), 400, "body", "JSON",
                           endpoint.route + " with the body " + text + ": ");
        }
        for (const std::string& object : endpoint.closed) {
            Json body = endpoint.good;
            body[Json::json_pointer(object + "/surplus")] = 1;
            expect_refused(try_json(endpoint, body), 400, shown(object + "/surplus"), "valid are ",
                           endpoint.route + " with an unknown field: ");
        }
    }

    // Each room's table.
    std::vector<Endpoint> endpoints() const {
        std::vector<Endpoint> all;
        for (const auto& room :
             {identity_bad_input(world_), factors_bad_input(world_), account_bad_input(world_),
              personas_bad_input(world_), self_bad_input(world_), spaces_bad_input(world_)}) {
            all.insert(all.end(), room.begin(), room.end());
        }
        return all;
    }

    base::HttpHeaders admin_;
    base::HttpHeaders user_;
    BadInputWorld world_;
    std::string everything_, before_;
};

// auth-api-doubts B62
TEST_F(BadInputTest, EveryFieldOfEveryBodyIsNamed) {
    before_ = everything();
    for (const Endpoint& endpoint : endpoints()) {
        try_body(endpoint);
        for (const Field& field : endpoint.fields) try_field(endpoint, field);
    }
    // A row that is good but for one word must not have been refused for another reason, and what
    // is written would have been seen.
    for (const Endpoint& endpoint : endpoints()) {
        if (!endpoint.good_is_tried) continue;
        const Answer good = try_json(endpoint, endpoint.good);
        EXPECT_NE(good.status, 400) << endpoint.route << good.raw.body;
    }
    EXPECT_NE(everything(), before_);
}

// These need no body; one that is not an object is somebody's mistake.
struct Bodyless {
    const char *method, *path;
};
const Bodyless bodyless[] = {
    {"POST", "/api/auth/revoke-sessions"},    {"POST", "/api/auth/revoke-other-sessions"},
    {"POST", "/api/v1/auth/logout"},          {"POST", "/api/v1/auth/session-to-token"},
    {"POST", "/api/auth/sign-out"},           {"POST", "/api/v1/me/onboarding/complete"},
    {"PATCH", "/api/v1/me/onboarding/reset"}, {"POST", "/api/v1/me/bootstrap-singletons"},
};

TEST_F(BadInputTest, ABodyThatIsNotNeededMustBeAnObject) {
    const auto in = login("root@example.com");
    for (const auto& [method, path] : bodyless) {
        for (const char* text : {"[]", "7", "\"x\"", "null", "{"}) {
            auto headers = bearer(in.text("token"));
            headers.emplace_back("Content-Type", "application/json");
            const Answer answer = send(method, path, headers, text);
            EXPECT_EQ(answer.status, 400) << path << text << answer.raw.body;
            EXPECT_THAT(answer.raw.body, HasSubstr("body")) << path << text;
        }
    }
    // Nobody was logged out by a mistake.
    EXPECT_EQ(
        post("/api/v1/auth/session-to-token", Json::object(), bearer(in.text("token"))).status,
        200);
}

TEST_F(BadInputTest, NoRouteIsLeftOut) {
    std::set<std::string> tried;
    for (const Endpoint& endpoint : endpoints()) tried.insert(endpoint.method + endpoint.route);
    for (const auto& [method, path] : bodyless) tried.insert(std::string(method) + path);
    for (const auth::Route& route : auth::routes()) {
        if (route.method == "GET" || route.method == "DELETE") continue;
        const std::string name = std::string(route.method) + std::string(route.path);
        EXPECT_TRUE(tried.contains(name)) << name << " has no bad input here";
    }
}

// A misspelt parameter must not be read as none.
TEST_F(BadInputTest, QueriesOfAdminsAndServicesAreChecked) {
    before_ = everything();
    const std::string admin = "/api/v1/admin/personas";
    const std::string internal = "/api/v1/internal";
    struct Case {
        std::string method, path, query, named, valid;
        Who who = Who::admin;
    };
    std::vector<Case> cases;
    for (const char* limit : {"0", "1001", "x", "1.5", "", "-1", "1e2"}) {
        cases.push_back({"GET", admin, "?limit=" + std::string(limit), "limit",
                         "a whole number from 1 to 1000"});
    }
    cases.push_back({"GET", admin, "?limi=1", "limi", "valid are limit, after"});
    cases.push_back({"GET", admin, "?archetype=x", "archetype", "valid are limit, after"});
    cases.push_back({"GET", admin, "?limit=1&limit=2", "limit", "once"});
    cases.push_back({"GET", admin, "?after=", "after", "a persona's userId"});
    cases.push_back({"GET", admin, "?after=nobody", "after", "a persona's userId"});
    for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
             {"GET", admin + "/" + world_.persona_id},
             {"GET", admin + "/" + world_.persona_id + "/export"},
             {"DELETE", admin + "/" + world_.persona_id},
             {"POST", admin}}) {
        const std::string valid =
            method == std::string("DELETE") ? "valid are rows" : "valid are none";
        cases.push_back({method, path, "?dryRun=true", "dryRun", valid});
    }
    for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
             {"GET", "/personas/due"},
             {"POST", "/personas/due"},
             {"POST", "/personas/" + world_.persona_id + "/actions"},
             {"POST", "/personas/" + world_.persona_id + "/feedback"},
             {"POST", "/runners/heartbeat"},
             {"POST", "/personas/pause"},
             {"POST", "/personas/resume"},
             {"POST", "/personas/release"},
             {"GET", "/standing"},
             {"POST", "/visits/" + world_.tick + "/finish"},
             {"GET", "/users/" + world_.persona_id + "/memberships"}}) {
        cases.push_back(
            {method, internal + path, "?limit=5", "limit", "valid are none", Who::service});
    }
    for (const Case& one : cases) {
        auto headers = headers_of(one.who);
        headers.emplace_back("Content-Type", "application/json");
        expect_refused(
            send(one.method, one.path + one.query, headers, one.method == "POST" ? "{}" : ""), 400,
            one.named, one.valid, one.method + one.path + one.query + ": ");
    }
    EXPECT_EQ(get(admin + "?limit=1", admin_).status, 200);
    EXPECT_EQ(get(admin + "?after=" + world_.persona_id, admin_).status, 200);
}

TEST_F(BadInputTest, AMailedLinkWithoutItsTokenSaysSo) {
    before_ = everything();
    const std::string queries[] = {"", "?token=", "?token=" + std::string(4097, 'a')};
    for (const std::string& query : queries) {
        const Answer answer = get("/api/auth/verify-email" + query);
        expect_refused(answer, 400, "token", "1 to 4096 bytes", query);
        EXPECT_EQ(answer.text("code"), "VALIDATION_ERROR");
    }
    const Answer page = get("/api/auth/verify-email?callbackURL=/welcome");
    EXPECT_EQ(page.status, 302);
    EXPECT_EQ(page.raw.header("Location"), "/welcome?error=INVALID_TOKEN");
    expect_refused(get("/api/auth/verify-email?token=x&callbackURL=https://evil.example"), 403,
                   "callbackURL", "must be a path or the address of a trusted page", "callback");
    EXPECT_EQ(get("/api/auth/verify-email?token=x").status, 401);
}

TEST_F(BadInputTest, AnotherMethodIs405InTheEnvelopeOfTheFamily) {
    before_ = everything();
    std::map<std::string, std::set<std::string>> methods;
    for (const auth::Route& route : auth::routes()) {
        auto& known = methods[std::string(route.path)];
        known.insert(std::string(route.method));
        if (route.method == "GET") known.insert("HEAD");
    }
    for (const auto& [route, known] : methods) {
        std::string path = route, allowed;
        for (std::size_t at = path.find("/:"); at != std::string::npos; at = path.find("/:")) {
            path.replace(at, path.find('/', at + 1) - at, "/x");
        }
        // Another pattern may fit the path too.
        for (const std::string& method : known) allowed += (allowed.empty() ? "" : ", ") + method;
        for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
            const bool both =
                path == "/api/v1/admin/personas/x" || path.ends_with("/personas/due") ||
                path == "/api/v1/gilden/accept-invitation" ||
                path == "/api/v1/auth/passkeys/capability" || path == "/api/v1/api-keys/validate";
            if (known.contains(method) || both) continue;
            const Answer answer = send(method, path);
            expect_refused(answer, 405, "method", allowed, method + (" " + path + ": "));
            EXPECT_EQ(answer.raw.header("Allow"), allowed) << path;
            const bool custom = path.starts_with("/api/v1/auth/");
            const bool native = path.starts_with("/api/auth/");
            if (custom) EXPECT_EQ(answer.text("error"), "METHOD_NOT_ALLOWED");
            if (custom) EXPECT_EQ(answer.json["status"], 405);
            if (native) EXPECT_THAT(answer.text("code"), testing::StartsWith("METHOD_NOT_ALLOWED"));
        }
    }
    EXPECT_EQ(send("PUT", "/api/v1/admin/personas/x", admin_).status, 405);
    EXPECT_EQ(send("DELETE", "/api/v1/internal/personas/due", service()).status, 405);
    EXPECT_EQ(send("PUT", "/api/nowhere").status, 404);
}

// auth-api-doubts B32, B67, and B17 of the vault: endpoints that do not exist. Whoever adds one of
// these endpoints takes its line out of here and writes the row's test.
TEST_F(BadInputTest, EndpointsWithOpenDoubtsDoNotExist) {
    struct Case {
        const char *row, *method, *path;
    };
    const Case cases[] = {
        {"B17", "GET", "/api/v1/me/encryption-vault/status"},
        {"B17", "GET", "/api/v1/me/encryption-vault/key"},
        {"B32", "GET", "/login?callbackURL=%22%3E%3Cscript%3E"},
        {"B67", "GET", "/.well-known/openid-configuration"},
    };
    for (const Case& one : cases) {
        const Answer answer = send(one.method, one.path);
        EXPECT_EQ(answer.status, 404) << one.row << " " << one.path;
        EXPECT_THAT(answer.raw.body, testing::Not(HasSubstr("script"))) << one.row;
    }
}

TEST_F(BadInputTest, AnEmptySecretIsRefusedByName) {
    const auto refusal = [&](auth::Options told) -> std::string {
        try {
            auth::Service refused(pool_, std::move(told), clock_, metrics_);
        } catch (const base::Failure& failure) {
            return failure.kind() == base::Failure::Kind::invalid ? failure.what() : "other";
        }
        return "";
    };
    auth::Options told = options();
    told.service_key = base::Secret();
    EXPECT_THAT(refusal(told), HasSubstr("MANA_SERVICE_KEY: must not be empty"));
    told = options();
    told.secret = base::Secret();
    EXPECT_THAT(refusal(told), HasSubstr("BETTER_AUTH_SECRET: must not be empty"));
}

}  // namespace
}  // namespace tests
