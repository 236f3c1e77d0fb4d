// A database that a real Better Auth laid out and filled is taken over: passwords, sessions, spaces
// and second factors of its users stay good.
#include "auth/factors/totp.hpp"
#include "base/jwt.hpp"
#include "tests/auth/browser.hpp"
#include "tests/e2e/program.hpp"

namespace tests {
namespace {

using base::Json;

class Takeover : public BrowserTest {
  protected:
    Takeover() : BrowserTest(std::vector<test_support::MigrationSet>{}) {}

    void SetUp() override {
        // As the owner of the service's database, with its secret.
        const e2e::Outcome outcome =
            e2e::run_program({.arguments = {"takeover"},
                              .environment = {{"INTEROP_DIR", INTEROP_FOLDER},
                                              {"TAKEOVER_DATABASE", database_.owner_url().reveal()},
                                              {"TAKEOVER_SECRET", service_secret.reveal()}},
                              .program = SOURCE_DIR "/tests/interop/run.sh"},
                             std::chrono::minutes(5));
        ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
        const std::size_t line = outcome.out.find("takeover {");
        ASSERT_NE(line, std::string::npos) << outcome.out;
        told_ = Json::parse(outcome.out.substr(line + 9));
        base::migrate(database_.owner_url(), "auth", auth::migrations());
        clock_.set_now(base::SystemClock().now());  // What Better Auth wrote is of this moment.
        start();
    }
    std::string of(const char* who, const char* what) const {
        return told_[who][what].get<std::string>();
    }
    Answer enter(Browser& browser, const char* who) {
        return tell(browser, "/api/auth/sign-in/email",
                    {{"email", of(who, "email")}, {"password", of(who, "password")}});
    }
    static base::HttpHeaders cookie(const std::string& value) { return {{"Cookie", value}}; }

    Json told_;
};

TEST_F(Takeover, UsersOfARealBetterAuthNoticeNothing) {
    // Sessions.
    const Answer session = get("/api/auth/get-session", cookie(of("anna", "cookie")));
    ASSERT_EQ(session.status, 200);
    ASSERT_TRUE(session.json.is_object()) << session.raw.body;
    EXPECT_EQ(session.json["user"]["id"], of("anna", "userId"));
    EXPECT_EQ(get("/api/auth/get-session", cookie(of("ben", "cookie"))).json["user"]["id"],
              of("ben", "userId"));

    // Passwords.
    Browser anna;
    const Answer in = enter(anna, "anna");
    ASSERT_EQ(in.status, 200) << in.raw.body;
    EXPECT_EQ(in.json["user"]["id"], of("anna", "userId"));

    // Spaces: the team with its metadata, and the personal one that every user of ours has.
    const Json spaces = ask(anna, "/api/auth/organization/list").json;
    ASSERT_EQ(spaces.size(), 2u) << spaces;
    const Json& team = spaces[0]["id"] == told_["team"] ? spaces[0] : spaces[1];
    EXPECT_EQ(team["name"], "Team");
    EXPECT_EQ(team["metadata"]["type"], "team");
    EXPECT_EQ(count("auth.members where organization_id = $1 and role = 'member' and user_id = $2",
                    {told_["team"].get<std::string>(), of("ben", "userId")}),
              1);
    EXPECT_EQ(count("auth.invitations where email = 'cora@example.com' and status = 'pending'"), 1);

    // The signing key.
    EXPECT_EQ(base::kid_of(of("anna", "jwt")),
              base::kid_of(login(of("anna", "email"), of("anna", "password")).text("accessToken")));

    // New rows fit into the tables too.
    EXPECT_EQ(post("/api/v1/auth/register",
                   {{"email", "dora@example.com"}, {"password", "Doras Passwort"}})
                  .status,
              200);
    EXPECT_EQ(count("auth.users"), 3);
}

TEST_F(Takeover, ASecondFactorOfARealBetterAuthStaysGood) {
    Browser ben;
    EXPECT_EQ(enter(ben, "ben").json["twoFactorRedirect"], true);
    const std::string code = auth::totp_code(base::Secret(of("ben", "secret")), clock_.now());
    const Answer in = tell(ben, "/api/auth/two-factor/verify-totp", {{"code", code}});
    ASSERT_EQ(in.status, 200) << in.raw.body;
    Browser again;
    enter(again, "ben");
    EXPECT_EQ(tell(again, "/api/auth/two-factor/verify-backup-code",
                   {{"code", told_["ben"]["backupCodes"][0]}})
                  .status,
              200);
}

}  // namespace
}  // namespace tests
