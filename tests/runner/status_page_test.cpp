// What `status` says when nothing happens: each reason has its line.
#include "runner/status_page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catalog/standing.hpp"

namespace {

using base::Json;
using runner::holds_text;
using runner::status_page;
using testing::HasSubstr;
using testing::Not;

Json well_status() {
    return {{"enabled", true},
            {"paused", false},
            {"claiming", true},
            {"running", Json::array()},
            {"lease", {{"held", true}, {"lastError", ""}}},
            {"outbox", {{"visits", 2}, {"records", 7}, {"refusal", ""}, {"lastError", ""}}},
            {"modelStopped", nullptr},
            {"budget", nullptr},
            {"tick", nullptr},
            {"lastTick", {{"due", 3}, {"ranSuccessfully", 2}, {"failed", Json::array({1})}}},
            {"lastTickAt", "2026-11-21T09:30:00Z"}};
}

std::string page_with(const Json& changes) {
    Json status = well_status();
    status.merge_patch(changes);
    return status_page(status);
}

TEST(StatusPage, WhenAllIsWellItSaysLittle) {
    EXPECT_EQ(status_page(well_status()),
              "lease   held\noutbox  2 visits, 7 records waiting\n"
              "last tick 2026-11-21T09:30:00Z: 3 due, 2 ran, 1 failed\n");
}

TEST(StatusPage, EachReasonWhyNothingHappensHasItsLine) {
    EXPECT_THAT(page_with({{"paused", true}}), HasSubstr("RUNNER_PAUSED"));
    EXPECT_THAT(page_with({{"claiming", false}}), HasSubstr("draining"));
    EXPECT_THAT(page_with({{"enabled", false}, {"reason", "ANTHROPIC_API_KEY is not set"}}),
                HasSubstr("visits disabled: ANTHROPIC_API_KEY"));
    EXPECT_THAT(page_with({{"outbox", {{"refusal", "the outbox is full"}}}}),
                HasSubstr("stopped outbox: the outbox is full"));
    EXPECT_THAT(page_with({{"outbox", {{"lastError", "auth answered 500"}}}}),
                HasSubstr("not delivered: auth answered 500"));
    EXPECT_THAT(page_with({{"lease", {{"held", false}, {"lastError", "refused"}}}}),
                HasSubstr("lease   not held: refused"));
    EXPECT_THAT(page_with({{"modelStopped", "a cap"}}), HasSubstr("stopped a cap"));
    EXPECT_THAT(page_with({{"modelHeld", {{"ms", 97'200}, {"reason", "claude answered 429"}}}}),
                HasSubstr("waits   all calls of the model, 98 s more: claude answered 429"));
    EXPECT_THAT(page_with({{"budget", {{"stopped", "budget: x"}}}}),
                HasSubstr("stopped budget: x"));
    EXPECT_THAT(page_with({{"standing", {{"error", "no answer"}}}}),
                HasSubstr("paused  unknown: no answer"));
}

TEST(StatusPage, VisitsSetAsideAreShownWhenThereAreSome) {
    EXPECT_THAT(page_with({{"outbox", {{"rejected", 0}, {"broken", 0}}}}),
                Not(HasSubstr("set aside")));
    EXPECT_THAT(page_with({{"outbox", {{"rejected", 2}, {"broken", 1}}}}),
                HasSubstr("set aside: 2 rejected, 1 broken"));
}

TEST(StatusPage, ATickUnderWayIsNotMistakenForTheLastOne) {
    const std::string page = page_with(
        {{"tick", {{"due", 4}, {"ranSuccessfully", 1}, {"failed", Json::array()}, {"open", 3}}}});
    EXPECT_THAT(page,
                HasSubstr("tick 2026-11-21T09:30:00Z: 4 due, 1 ran, 0 failed, 3 still run\n"));
    EXPECT_THAT(page, Not(HasSubstr("last tick")));
}

TEST(StatusPage, WhoIsHeldIsNamed) {
    const base::Moment since = *base::from_iso("2026-11-20T08:00:00Z");
    catalog::Standing standing;
    standing.pauses_count = 1;
    standing.pauses.push_back({.whom = {}, .since = since});
    Json status = well_status();
    EXPECT_EQ(holds_text(status), "");
    status["standing"] = catalog::to_json(standing);
    EXPECT_THAT(holds_text(status), HasSubstr("paused  everybody since 2026-11-20T08:00:00"));
    EXPECT_THAT(status_page(status), HasSubstr("paused  everybody"));
}

}  // namespace
