// The persona endpoints over a real socket: who may call, what is answered, and that bad input is
// told by the name of its field.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "auth/identity/credential.hpp"
#include "auth/service.hpp"
#include "base/http.hpp"
#include "base/metrics.hpp"
#include "tests/auth/persona_support.hpp"
#include "tests/support/document_check.hpp"
#include "tests/support/fake_clock.hpp"

namespace tests {
namespace {

using base::Json;

class PersonaRoutesTest : public PersonaTest {
  protected:
    void SetUp() override {
        service_.start();
        database_.transact([&](base::Transaction& transaction) {
            auth::create_user(transaction,
                              {.email = "admin@mana.test",
                               .name = "Admin",
                               .password_hash = auth::hash_password(base::Secret("admin password")),
                               .role = "admin",
                               .verified = true},
                              friday);
        });
        const Json login = call("POST", "/api/v1/auth/login",
                                {{"email", "admin@mana.test"}, {"password", "admin password"}}, {});
        admin_ = {{"Authorization", "Bearer " + login["body"]["accessToken"].get<std::string>()}};
        keep_alive("runner", friday);
    }

    static auth::Options options() {
        auth::Options options;
        options.port = 0;
        return options;
    }

    // {"status":…, "body":…}
    Json call_text(const std::string& method, const std::string& path, const std::string& body,
                   base::HttpHeaders headers) {
        headers.emplace_back("Content-Type", "application/json");
        const base::HttpResponse answer = base::fetch({.method = method,
                                                       .url = service_.url() + path,
                                                       .headers = std::move(headers),
                                                       .body = body});
        Json result = {{"status", answer.status}};
        const auto parsed = base::try_parse_json(answer.body);
        result["body"] = parsed ? *parsed : Json(answer.body);
        EXPECT_EQ(undocumented({method, path, body, answer.status,
                                std::string(answer.header("content-type")), result["body"]}),
                  "")
            << method << " " << path << " " << answer.body.substr(0, 300);
        return result;
    }
    Json call(const std::string& method, const std::string& path, const Json& body,
              const base::HttpHeaders& headers) {
        return call_text(method, path, body.is_null() ? "" : base::to_text(body), headers);
    }
    Json internal(const std::string& method, const std::string& path, const Json& body = nullptr) {
        return call(method, "/api/v1/internal" + path, body,
                    {{"X-Service-Key", "dev-service-key"}});
    }
    Json admin(const std::string& method, const std::string& path, const Json& body = nullptr) {
        return call(method, "/api/v1/admin/personas" + path, body, admin_);
    }

    static Json anna() {
        return {{"email", "Persona.Anna@mana.test"},
                {"name", "Anna"},
                {"password", "first password"},
                {"archetype", "adhd-student"},
                {"systemPrompt", "Du bist Anna und lebst in Bremen."},
                {"moduleMix", {{"todo", 0.5}, {"mood", 0.5}}},
                {"tickCadence", "daily"}};
    }

    std::string claim_one(const std::string& request_id) {
        const Json answer = internal(
            "POST", "/personas/due",
            {{"runnerId", "runner"}, {"requestId", request_id}, {"limit", 1}, {"due", "all"}});
        return answer["body"]["visits"][0]["tickId"].get<std::string>();
    }

    FakeClock clock_{false};
    base::Metrics metrics_;
    auth::Service service_{database_, options(), clock_, metrics_};
    base::HttpHeaders admin_;
};

TEST_F(PersonaRoutesTest, a_persona_from_seed_to_cleanup) {
    const Json made = admin("POST", "", anna());
    ASSERT_EQ(made["status"], 200) << made;
    EXPECT_EQ(made["body"]["ok"], true);
    EXPECT_EQ(made["body"]["email"], "persona.anna@mana.test");
    const std::string id = made["body"]["userId"];

    const Json due = internal("GET", "/personas/due")["body"];
    ASSERT_EQ(due["personas"].size(), 1u);
    EXPECT_EQ(due["personas"][0]["userId"], id);
    EXPECT_TRUE(due["personas"][0]["lastActiveAt"].is_null());
    EXPECT_EQ(due["serverTime"], "2026-11-20T09:00:00.000Z");

    const Json beat = internal("POST", "/runners/heartbeat",
                               {{"runnerId", "run-1"}, {"node", "n"}, {"leaseSeconds", 60}});
    EXPECT_EQ(beat["status"], 200);
    const Json claimed = internal("POST", "/personas/due",
                                  {{"runnerId", "run-1"}, {"requestId", "q"}, {"limit", 5}});
    ASSERT_EQ(claimed["status"], 200) << claimed;
    const Json& visit = claimed["body"]["visits"][0];
    EXPECT_EQ(visit["attempt"], 1);
    EXPECT_EQ(visit["deadline"], "2026-11-20T09:10:00.000Z");
    EXPECT_EQ(visit["persona"]["systemPrompt"], "Du bist Anna und lebst in Bremen.");
    const std::string tick = visit["tickId"];
    EXPECT_EQ(admin("DELETE", "/" + id)["status"], 409);

    Json rows = {{"actions", {catalog::to_json(action(tick, 1))}}};
    const Json stored = internal("POST", "/personas/" + id + "/actions", rows);
    EXPECT_EQ(
        stored["body"],
        Json({{"ok", true}, {"written", 1}, {"inserted", 1}, {"known", 0}, {"differing", 0}}));
    catalog::VisitEnd end = finished();
    end.actions = 1;
    end.ratings = 1;
    const Json early = internal("POST", "/visits/" + tick + "/finish", catalog::to_json(end));
    EXPECT_EQ(early["status"], 409);
    EXPECT_EQ(early["body"]["code"], "incomplete");
    EXPECT_EQ(early["body"]["missing"]["ratings"], 1);
    rows = {{"feedback", {catalog::to_json(rating(tick, "todo", 4))}}};
    EXPECT_EQ(internal("POST", "/personas/" + id + "/feedback", rows)["body"]["inserted"], 1);
    const Json done = internal("POST", "/visits/" + tick + "/finish", catalog::to_json(end));
    EXPECT_EQ(done["status"], 200);
    EXPECT_EQ(done["body"]["applied"], true);
    EXPECT_EQ(internal("POST", "/visits/" + tick + "/finish", catalog::to_json(end))["status"],
              200);

    const Json detail = admin("GET", "/" + id)["body"];
    EXPECT_EQ(detail["feedbackByModule"][0]["avgRating"], 4.0);
    EXPECT_EQ(detail["feedbackByModule"][0]["n"], 1);
    EXPECT_EQ(detail["recentActions"][0]["toolName"], "todo.create");
    const Json list = admin("GET", "")["body"];
    EXPECT_EQ(list["personas"][0]["actions7d"], 1);
    EXPECT_EQ(list["personas"][0]["lastActiveAt"], "2026-11-20T09:00:00.000Z");

    const std::string text = admin("GET", "/" + id + "/export")["body"];
    std::vector<std::string> kinds;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        kinds.push_back(base::parse_json(line, "line")["kind"].get<std::string>());
    }
    EXPECT_EQ(kinds, (std::vector<std::string>{"persona", "visit", "action", "rating", "end"}));

    const Json changed = admin("DELETE", "/" + id + "?rows=1000000");
    EXPECT_EQ(changed["status"], 409) << changed;
    EXPECT_EQ(changed["body"]["code"], "CHANGED") << changed;
    for (const char* wrong : {"", "-1", "many", "1.5"}) {
        const Json refused = admin("DELETE", "/" + id + "?rows=" + wrong);
        EXPECT_EQ(refused["status"], 400) << refused;
        EXPECT_THAT(refused["body"]["error"], testing::HasSubstr("rows must be a whole number"));
    }
    const Json gone = admin("DELETE", "/" + id)["body"];
    EXPECT_EQ(gone["deleted"], id);
    EXPECT_EQ(gone["counts"]["actions"], 1);
    EXPECT_EQ(gone["counts"]["spaces"], 1);
    EXPECT_EQ(admin("DELETE", "/" + id)["status"], 404);
    EXPECT_EQ(admin("GET", "/" + id)["status"], 404);
    EXPECT_EQ(admin("GET", "/" + id + "/export")["status"], 404);
    EXPECT_EQ(internal("POST", "/visits/" + tick + "/finish", catalog::to_json(end))["status"],
              404);
    EXPECT_EQ(
        internal("POST", "/personas/" + id + "/actions", {{"actions", Json::array()}})["status"],
        404);
}

TEST_F(PersonaRoutesTest, only_admins_and_services_get_in) {
    for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
             {"POST", ""}, {"GET", ""}, {"GET", "/x"}, {"GET", "/x/export"}, {"DELETE", "/x"}}) {
        EXPECT_EQ(call(method, "/api/v1/admin/personas" + path, Json::object(), {})["status"], 401)
            << method << path;
        EXPECT_EQ(call(method, "/api/v1/admin/personas" + path, Json::object(),
                       {{"X-Service-Key", "dev-service-key"}})["status"],
                  401)
            << method << path;
    }
    for (const auto& [method, path] :
         std::vector<std::pair<std::string, std::string>>{{"GET", "/personas/due"},
                                                          {"POST", "/personas/due"},
                                                          {"POST", "/personas/x/actions"},
                                                          {"POST", "/personas/x/feedback"},
                                                          {"POST", "/runners/heartbeat"},
                                                          {"POST", "/visits/x/finish"},
                                                          {"POST", "/personas/pause"},
                                                          {"POST", "/personas/resume"},
                                                          {"POST", "/personas/release"},
                                                          {"GET", "/standing"}}) {
        EXPECT_EQ(call(method, "/api/v1/internal" + path, Json::object(), {})["status"], 401)
            << path;
        EXPECT_EQ(call(method, "/api/v1/internal" + path, Json::object(), admin_)["status"], 401)
            << path;
        EXPECT_EQ(call(method, "/api/v1/internal" + path, Json::object(),
                       {{"X-Service-Key", "wrong"}})["status"],
                  401)
            << path;
    }
    // auth-api-doubts B2: the role is the database's, at this moment.
    sql("update auth.users set role = 'user' where email = 'admin@mana.test'");
    EXPECT_EQ(admin("GET", "")["status"], 403);
}

TEST_F(PersonaRoutesTest, pauses_and_quarantines_are_set_lifted_and_shown) {
    add_persona("dora");
    const Json dora = {{"scope", "persona"}, {"email", "Persona.Dora@mana.test"}};
    EXPECT_EQ(internal("POST", "/personas/pause", dora)["body"]["changed"], true);
    EXPECT_EQ(internal("POST", "/personas/pause", dora)["body"]["changed"], false);
    Json standing = internal("GET", "/standing");
    EXPECT_EQ(standing["status"], 200);
    EXPECT_EQ(standing["body"]["pauses"][0]["email"], "persona.dora@mana.test");
    EXPECT_EQ(internal("POST", "/personas/resume", dora)["status"], 200);
    const Json again = internal("POST", "/personas/resume", dora);
    EXPECT_EQ(again["status"], 409);
    EXPECT_EQ(again["body"]["code"], "NOT_PAUSED");
    sql("insert into auth.holds (cause, scope, user_id, slot, since) "
        "select 'quarantined', 'persona', user_id, now(), now() from auth.personas");
    standing = internal("GET", "/standing");
    EXPECT_EQ(standing["body"]["quarantinedCount"], 1);
    const Json her = {{"email", "persona.dora@mana.test"}};
    const Json released = internal("POST", "/personas/release", her);
    EXPECT_EQ(released["status"], 200) << released;
    EXPECT_TRUE(released["body"]["nextDueAt"].is_string());
    EXPECT_EQ(internal("POST", "/personas/release", her)["body"]["code"], "NOT_QUARANTINED");
    EXPECT_EQ(internal("POST", "/personas/pause",
                       {{"scope", "archetype"}, {"archetype", "nobody"}})["body"]["code"],
              "ARCHETYPE_UNKNOWN");
    EXPECT_EQ(internal("POST", "/personas/release", {{"email", "x@mana.test"}})["body"]["code"],
              "PERSONA_UNKNOWN");
    // A word too many must not pause everybody.
    EXPECT_EQ(internal("POST", "/personas/pause",
                       {{"scope", "all"}, {"email", "persona.dora@mana.test"}})["status"],
              400);
    EXPECT_EQ(internal("POST", "/personas/pause", Json::object())["status"], 400);
}

TEST_F(PersonaRoutesTest, a_bad_form_names_every_field) {
    const Json answer = admin("POST", "",
                              {{"email", "no address"},
                               {"password", "short"},
                               {"archetype", "  "},
                               {"systemPrompt", 7},
                               {"moduleMix", {"todo"}},  // auth-api-doubts B62
                               {"tickCadence", "yearly"}});
    EXPECT_EQ(answer["status"], 400);
    EXPECT_EQ(answer["body"]["error"], "ValidationError");
    const Json& details = answer["body"]["details"];
    ASSERT_EQ(details.size(), 6u) << answer;
    int i = 0;
    for (const char* field :
         {"mail", "password", "archetype", "systemPrompt", "moduleMix", "tickCadence"}) {
        EXPECT_NE(details[i++].get<std::string>().find(field), std::string::npos) << answer;
    }
    EXPECT_EQ(count("select count(*) from auth.users where kind = 'persona'"), 0);
    Json negative = anna();
    negative["moduleMix"] = {{"todo", -1}};
    EXPECT_NE(base::to_text(admin("POST", "", negative)["body"]).find("moduleMix.todo"),
              std::string::npos);
    EXPECT_EQ(call_text("POST", "/api/v1/admin/personas", "{", admin_)["status"], 400);
    EXPECT_EQ(call_text("POST", "/api/v1/admin/personas", "[]", admin_)["status"], 400);
    EXPECT_EQ(admin("GET", "?limit=0")["status"], 400);
    EXPECT_EQ(admin("GET", "?limit=1001")["status"], 400);
    EXPECT_EQ(admin("GET", "?limit=x")["status"], 400);
}

TEST_F(PersonaRoutesTest, a_human_is_refused_with_a_clear_text) {
    Json human = anna();
    human["email"] = "Admin@mana.test";
    const Json answer = admin("POST", "", human);  // auth-api-doubts B14
    EXPECT_EQ(answer["status"], 409);
    EXPECT_NE(answer["body"]["error"].get<std::string>().find("human"), std::string::npos)
        << answer;
    const std::string id =
        sql("select id from auth.users where email = 'admin@mana.test'")[0].text("id");
    const Json kept = admin("DELETE", "/" + id);
    EXPECT_EQ(kept["status"], 400);
    EXPECT_TRUE(kept["body"].contains("hint"));
}

// auth-api-doubts B62
TEST_F(PersonaRoutesTest, bad_rows_name_their_field_and_store_nothing) {
    const std::string id = add_persona("dora");
    const std::string tick = claim_one("q");
    const auto rejected = [&](const std::string& kind, const std::string& key, const Json& value,
                              const std::string& field) {
        const bool is_action = kind == "actions";
        Json good = is_action ? catalog::to_json(action(tick, 1))
                              : catalog::to_json(rating(tick, "todo", 3));
        Json bad = good;
        bad[key] = value;
        const Json answer = internal("POST", "/personas/" + id + "/" + kind, {{kind, {good, bad}}});
        EXPECT_EQ(answer["status"], 400) << answer;
        EXPECT_NE(answer["body"]["error"].get<std::string>().find(kind + "[1]." + field),
                  std::string::npos)
            << answer;
    };
    rejected("actions", "latencyMs", 1.5, "latencyMs");
    rejected("actions", "latencyMs", -1, "latencyMs");
    rejected("actions", "result", "maybe", "result");
    rejected("actions", "tickId", "", "tickId");
    rejected("actions", "toolName", nullptr, "toolName");
    rejected("actions", "seq", 0, "seq");
    rejected("actions", "outcome", "error", "outcome");
    rejected("feedback", "rating", 3.5, "rating");
    rejected("feedback", "rating", 6, "rating");
    rejected("feedback", "rating", nullptr, "rating");
    rejected("feedback", "status", "guessed", "status");
    rejected("feedback", "status", "missing", "rating");
    rejected("feedback", "module", 1, "module");
    EXPECT_EQ(count("select count(*) from auth.persona_actions"), 0);
    EXPECT_EQ(count("select count(*) from auth.persona_feedback"), 0);

    Json many = Json::array();
    for (int seq = 1; seq <= 500; ++seq) many.push_back(catalog::to_json(action(tick, seq)));
    EXPECT_EQ(
        internal("POST", "/personas/" + id + "/actions", {{"actions", many}})["body"]["inserted"],
        500);
    many.push_back(catalog::to_json(action(tick, 501)));
    EXPECT_EQ(internal("POST", "/personas/" + id + "/actions", {{"actions", many}})["status"], 400);
    EXPECT_EQ(internal("POST", "/personas/" + id + "/actions", {{"actions", "x"}})["status"], 400);
    EXPECT_EQ(internal("POST", "/personas/nobody/actions", {{"actions", "x"}})["status"], 404);
}

TEST_F(PersonaRoutesTest, a_full_batch_of_big_rows_fits) {
    const std::string id = add_persona("dora");
    const std::string tick = claim_one("q");
    catalog::Action big = action(tick, 1);
    big.outcome = catalog::Action::Outcome::error;
    big.error_message = std::string(catalog::error_message_bytes_max, 'e');
    big.input = Json::object();
    for (int i = 0; i < 50; ++i) (*big.input)["field" + std::to_string(i)] = std::string(200, 'x');
    Json rows = Json::array();
    for (std::size_t i = 0; i < catalog::actions_per_batch_max; ++i) {
        big.seq = static_cast<int>(i) + 1;
        rows.push_back(catalog::to_json(big));
    }
    const Json answer = internal("POST", "/personas/" + id + "/actions", {{"actions", rows}});
    EXPECT_EQ(answer["status"], 200) << answer;
    EXPECT_EQ(answer["body"]["inserted"], catalog::actions_per_batch_max);
}

TEST_F(PersonaRoutesTest, bad_claims_heartbeats_and_ends_name_their_field) {
    const auto refused = [&](const std::string& path, Json body, const std::string& key,
                             const Json& value) {
        body[key] = value;
        const Json answer = internal("POST", path, body);
        EXPECT_EQ(answer["status"], 400) << answer;
        EXPECT_NE(answer["body"]["error"].get<std::string>().find(key), std::string::npos)
            << answer;
    };
    const Json due = {{"runnerId", "runner"}, {"requestId", "q"}, {"limit", 1}};
    for (const Json& limit : {Json(0), Json(1001), Json(1.5), Json("1"), Json(nullptr)}) {
        refused("/personas/due", due, "limit", limit);
    }
    refused("/personas/due", due, "due", "some");
    refused("/personas/due", due, "idleSince", "yesterday");
    refused("/personas/due", due, "dueX", "all");  // A typo must not claim a visit.
    refused("/personas/due", due, "runnerId", "");
    refused("/personas/due", due, "requestId", 7);
    const Json beat = {{"runnerId", "r"}, {"node", "n"}, {"leaseSeconds", 60}};
    refused("/runners/heartbeat", beat, "leaseSeconds", 4);
    refused("/runners/heartbeat", beat, "leaseSeconds", 3601);
    refused("/runners/heartbeat", beat, "node", std::string(129, 'n'));
    add_persona("dora");
    const std::string tick = claim_one("q");
    const Json end = catalog::to_json(finished());
    refused("/visits/" + tick + "/finish", end, "status", "lost");
    refused("/visits/" + tick + "/finish", end, "turns", -1);
    refused("/visits/" + tick + "/finish", end, "costUsd", "free");
    refused("/visits/" + tick + "/finish", end, "handedBack", "yes");
    refused("/visits/" + tick + "/finish", end, "handedBack", true);  // But it finished.
    EXPECT_EQ(status_of(tick), "running");
}

TEST_F(PersonaRoutesTest, runners_tell_each_other_what_they_spend) {
    const auto beat = [&](const std::string& runner, double open_usd) {
        const Json answer =
            internal("POST", "/runners/heartbeat",
                     {{"runnerId", runner},
                      {"node", "node-of-" + runner},
                      {"leaseSeconds", 3600},
                      {"spending", {{"since", "2026-11-20T00:00:00Z"}, {"openUsd", open_usd}}}});
        EXPECT_EQ(answer["status"], 200) << answer;
        return answer["body"]["spentElsewhereUsd"].get<double>();
    };
    add_persona("dora");
    EXPECT_EQ(beat("runner", 0.25), 0);
    EXPECT_EQ(beat("other", 0.5), 0.25);
    catalog::VisitEnd end = finished();
    end.cost_usd = 1.5;
    internal("POST", "/visits/" + claim_one("q") + "/finish", catalog::to_json(end));
    EXPECT_EQ(beat("runner", 0), 0.5);  // Her own visits she counts herself.
    EXPECT_EQ(beat("other", 0), 1.5);

    // The next claim says what each persona has spent already.
    const Json claim = {{"runnerId", "other"},
                        {"requestId", "r"},
                        {"limit", 1},
                        {"due", "all"},
                        {"spentSince", "2026-11-20T00:00:00Z"}};
    EXPECT_EQ(internal("POST", "/personas/due", claim)["body"]["visits"][0]["spentUsd"], 1.5);
}

TEST_F(PersonaRoutesTest, a_heartbeat_without_money_is_told_none_and_wrong_money_is_named) {
    const Json beat = {{"runnerId", "runner"}, {"node", "node-of-runner"}, {"leaseSeconds", 60}};
    const Json answer = internal("POST", "/runners/heartbeat", beat);
    EXPECT_FALSE(answer["body"].contains("spentElsewhereUsd"));
    for (const auto& [spending, field] :
         {std::pair{Json{{"openUsd", 1}}, "since"},
          std::pair{Json{{"since", "2026-11-20T00:00:00Z"}, {"openUsd", -1}}, "openUsd"},
          std::pair{Json{{"since", "today"}, {"openUsd", 1}}, "since"}}) {
        Json wrong = beat;
        wrong["spending"] = spending;
        const Json refused = internal("POST", "/runners/heartbeat", wrong);
        EXPECT_EQ(refused["status"], 400) << refused;
        EXPECT_NE(refused["body"]["error"].get<std::string>().find(field), std::string::npos);
    }
    add_persona("dora");
    const Json claim = {
        {"runnerId", "runner"}, {"requestId", "q"}, {"limit", 1}, {"spentSince", "today"}};
    EXPECT_EQ(internal("POST", "/personas/due", claim)["status"], 400);
    EXPECT_EQ(count("select count(*) from auth.persona_visits"), 0) << "refused before it claims";
}

TEST_F(PersonaRoutesTest, a_dead_runner_is_told_410) {
    clock_.advance(std::chrono::hours(24 * 31));
    const Json beat = internal("POST", "/runners/heartbeat",
                               {{"runnerId", "runner"}, {"node", "n"}, {"leaseSeconds", 60}});
    EXPECT_EQ(beat["status"], 410);
    const Json claimed = internal("POST", "/personas/due",
                                  {{"runnerId", "runner"}, {"requestId", "q"}, {"limit", 1}});
    EXPECT_EQ(claimed["status"], 410);
}

TEST_F(PersonaRoutesTest, a_lost_visit_is_told_that_its_end_was_not_applied) {
    add_persona("dora");
    const std::string tick = claim_one("q");
    internal("POST", "/runners/heartbeat",
             {{"runnerId", "next"}, {"node", "node-of-runner"}, {"leaseSeconds", 60}});
    const Json answer =
        internal("POST", "/visits/" + tick + "/finish", catalog::to_json(finished()));
    EXPECT_EQ(answer["status"], 200);
    EXPECT_EQ(answer["body"]["applied"], false);
    EXPECT_EQ(answer["body"]["status"], "lost");
}

// auth-api-doubts B1, B3: the seeded password logs in, and her JWT is accepted where she goes.
TEST_F(PersonaRoutesTest, a_seeded_persona_logs_in_and_finds_her_space) {
    admin("POST", "", anna());
    const Json login =
        call("POST", "/api/v1/auth/login",
             {{"email", "persona.anna@mana.test"}, {"password", "first password"}}, {});
    ASSERT_EQ(login["status"], 200) << login;
    const std::string token = login["body"]["accessToken"];
    const Json spaces =
        call("GET", "/api/auth/organization/list", nullptr, {{"Authorization", "Bearer " + token}});
    ASSERT_EQ(spaces["status"], 200) << spaces;
    EXPECT_EQ(spaces["body"][0]["metadata"]["type"], "personal");
}

}  // namespace
}  // namespace tests
