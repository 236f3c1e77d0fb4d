// MCP server, auth service and PostgreSQL behind proxies that misbehave in the middle of visits:
// each visit is settled truthfully, nothing hangs, and life goes on when the fault is gone.
#include <fmt/format.h>

#include "base/failure.hpp"
#include "sim/proxy.hpp"
#include "tests/e2e/audit.hpp"
#include "tests/support/temp_database.hpp"

#include "tests/e2e/world.hpp"

namespace {

sim::ProxyOptions proxy_before(const std::string& name, const std::string& url) {
    const std::size_t port = url.rfind(':') + 1;
    return {.name = name, .target = "127.0.0.1", .target_port = std::stoi(url.substr(port))};
}

std::string proxy_url(const sim::Proxy& proxy) {
    return fmt::format("http://127.0.0.1:{}", proxy.port());
}

// The database's URL with the proxy in place of its socket.
class ProxiedDatabase {
  public:
    explicit ProxiedDatabase(const test_support::TempDatabase& database)
        : direct_(base::psql_environment(database.app_url())),
          proxy({.name = "database", .target = value("PGHOST") + "/.s.PGSQL.5432"}) {
        proxy.start();
    }
    std::string url() const {
        return fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}?connect_timeout=3", value("PGUSER"),
                           value("PGPASSWORD"), proxy.port(), value("PGDATABASE"));
    }

  private:
    std::string value(std::string_view name) const {
        for (const auto& [variable, text] : direct_) {
            if (variable == name) return text;
        }
        return {};
    }
    base::PsqlEnvironment direct_;

  public:
    sim::Proxy proxy;
};

// A host of auth service and workspace behind a proxy before its database, and a runner that
// reaches both through proxies of their own.
class Proxied : public testing::Test {
  protected:
    static constexpr std::size_t personas = 2;

    void SetUp() override {
        host_.environment()["DATABASE_URL"] = behind_.url();
        host_.environment()["DATABASE_OWNER_URL"] = database_.owner_url().reveal();
        host_.start();
        ASSERT_FALSE(HasFatalFailure());
        host_.seed(personas);
        audit_.emplace(superuser_);
        auth_.emplace(proxy_before("auth", host_.auth_url()));
        const std::string mcp_url = host_.mcp_url();
        mcp_.emplace(proxy_before("mcp", mcp_url.substr(0, mcp_url.rfind("/mcp"))));
        auth_->start();
        mcp_->start();
        runner_.environment() = e2e::joined(
            runner_.environment(),
            e2e::joined(model_.variables(), {{"MANA_AUTH_URL", proxy_url(*auth_)},
                                             {"MANA_MCP_URL", proxy_url(*mcp_) + "/mcp"},
                                             // A quarter of it, the start, is everybody at once.
                                             {"PERSONA_CONCURRENCY", "8"},
                                             // Calls get a third of it.
                                             {"LEASE_SECONDS", "12"}}));
        runner_.start();
    }

    static void set(sim::Proxy& proxy, std::string_view fault) {
        proxy.set_fault(sim::parse_proxy_fault(fault));
    }

    // Every visit has made a call or two and waits for its model; the fault strikes, the day goes
    // on under it.
    void strike_within_a_day(sim::Proxy& proxy, std::string_view fault) {
        hold_visits();
        set(proxy, fault);
        model_->clear_faults();
    }
    void hold_visits() {
        model_->add_fault({.fault = "slow=150", .match = {}, .skip = 3 * personas, .times = 0});
        runner_.start_tick_all();
        runner_.await_visit([](const base::Json& visit) {
            return visit.at("toolCalls") >= 2 && visit.at("waitingFor") == "model";
        });
    }
    void await_rest() {
        const auto rests = [&] {
            const base::Json now = runner_.status();
            return now.at("running").empty() && now.at("tickRunning") == false;
        };
        EXPECT_TRUE(e2e::eventually(rests, 2 * e2e::patience)) << runner_.status().dump(2);
    }
    // The fault is gone: everything is told, adds up, and another day is lived.
    void recover(sim::Proxy& proxy) {
        set(proxy, "none");
        ASSERT_TRUE(e2e::eventually([&] { return host_.is_well() && runner_.is_well(); }))
            << host_.ask("GET", "/health").body << runner_.ask("GET", "/health").body;
        await_rest();
        // Takes up a claim whose answer was lost, if there was one.
        EXPECT_EQ(runner_.ask("POST", "/diag/tick").status, 200);
        ASSERT_TRUE(runner_.await_delivery()) << runner_.outbox().dump();
        EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
        runner_.release_quarantined();
        EXPECT_EQ(runner_.tick_all().at("ranSuccessfully"), personas) << "and life goes on";
        ASSERT_TRUE(runner_.await_delivery());
        EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
    }
    std::int64_t rows(const char* condition) {
        return audit_->count(
            fmt::format("select count(*) from test.rows r left join workspace.calls c on "
                        "c.visit_id = r.visit and c.visit_seq = r.seq where {}",
                        condition));
    }

    test_support::TempDatabase database_;
    base::Postgres superuser_{{.url = database_.superuser_url(), .connections_max = 2}};
    ProxiedDatabase behind_{database_};
    e2e::Model model_;
    e2e::Daemon host_;
    std::optional<sim::Proxy> auth_, mcp_;
    e2e::Daemon runner_;
    std::optional<e2e::Audit> audit_;
};

TEST_F(Proxied, AToolAnswerThatIsCutIsUnknownAndItsCallWasDone) {
    strike_within_a_day(*mcp_, "cut=0");
    await_rest();
    ASSERT_TRUE(runner_.await_delivery());
    EXPECT_GE(rows("r.outcome = 'unknown' and c.id is not null"), 1);
    EXPECT_EQ(rows("r.outcome = 'unknown' and c.id is null"), 0) << "requests got through";
    recover(*mcp_);
}

TEST_F(Proxied, ToolsThatAreRefusedAreErrorsThatNeverLeft) {
    strike_within_a_day(*mcp_, "refuse");
    await_rest();
    ASSERT_TRUE(runner_.await_delivery());
    EXPECT_GE(rows("r.outcome = 'error' and r.never_left"), 1);
    recover(*mcp_);
}

TEST_F(Proxied, ToolsThatSayNothingAreUnknownWithinTheCallsDeadline) {
    strike_within_a_day(*mcp_, "half-open;way=down");
    // One call's deadline is enough; a whole day of them would take minutes.
    runner_.await_visit([](const base::Json& visit) { return visit.at("toolErrors") >= 1; });
    set(*mcp_, "none");
    await_rest();
    ASSERT_TRUE(runner_.await_delivery());
    EXPECT_GE(rows("r.outcome = 'unknown'"), 1);
    EXPECT_EQ(rows("r.outcome = 'ok' and c.id is null"), 0);
    recover(*mcp_);
}

TEST_F(Proxied, GarbledToolAnswersAreNeverOk) {
    const std::int64_t before = rows("true");
    strike_within_a_day(*mcp_, "garble=20");
    const std::int64_t good = audit_->count("select count(*) from workspace.calls");
    await_rest();
    ASSERT_TRUE(runner_.await_delivery());
    EXPECT_GT(rows("r.outcome = 'unknown'"), before);
    EXPECT_LE(rows("r.outcome = 'ok'"), good) << "what was answered before the fault";
    recover(*mcp_);
}

TEST_F(Proxied, SlowFarEndsOnlyCostTime) {
    strike_within_a_day(*mcp_, "delay=40");
    await_rest();
    EXPECT_EQ(rows("r.outcome = 'unknown'"), 0);
    recover(*mcp_);
    for (sim::Proxy* slow : {&*auth_, &behind_.proxy}) {
        set(*slow, "delay=25");
        EXPECT_EQ(runner_.tick_all().at("ranSuccessfully"), personas);
        EXPECT_TRUE(host_.is_well());
        ASSERT_TRUE(runner_.await_delivery()) << runner_.outbox().dump();
        EXPECT_EQ(e2e::told(audit_->when_delivered()), e2e::all_well);
        set(*slow, "none");
    }
    EXPECT_EQ(audit_->count("select count(*) from ops.visits where status <> 'finished'"), 0);
}

TEST_F(Proxied, RowsWaitWhileTheAuthServiceRefusesAndArriveOnce) {
    strike_within_a_day(*auth_, "refuse");
    ASSERT_TRUE(e2e::eventually([&] {
        return runner_.outbox().at("records") > 0 &&
               !runner_.outbox().at("lastError").get<std::string>().empty();
    })) << runner_.outbox().dump();
    recover(*auth_);
}

TEST_F(Proxied, DeliveriesWhoseAnswersAreCutAreRepeatedAndStoredOnce) {
    strike_within_a_day(*auth_, "cut=0");
    ASSERT_TRUE(e2e::eventually([&] {
        return audit_->count("select count(*) from ops.actions") > 0 &&
               runner_.outbox().at("records") > 0 &&
               !runner_.outbox().at("lastError").get<std::string>().empty();
    })) << runner_.outbox().dump();
    recover(*auth_);
}

TEST_F(Proxied, AnAuthServiceThatSaysNothingCostsTheLeaseAndItsVisitsAreSettled) {
    strike_within_a_day(*auth_, "half-open");
    ASSERT_TRUE(e2e::eventually([&] { return runner_.status().at("lease").at("held") == false; }))
        << runner_.status().dump();
    EXPECT_TRUE(runner_.status().at("running").empty()) << "without a lease nobody visits";
    recover(*auth_);
}

TEST_F(Proxied, GarbledAnswersOfTheAuthServiceAreNeverTaken) {
    strike_within_a_day(*auth_, "garble=15");
    ASSERT_TRUE(e2e::eventually([&] {
        return !runner_.outbox().at("lastError").get<std::string>().empty();
    })) << runner_.outbox().dump();
    recover(*auth_);
}

TEST_F(Proxied, GarbledDeliveriesAreRefusedAndComeAgain) {
    strike_within_a_day(*auth_, "garble=150;way=up");
    ASSERT_TRUE(e2e::eventually([&] {
        return !runner_.outbox().at("lastError").get<std::string>().empty();
    })) << runner_.outbox().dump();
    recover(*auth_);
    EXPECT_EQ(runner_.outbox().at("rejected"), 0);
}

TEST_F(Proxied, ADatabaseThatIsCutIsSurvived) {
    strike_within_a_day(behind_.proxy, "cut=200");
    ASSERT_TRUE(e2e::eventually([&] { return !host_.is_well(); }));
    recover(behind_.proxy);

    set(behind_.proxy, "refuse");
    const auto unreached = testing::HasSubstr("PostgreSQL cannot be reached");
    EXPECT_THAT(host_.ask("GET", "/health").body, unreached);
    EXPECT_THAT(runner_.ask("POST", "/diag/tick").body, unreached);
    set(behind_.proxy, "none");
    EXPECT_TRUE(e2e::eventually([&] { return host_.is_well() && runner_.is_well(); }));
}

TEST_F(Proxied, AGarbledDatabaseIsNeverBelieved) {
    strike_within_a_day(behind_.proxy, "garble=30");
    ASSERT_TRUE(e2e::eventually([&] { return !host_.is_well(); }));
    // Rarer errors leave the frames whole and change what stands in them.
    for (const char* fault : {"garble=137", "garble=200", "garble=311", "garble=523"}) {
        set(behind_.proxy, fault);
        for (int i = 0; i < 8; ++i) host_.ask("GET", "/status");
        ASSERT_EQ(host_.ask("GET", "/health/live").status, 200) << fault;
    }
    recover(behind_.proxy);
}

TEST_F(Proxied, ADatabaseThatSaysNothingHangsNobody) {
    strike_within_a_day(behind_.proxy, "half-open");
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(host_.ask("GET", "/health/live").status, 200) << "at once";
    const base::HttpResponse health = host_.ask("GET", "/health");
    EXPECT_EQ(health.status, 503);
    EXPECT_THAT(health.body, testing::HasSubstr("PostgreSQL does not answer"));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{10});
    recover(behind_.proxy);

    set(behind_.proxy, "half-open");
    EXPECT_EQ(runner_.stop(), 0);
    EXPECT_EQ(host_.stop(), 0) << "it ends, too";
}

}  // namespace
