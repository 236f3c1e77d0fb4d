// Guilds: spaces by another name, for clients of the ancestor.
#include <gmock/gmock.h>

#include "base/server.hpp"
#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;

class Guilds : public SpaceTest {
  protected:
    Answer make(const std::string& who, const std::string& slug) {
        return post("/api/v1/gilden", {{"name", slug}, {"slug", slug}}, as(who));
    }
    Answer put(const std::string& path, const Json& body, base::HttpHeaders headers) {
        headers.emplace_back("Content-Type", "application/json");
        return send("PUT", path, headers, base::to_text(body));
    }
};

// auth-api-doubts B55: one principal, whatever it came with, and every refusal has its status.
TEST_F(Guilds, LiveTheirWholeLifeWithOneProof) {
    const Answer made = make("anna", "gilde");
    ASSERT_EQ(made.status, 201) << made.raw.body;
    EXPECT_EQ(made.json["pool"], (Json{{"balance", 0}}));
    const std::string id = made.json["gilde"]["id"].get<std::string>();
    EXPECT_EQ(made.json["gilde"]["metadata"]["type"], "club");
    const std::string path = "/api/v1/gilden/" + id;

    EXPECT_EQ(get("/api/v1/gilden", as("anna")).json.size(), 2U);
    EXPECT_EQ(get(path, as("anna")).json["members"].size(), 1U);
    EXPECT_EQ(put(path, {{"name", "Neu"}}, as("anna")).text("name"), "Neu");

    const Answer sent = post(path + "/invite", {{"email", email_of("ben")}}, as("anna"));
    EXPECT_EQ(sent.text("role"), "member") << sent.raw.body;
    const Answer in =
        post("/api/v1/gilden/accept-invitation", {{"invitationId", sent.text("id")}}, as("ben"));
    const std::string ben = in.json["member"]["id"].get<std::string>();
    EXPECT_EQ(put(path + "/members/" + ben + "/role", {{"role", "admin"}}, as("anna")).text("role"),
              "admin");

    const Answer refused = send("DELETE", path, as("ben"));
    EXPECT_EQ(refused.status, 403) << refused.raw.body;
    EXPECT_EQ(refused.text("code"), "YOU_ARE_NOT_ALLOWED_TO_DELETE_THIS_ORGANIZATION");
    EXPECT_EQ(send("DELETE", path + "/members/" + email_of("ben"), as("anna")).json,
              (Json{{"success", true}}));
    EXPECT_EQ(send("DELETE", path, as("anna")).json, (Json{{"success", true}}));
    EXPECT_EQ(get(path, as("anna")).status, 404);
}

TEST_F(Guilds, StrangersAreToldWhy) {
    const std::string id = make("anna", "gilde").json["gilde"]["id"].get<std::string>();
    const std::string path = "/api/v1/gilden/" + id;
    EXPECT_EQ(get(path, as("eve")).status, 403);
    EXPECT_EQ(put(path, {{"name", "x"}}, as("eve")).status, 403);
    EXPECT_EQ(send("DELETE", path, as("eve")).status, 403);
    EXPECT_EQ(post(path + "/invite", {{"email", "x@example.com"}}, as("eve")).status, 404);
    EXPECT_EQ(send("DELETE", path + "/members/x", as("eve")).status, 404);
    EXPECT_EQ(put(path + "/members/x/role", {{"role", "admin"}}, as("eve")).status, 404);
    EXPECT_EQ(get(path).status, 401);
    EXPECT_EQ(make("eve", "gilde").status, 400);
    const std::string home = get("/api/v1/gilden", as("anna")).json[0]["id"].get<std::string>();
    const Answer personal = send("DELETE", "/api/v1/gilden/" + home, as("anna"));
    EXPECT_EQ(personal.status, 403);
    EXPECT_EQ(personal.text("code"), "SPACE_PERSONAL_UNDELETABLE");
}

// auth-api-doubts B55: the plan's limit counts.
// auth-api-doubts B68: the path that some clients of the ancestor use for one space.
TEST_F(Guilds, AreFoundUnderTheirOtherPath) {
    const std::string chor = found("anna", "chor"), path = "/api/v1/auth/organizations/" + chor;
    EXPECT_EQ(get(path, as("anna")).json["members"].size(), 1U);
    EXPECT_EQ(get(path).status, 401);
    const Answer stranger = get(path, as("ben"));
    EXPECT_EQ(stranger.status, 403) << stranger.raw.body;
    EXPECT_EQ(stranger.text("error"), "FORBIDDEN");
    EXPECT_EQ(get("/api/v1/auth/organizations/unknown", as("anna")).status, 404);
    auto headers = as("anna");
    headers.emplace_back("Content-Type", "application/json");
    EXPECT_EQ(send("PUT", path, headers, R"({"name":"Großer Chor"})").text("name"), "Großer Chor");
    auto others = as("ben");
    others.emplace_back("Content-Type", "application/json");
    EXPECT_EQ(send("PUT", path, others, R"({"name":"Bens"})").status, 403);
    EXPECT_EQ(get(path, as("anna")).text("name"), "Großer Chor");
}

TEST_F(Guilds, ThePlanLimitsHowManyOneOwns) {
    base::Server plans({.name = "plans"});
    std::string answer = R"({"maxOrganizations":1})";
    int status = 200;
    std::string asked;
    plans.route(
        "GET", "/api/v1/internal/plan-limits/:user", [&](const base::ServerRequest& request) {
            asked = request.param("user") + " " + std::string(request.header("x-service-key"));
            return base::ServerResponse::text(answer, status);
        });
    plans.start();
    auto told = options();
    told.subscriptions_url = plans.url();
    start(told);
    EXPECT_EQ(make("anna", "first").status, 201);
    EXPECT_EQ(asked, id_of("anna") + " dev-service-key");
    const Answer second = make("anna", "second");
    EXPECT_EQ(second.status, 403) << second.raw.body;
    EXPECT_EQ(second.text("code"), "YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS");
    answer = R"({"maxOrganizations":0})";
    EXPECT_EQ(make("ben", "none").status, 403);
    answer = "{}";
    EXPECT_EQ(make("ben", "one").status, 201);
    EXPECT_EQ(make("ben", "two").status, 403);
    for (const char* broken : {"", "[]", R"({"maxOrganizations":"9"})"}) {
        answer = broken;
        EXPECT_EQ(make("cleo", "three").status, 503) << broken;
    }
    status = 500;
    EXPECT_EQ(make("cleo", "four").status, 503);
    plans.stop();
    EXPECT_EQ(make("cleo", "five").status, 503);
}

TEST_F(Guilds, TheCreditsServiceHearsOfANewGuildAfterTheFact) {
    base::Server credits({.name = "credits"});
    std::vector<std::string> heard;
    std::mutex mutex;
    credits.route("POST", "/api/v1/internal/guild-pool/init",
                  [&](const base::ServerRequest& request) {
                      const std::lock_guard lock(mutex);
                      heard.push_back(request.body);
                      return base::ServerResponse::json({{"ok", true}});
                  });
    credits.start();
    auto told = options();
    told.credits_url = credits.url();
    start(told);
    const std::string id = make("anna", "gilde").json["gilde"]["id"].get<std::string>();
    service_->deliver_due();
    const std::lock_guard lock(mutex);
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(Json::parse(heard[0]), (Json{{"organizationId", id}}));
}

}  // namespace
}  // namespace tests
