#include "runner/visit_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/visit.hpp"

namespace {

using catalog::VisitEnd;
using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(VisitMetrics, VisitsAreCountedByEndingAndByWhoseFailureItWas) {
    base::Metrics metrics;
    runner::VisitMetrics visits(metrics);

    visits.ended({}, VisitEnd::Status::finished, VisitEnd::Source::none, milliseconds{1'500});
    visits.ended({}, VisitEnd::Status::partial, VisitEnd::Source::model, milliseconds{700});
    visits.ended({}, VisitEnd::Status::partial, VisitEnd::Source::model, milliseconds{700});

    const std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("persona_visits_total{ending=\"finished\",source=\"none\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("persona_visits_total{ending=\"partial\",source=\"model\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("persona_visit_seconds_bucket{le=\"1\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("persona_visit_seconds_count 3\n"));
}

TEST(VisitMetrics, TokensCostAndCacheRatioAddUpOverVisits) {
    base::Metrics metrics;
    runner::VisitMetrics visits(metrics);
    runner::VisitProgress progress;
    progress.turns = 4;
    progress.cost_usd = 0.25;
    progress.tokens = {.input = 100, .output = 40, .cache_write = 100, .cache_read = 200};

    visits.ended(progress, VisitEnd::Status::finished, VisitEnd::Source::none, milliseconds{1});
    progress.unpriced = true;
    progress.tokens.cache_read = 400;
    visits.ended(progress, VisitEnd::Status::finished, VisitEnd::Source::none, milliseconds{1});

    const std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("persona_turns_total 8\n"));
    EXPECT_THAT(text, HasSubstr("persona_cost_usd_total 0.5\n"));
    EXPECT_THAT(text, HasSubstr("persona_unpriced_visits_total 1\n"));
    EXPECT_THAT(text, HasSubstr("persona_tokens_total{kind=\"cache_read\"} 600\n"));
    EXPECT_THAT(text, HasSubstr("persona_tokens_total{kind=\"output\"} 80\n"));
    EXPECT_THAT(text, HasSubstr("persona_cache_read_ratio 0.6\n"));
}

TEST(VisitMetrics, AClaimBeforeTheSlotIsNotLateAndAnUnknownOneIsNotCounted) {
    base::Metrics metrics;
    runner::VisitMetrics visits(metrics);

    visits.started(milliseconds{90'000});
    visits.started(milliseconds{-5});
    visits.started(std::nullopt);

    const std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("persona_visit_lateness_seconds_sum 90\n"));
    EXPECT_THAT(text, HasSubstr("persona_visit_lateness_seconds_count 2\n"));
}

}  // namespace
