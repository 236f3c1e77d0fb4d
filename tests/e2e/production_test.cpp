// A day in production: secrets of its own, address limits on, nothing open without the key.
#include <gmock/gmock.h>

#include "tests/e2e/world.hpp"

namespace {

using testing::HasSubstr;

class Production : public testing::Test {
  protected:
    static constexpr std::size_t personas = 6;

    Production() {
        daemon.environment() =
            e2e::joined(daemon.environment(), {{"PERSONA_ENV", "production"},
                                               {"PERSONA_THROWAWAY", "false"},
                                               {"PERSONA_CONCURRENCY", "6"},
                                               {"MANA_NOTIFY_URL", "http://127.0.0.1:9"},
                                               {"CORS_ORIGINS", "https://app.example"},
                                               {"MANA_MCP_PUBLIC_URL", "https://mcp.example"},
                                               {"MANA_SERVICE_KEY", key},
                                               {"BETTER_AUTH_SECRET", secret},
                                               {"PERSONA_SEED_SECRET", seed}});
        daemon.environment() = e2e::joined(daemon.environment(), model.variables());
    }

    const std::string key = "a-service-key-of-production";
    const std::string secret = "a-signing-secret-of-production";
    const std::string seed = "a-seed-secret-of-production";
    e2e::Model model;
    e2e::Daemon daemon;
};

// Every log-in comes from one address: the limits per address must not hit the runner itself.
TEST_F(Production, SixPersonasLiveTheirDayAtOnceWithinTheAddressLimits) {
    daemon.start();
    ASSERT_FALSE(HasFatalFailure());
    daemon.seed(personas);
    const e2e::Outcome tick = daemon.verb({"tick", "--all"});
    EXPECT_EQ(tick.exit_code, 0) << tick.out << tick.err;
    EXPECT_THAT(tick.out, HasSubstr("6 due, 6 ran, 0 failed"));
    ASSERT_TRUE(daemon.await_delivery());
    EXPECT_EQ(daemon.count("select count(*) from ops.visits where status = 'finished'"),
              static_cast<std::int64_t>(personas));

    base::HttpRequest bare;
    bare.method = "POST";
    bare.url = daemon.ops_url() + "/diag/tick";
    EXPECT_EQ(base::fetch(bare).status, 401) << "coming from 127.0.0.1 authorises nothing";

    base::HttpRequest page;
    page.url = daemon.mcp_url().substr(0, daemon.mcp_url().rfind('/')) +
               "/.well-known/oauth-protected-resource";
    page.headers = {{"Origin", "https://app.example"}};
    const base::HttpResponse shown = base::fetch(page);
    EXPECT_EQ(shown.header("access-control-allow-origin"), "https://app.example");
    EXPECT_THAT(shown.body, HasSubstr("\"https://mcp.example/mcp\""));

    for (const std::string& one : {key, secret, seed}) {
        EXPECT_EQ(daemon.log().find(one), std::string::npos) << "a secret in the log";
    }
}

TEST_F(Production, VerbsRefuseTheDevelopmentSecretsTheyWouldUse) {
    daemon.environment()["PERSONA_SEED_SECRET"] = "dev-persona-seed-secret-rotate-in-prod";
    const e2e::Outcome seeded = daemon.verb({"seed"});
    EXPECT_EQ(seeded.exit_code, 2);
    EXPECT_THAT(seeded.err, HasSubstr("PERSONA_SEED_SECRET"));
}

}  // namespace
