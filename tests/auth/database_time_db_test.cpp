// Services on hosts whose clocks differ, or are set while they run, and one database.
#include "auth/personas/database_time.hpp"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/service.hpp"
#include "base/http.hpp"
#include "base/metrics.hpp"
#include "tests/auth/persona_support.hpp"

namespace tests {
namespace {

using std::chrono::abs;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The system's, set wrong by so much.
class WrongClock final : public base::Clock {
  public:
    base::Moment now() const override { return system_.now() + wrong.load(); }
    base::Steady steady() const override { return system_.steady(); }
    base::Duration idle_until(std::optional<base::Steady> next) override {
        return system_.idle_until(next);
    }
    bool is_driven() const override { return false; }

    std::atomic<std::chrono::microseconds> wrong{};

  private:
    base::SystemClock system_;
};

class DatabaseTimeTest : public PersonaTest {
  protected:
    base::Moment of_database() { return sql("select clock_timestamp() as now")[0].moment("now"); }
    static int beat(const auth::Service& service, const std::string& runner) {
        return base::fetch({.method = "POST",
                            .url = service.url() + "/api/v1/internal/runners/heartbeat",
                            .headers = {{"X-Service-Key", "dev-service-key"},
                                        {"Content-Type", "application/json"}},
                            .body = R"({"runnerId":")" + runner + R"(","node":")" + runner +
                                    R"(","leaseSeconds":60})"})
            .status;
    }
    static auth::Options options() {
        auth::Options options;
        options.port = 0;
        options.database_time = true;
        return options;
    }
};

TEST_F(DatabaseTimeTest, is_the_databases_whatever_the_clock_says) {
    WrongClock clock;
    clock.wrong = hours{-5};
    auth::DatabaseTime time(database_, clock, true);
    testing::internal::CaptureStderr();
    EXPECT_LT(abs(time.now() - of_database()), seconds{2});
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("clock differs"));
    clock.wrong = hours{24};  // Set while it runs: not even until the database is asked again.
    EXPECT_LT(abs(time.now() - of_database()), seconds{2});
    auth::DatabaseTime of_clock(database_, clock, false);
    EXPECT_GT(abs(of_clock.now() - of_database()), hours{23});
}

TEST_F(DatabaseTimeTest, a_host_whose_clock_is_ahead_declares_nobody_dead) {
    WrongClock clock, ahead;
    ahead.wrong = minutes{10};
    base::Metrics metrics;
    auth::Service here(database_, options(), clock, metrics);
    auth::Service there(database_, options(), ahead, metrics);
    here.start();
    there.start();
    EXPECT_EQ(beat(here, "one"), 200);
    EXPECT_EQ(beat(there, "two"), 200);
    EXPECT_EQ(beat(here, "one"), 200) << "her lease has just begun";
    EXPECT_EQ(count("select count(*) from auth.runners where dead"), 0);
}

}  // namespace
}  // namespace tests
