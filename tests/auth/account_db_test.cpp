// /api/v1/me over HTTP: profile, onboarding, what is known of a user, and the end of it.
#include <set>

#include <gmock/gmock.h>

#include "auth/account/personal_data.hpp"
#include "auth/mail/post_office.hpp"
#include "base/server.hpp"
#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

// What the product keeps, as the workspace answers it.
class FakeProduct {
  public:
    FakeProduct() {
        server_.route("GET", "/internal/users/:id/summary", [](const base::ServerRequest&) {
            const Json answer = {{"tables",
                                  {{{"app", "todo"},
                                    {"table", "tasks"},
                                    {"count", 3},
                                    {"lastAt", "2026-11-20T08:00:00.000Z"}},
                                   {{"app", "odd"}, {"table", "things"}, {"count", 1}}}}};
            return base::ServerResponse::json(answer);
        });
        server_.route("GET", "/internal/users/:id/records", [this](const base::ServerRequest&) {
            std::string lines = R"({"kind":"record","app":"todo","data":{"title":"Milch"}})"
                                "\n"
                                R"({"kind":"call","tool":"todo.add"})"
                                "\n";
            if (!cuts_exports)
                lines += R"({"kind":"end","rows":2})"
                         "\n";
            auto answer = base::ServerResponse::text(lines);
            answer.content_type = "application/x-ndjson";
            return answer;
        });
        server_.route("DELETE", "/internal/spaces/:id/records",
                      [this](const base::ServerRequest& request) {
                          const std::lock_guard lock(mutex_);
                          spaces_deleted_.insert(request.param("id"));
                          return base::ServerResponse::json(Json::object());
                      });
        server_.route("DELETE", "/internal/users/:id/records",
                      [this](const base::ServerRequest& request) {
                          const std::lock_guard lock(mutex_);
                          deleted_.push_back(request.param("id"));
                          return base::ServerResponse::json(Json::object());
                      });
        server_.route(
            "POST", "/internal/users/:id/singletons", [](const base::ServerRequest& request) {
                Json spaces = Json::object();
                const Json body = request.json();
                EXPECT_EQ(body["personalSpace"], body["spaces"][0]);
                for (const Json& id : body["spaces"]) {
                    spaces[id.get<std::string>()] = "existed";
                }
                return base::ServerResponse::json({{"userContext", "written"}, {"spaces", spaces}});
            });
        server_.start();
    }
    std::string url() const { return server_.url(); }
    std::vector<std::string> deleted() {
        const std::lock_guard lock(mutex_);
        return deleted_;
    }
    std::set<std::string> spaces_deleted() {
        const std::lock_guard lock(mutex_);
        return spaces_deleted_;
    }
    std::atomic<bool> cuts_exports{false};

  private:
    std::mutex mutex_;
    std::vector<std::string> deleted_;
    std::set<std::string> spaces_deleted_;
    base::Server server_{{.name = "product"}};
};

class AccountRoutes : public SpaceTest {
  protected:
    void with_product() {
        auto told = options();
        told.product_url = [this] { return product_.url(); };
        start(told);
    }
    Answer patch(const std::string& path, const Json& body, const std::string& who = "anna") {
        auto headers = as(who);
        headers.emplace_back("Content-Type", "application/json");
        return send("PATCH", "/api/v1/me" + path, headers, base::to_text(body));
    }
    Answer erase(const base::HttpHeaders& who, const Json& body) {
        auto headers = who;
        headers.emplace_back("Content-Type", "application/json");
        return send("DELETE", "/api/v1/me/data", headers, base::to_text(body));
    }

    FakeProduct product_;
};

TEST_F(AccountRoutes, AProfileIsChangedWithinItsBounds) {
    const Answer named = patch("/profile", {{"name", "  Änna  "}, {"feedbackShowRealName", true}});
    EXPECT_EQ(named.json,
              (Json{{"name", "Änna"}, {"image", nullptr}, {"feedbackShowRealName", true}}));
    EXPECT_EQ(patch("/profile", {{"image", "https://x/y.png"}}).text("image"), "https://x/y.png");
    EXPECT_EQ(patch("/profile", {{"image", nullptr}}).json["image"], nullptr);
    std::string eighty;
    for (int i = 0; i < 80; ++i) eighty += "ä";
    EXPECT_EQ(patch("/profile", {{"name", eighty}}).status, 200);
    EXPECT_EQ(patch("/profile", {{"name", eighty + "ä"}}).status, 400);
    EXPECT_EQ(patch("/profile", {{"name", "   "}}).status, 400);
    EXPECT_EQ(patch("/profile", Json::object()).status, 400);
    // auth-api-doubts B46: the event has its user.
    EXPECT_EQ(count("auth.security_events where event_type = 'PROFILE_UPDATED' and user_id = $1",
                    {id_of("anna")}),
              4);
}

// auth-api-doubts B70
TEST_F(AccountRoutes, OnboardingIsCompletedOnce) {
    const auto path = "/api/v1/me/onboarding";
    EXPECT_EQ(get(path, as("anna")).json, (Json{{"completedAt", nullptr}}));
    const std::string at = base::to_iso(clock_.now());
    EXPECT_EQ(post(std::string(path) + "/complete", Json::object(), as("anna")).json,
              (Json{{"completedAt", at}}));
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(post(std::string(path) + "/complete", Json::object(), as("anna")).json,
              (Json{{"completedAt", at}}));
    EXPECT_EQ(patch("/onboarding/reset", Json::object()).json, (Json{{"completedAt", nullptr}}));
    EXPECT_EQ(get(path, as("anna")).json, (Json{{"completedAt", nullptr}}));
}

// auth-api-doubts B71: written, existed and failed are three things.
TEST_F(AccountRoutes, TheFirstRecordsAreTheProductsToMake) {
    EXPECT_EQ(post("/api/v1/me/bootstrap-singletons", Json::object(), as("anna")).status, 503);
    with_product();
    const std::string chor = found("anna", "chor");
    const Answer made = post("/api/v1/me/bootstrap-singletons", Json::object(), as("anna"));
    EXPECT_EQ(made.json["ok"], true) << made.raw.body;
    EXPECT_EQ(made.json["bootstrapped"]["userContext"], "written");
    EXPECT_EQ(made.json["bootstrapped"]["spaces"].size(), 2U);
    EXPECT_EQ(made.json["bootstrapped"]["spaces"][chor], "existed");
}

TEST_F(AccountRoutes, AUserSeesWhatIsKnownOfHer) {
    const Answer without = get("/api/v1/me/data", as("anna"));
    ASSERT_EQ(without.status, 200) << without.raw.body;
    EXPECT_EQ(without.json["projects"][0]["available"], false);
    EXPECT_EQ(without.json["credits"]["balance"], 0);
    with_product();
    again("anna");
    clock_.advance(std::chrono::hours(24 * 6));
    const std::string fresh = "anna";
    // auth-api-doubts B69: sessions that are over do not count.
    sql("update auth.sessions set expires_at = $1::timestamptz where id = "
        "(select id from auth.sessions order by created_at desc, id limit 1)",
        {clock_.now()});
    const Answer data = get("/api/v1/me/data", again(fresh));
    EXPECT_EQ(data.json["user"]["email"], email_of("anna"));
    EXPECT_EQ(data.json["auth"]["sessionsCount"], 2);
    EXPECT_EQ(data.json["auth"]["has2FA"], false);
    const Json& projects = data.json["projects"];
    ASSERT_EQ(projects.size(), 24U);
    EXPECT_EQ(projects[0]["projectId"], "todo");
    EXPECT_EQ(projects[0]["totalCount"], 3);
    EXPECT_EQ(projects[0]["entities"][0]["label"], "Tasks");
    EXPECT_EQ(projects[0]["lastActivityAt"], "2026-11-20T08:00:00.000Z");
    EXPECT_EQ(projects[23]["projectId"], "odd");
    EXPECT_EQ(data.json["totals"], (Json{{"totalEntities", 4}, {"projectsWithData", 2}}));
    EXPECT_EQ(get("/api/v1/me/data").status, 401);
}

// auth-api-doubts B75: nothing is left out. A table with rows of users is exported, or stands here
// with the reason why not.
TEST_F(AccountRoutes, TheExportHasEveryTableThatKnowsUsers) {
    std::set<std::string> known = {
        "login_challenges",    // Secrets of a login under way, gone in minutes.
        "mailed_codes",        // The same.
        "trusted_devices",     // Digests of cookies alone.
        "verification",        // Digests of mailed links alone.
        "passkey_challenges",  // Under way for minutes.
        "two_factor_auth",     // Secrets alone; that it is on is in the profile.
        "holds",
        "skipped_slots",
        "spending",  // The runner's book-keeping of personas.
    };
    for (const auth::DataPart& part : auth::data_parts()) known.insert(std::string(part.table));
    for (const auto& row : sql("select distinct c.conrelid::regclass::text as name from "
                               "pg_constraint c where c.contype = 'f' and c.confrelid in "
                               "('auth.users'::regclass, 'auth.personas'::regclass)")) {
        const std::string name = row.text("name").substr(5);  // Behind "auth."
        EXPECT_TRUE(known.contains(name)) << name << " is missing in the export";
    }
}

// auth-api-doubts B75
TEST_F(AccountRoutes, TheExportIsAFileWithEverythingButSecrets) {
    with_product();
    const std::string chor = found("anna", "chor");
    invite("anna", chor, "nora");
    auto headers = as("anna");
    headers.emplace_back("Content-Type", "application/json");
    send("PATCH", "/api/v1/settings/global", headers, R"({"locale":"en"})");
    const Answer file = get("/api/v1/me/data/export", as("anna"));
    ASSERT_EQ(file.status, 200) << file.raw.body;
    EXPECT_THAT(file.raw.header("Content-Disposition"),
                HasSubstr("meine-daten-" + base::to_iso(clock_.now()).substr(0, 10) + ".json"));
    const Json& details = file.json["details"];
    EXPECT_EQ(details["profile"][0]["email"], email_of("anna"));
    EXPECT_EQ(details["spaces"].size(), 2U);
    EXPECT_EQ(details["spaces"][0]["personal"], true);
    EXPECT_EQ(details["memberships"].size(), 2U);
    EXPECT_EQ(details["invitations"][0]["email"], email_of("nora"));
    EXPECT_EQ(details["settings"][0]["globalSettings"]["locale"], "en");
    EXPECT_GE(details["securityEvents"].size(), 2U);
    EXPECT_EQ(details["product"]["rows"][0]["data"]["title"], "Milch");
    EXPECT_EQ(details["product"]["rows"][1]["kind"], "call");
    EXPECT_EQ(details["product"]["rows"].size(), 2U);
    EXPECT_THAT(file.raw.body, testing::Not(HasSubstr("sha256:")));
    EXPECT_EQ(file.json["exportVersion"], "2.0");
    EXPECT_EQ(file.json["data"]["totals"]["totalEntities"], 4);
}

// What was cut must not look like all there is.
TEST_F(AccountRoutes, AProductsExportWithoutItsEndIsNone) {
    with_product();
    product_.cuts_exports = true;
    const Json product = get("/api/v1/me/data/export", as("anna")).json["details"]["product"];
    EXPECT_EQ(product["available"], false);
    EXPECT_FALSE(product.contains("rows"));
}

TEST_F(AccountRoutes, APersonasExportHasHerCharacter) {
    as("pia");
    sql("update auth.users set kind = 'persona' where id = $1", {id_of("pia")});
    sql("insert into auth.personas (user_id, archetype, system_prompt, module_mix, next_due_at) "
        "values ($1, 'tester', 'Du bist Pia.', '{}', now())",
        {id_of("pia")});
    const Answer file = get("/api/v1/me/data/export", as("pia"));
    ASSERT_EQ(file.status, 200) << file.raw.body;
    EXPECT_EQ(file.json["details"]["persona"][0]["systemPrompt"], "Du bist Pia.");
    const Answer refused = erase(as("pia"), Json::object());
    EXPECT_EQ(refused.status, 403) << refused.raw.body;
    EXPECT_EQ(refused.text("code"), "PERSONA");
}

// auth-api-doubts B38: the password is asked, and what others keep is deleted until it is done.
// B37: the token of who is gone opens nothing. B18: the product deletes under its own rules.
TEST_F(AccountRoutes, DeletionAsksForThePasswordAndTakesEverythingAlong) {
    with_product();
    const std::string eva = add_user("eva@example.com");
    const Answer in = login("eva@example.com");
    const auto headers = bearer(in.text("accessToken"));
    const std::string solo =
        post("/api/auth/organization/create",
             {{"name", "Solo"}, {"slug", "solo"}, {"metadata", {{"type", "team"}}}}, headers)
            .text("id");
    EXPECT_EQ(erase(headers, Json::object()).status, 400);
    EXPECT_EQ(erase(headers, {{"password", "ganz falsch 1"}}).text("code"), "INVALID_PASSWORD");
    EXPECT_EQ(count("auth.users where id = $1", {eva}), 1);

    const Answer gone = erase(headers, {{"password", good_password}});
    ASSERT_EQ(gone.status, 200) << gone.raw.body;
    EXPECT_EQ(gone.json["deletedFromAuth"]["user"], true);
    EXPECT_EQ(gone.json["deletedFromAuth"]["sessions"], 1);
    EXPECT_EQ(gone.json["deletedFromProjects"][0]["queued"], true);
    EXPECT_EQ(gone.json["totalDeleted"], 3);
    EXPECT_EQ(count("auth.users where id = $1", {eva}), 0);
    EXPECT_EQ(count("auth.organizations where id = $1", {solo}), 0);
    EXPECT_EQ(erase(headers, {{"password", good_password}}).status, 401);
    EXPECT_EQ(get("/api/v1/me/data", headers).status, 401);

    EXPECT_EQ(mails().size(), 1U);
    EXPECT_EQ(product_.deleted(), std::vector<std::string>{eva});
    EXPECT_TRUE(product_.spaces_deleted().empty()) << "somebody may be writing there";
    clock_.advance(auth::space_deletion_pause);
    service_->deliver_due();
    EXPECT_EQ(product_.spaces_deleted().size(), 2U) << "the personal one, too";
    EXPECT_TRUE(product_.spaces_deleted().contains(solo));
    // auth-api-doubts B47: the event stays, without her.
    const auto events =
        sql("select * from auth.security_events "
            "where event_type = 'ACCOUNT_DELETED'");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].is_null("user_id"));
    EXPECT_FALSE(events[0].is_null("pseudonym"));
    EXPECT_TRUE(events[0].is_null("ip_address"));
}

// auth-api-doubts B38, B58: whichever way she takes, it is the same deletion.
TEST_F(AccountRoutes, EveryWayToDeleteAnAccountTellsTheProduct) {
    with_product();
    std::vector<std::string> gone;
    const auto leaves = [&](const std::string& name, const char* method, const std::string& path) {
        gone.push_back(add_user(name + "@example.com"));
        auto headers = bearer(login(name + "@example.com").text("accessToken"));
        headers.emplace_back("Content-Type", "application/json");
        const Answer answer =
            send(method, path, headers, base::to_text(Json{{"password", good_password}}));
        EXPECT_EQ(answer.status, 200) << answer.raw.body;
    };
    leaves("uma", "DELETE", "/api/v1/me/data");
    leaves("ute", "DELETE", "/api/v1/auth/account");
    leaves("una", "POST", "/api/auth/delete-user");
    service_->deliver_due();
    const auto told = product_.deleted();
    EXPECT_EQ(std::set<std::string>(told.begin(), told.end()),
              std::set<std::string>(gone.begin(), gone.end()));
    clock_.advance(auth::space_deletion_pause);
    service_->deliver_due();
    EXPECT_EQ(product_.spaces_deleted().size(), 3U);
    EXPECT_EQ(count("auth.users"), 0);
}

// What the members of a space left in it goes with it.
TEST_F(AccountRoutes, TheProductIsToldOfADeletedSpace) {
    with_product();
    const std::string chor = found("anna", "chor"), verein = found("anna", "verein");
    EXPECT_EQ(post("/api/auth/organization/delete", {{"organizationId", chor}}, as("anna")).status,
              200);
    EXPECT_EQ(send("DELETE", "/api/v1/gilden/" + verein, as("anna")).status, 200);
    clock_.advance(auth::space_deletion_pause);
    service_->deliver_due();
    EXPECT_EQ(product_.spaces_deleted(), (std::set<std::string>{chor, verein}));
}

TEST_F(AccountRoutes, WhoHasNoPasswordNeedsAYoungSession) {
    as("anna");
    clock_.advance(std::chrono::minutes(11));
    const Answer old = erase(as("anna"), Json::object());
    EXPECT_EQ(old.status, 403) << old.raw.body;
    EXPECT_EQ(old.text("code"), "SESSION_NOT_FRESH");
    EXPECT_EQ(erase(again("anna"), Json::object()).status, 200);
    EXPECT_EQ(count("auth.users"), 0);
}

}  // namespace
}  // namespace tests
