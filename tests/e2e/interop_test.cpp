// Other people's official clients against our servers; see tests/interop.
#include "base/secret.hpp"
#include "catalog/password.hpp"
#include "tests/e2e/world.hpp"

namespace {

class Interop : public e2e::World {
  protected:
    static void SetUpTestSuite() {
        // Every tool is offered and may be called. The feed is no public address: nobody is asked.
        begin({{"NEWS_FEEDS", "http://127.0.0.1:9/feed"}, {"POLICY_ALLOW_DESTRUCTIVE", "*"}});
    }
    // Installing the packages needs the network, once per build folder.
    static constexpr std::chrono::minutes limit{5};

    static e2e::Outcome run(const std::string& name, e2e::Variables variables) {
        variables["INTEROP_DIR"] = INTEROP_FOLDER;
        return e2e::run_program({.arguments = {name},
                                 .environment = std::move(variables),
                                 .program = SOURCE_DIR "/tests/interop/run.sh"},
                                limit);
    }
    static e2e::Variables account() {
        const std::string email = "persona.anna@mana.test";
        const base::Secret secret{std::string(catalog::development_seed_secret)};
        return {{"AUTH_URL", daemon().auth_url()},
                {"MCP_URL", daemon().mcp_url()},
                {"AUTH_EMAIL", email},
                {"AUTH_PASSWORD", std::string(catalog::password_of(email, secret).reveal())}};
    }
    static void expect_passed(const e2e::Outcome& outcome) {
        EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
        EXPECT_THAT(outcome.out, testing::HasSubstr("ok - "));
    }
};

TEST_F(Interop, TheOfficialAnthropicClientIsHappyWithTheSimulator) {
    expect_passed(run("anthropic", {{"SIM_URL", model()->url()}}));
}

TEST_F(Interop, JoseVerifiesOurTokensByOurKeySet) {
    expect_passed(run("jose", account()));
}

TEST_F(Interop, BetterAuthsOwnClientSignsInReadsTheSessionAndSignsOut) {
    expect_passed(run("better_auth", account()));
}

TEST_F(Interop, BetterAuthsOrganizationPluginMakesSharesAndLeavesSpaces) {
    const std::string email = "persona.ben@mana.test";
    const base::Secret secret{std::string(catalog::development_seed_secret)};
    auto variables = account();
    variables["AUTH_EMAIL_2"] = email;
    variables["AUTH_PASSWORD_2"] = std::string(catalog::password_of(email, secret).reveal());
    expect_passed(run("organization", variables));
}

TEST_F(Interop, AForeignValidatorAcceptsTheApiDocument) {
    expect_passed(run("openapi", account()));
}

TEST_F(Interop, TheOfficialMcpClientWorksInTheWorkspace) {
    expect_passed(run("mcp", account()));
}

TEST_F(Interop, TheOfficialMcpClientOfTheNextGenerationWorksInTheWorkspace) {
    expect_passed(run("mcp_2", account()));
}

TEST_F(Interop, AForeignValidatorAcceptsTheSchemasOfEveryToolAndWhatItAnswers) {
    expect_passed(run("schemas", account()));
}

TEST_F(Interop, OurMcpClientWorksWithServersOfOthers) {
    expect_passed(run("servers", {{"MCP_DRIVER", CONFORMANCE_CLIENT}}));
}

TEST_F(Interop, TheOfficialConformanceSuiteFindsWhatIsListed) {
    const e2e::Outcome outcome = run("conformance", {{"CONFORMANCE_SERVER", CONFORMANCE_SERVER},
                                                     {"CONFORMANCE_CLIENT", CONFORMANCE_CLIENT}});
    expect_passed(outcome);
    EXPECT_THAT(outcome.out, testing::HasSubstr("# client 2026-07-28: 7 scenarios as expected"));
}

}  // namespace
