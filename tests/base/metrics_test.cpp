#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace {

using base::Metrics;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, SameNameAndLabelsAreTheSameSeries) {
    Metrics metrics;
    base::Counter& one = metrics.counter("visits_total", "Visits.", {{"a", "1"}, {"b", "2"}});
    base::Counter& two = metrics.counter("visits_total", "Other.", {{"b", "2"}, {"a", "1"}});
    EXPECT_EQ(&one, &two);
    EXPECT_NE(&one, &metrics.counter("visits_total", "Visits.", {{"a", "2"}, {"b", "2"}}));
}

TEST(Metrics, TextIsPrometheus) {
    Metrics metrics;
    metrics.counter("visits_total", "Visits.\nAll.", {{"status", "a\"b\\c\nd"}}).add(3);
    metrics.gauge("running", "Now.").set(2.5);
    EXPECT_EQ(metrics.text(),
              "# HELP running Now.\n# TYPE running gauge\nrunning 2.5\n"
              "# HELP visits_total Visits.\\nAll.\n# TYPE visits_total counter\n"
              "visits_total{status=\"a\\\"b\\\\c\\nd\"} 3\n");
}

TEST(Metrics, HistogramIsCumulativeAndItsBoundsAreInclusive) {
    Metrics metrics;
    base::Histogram& times = metrics.histogram("seconds", "Time.", {0.1, 1});
    for (double value : {0.05, 0.1, 0.5, 1.0, 9.0}) times.observe(value);
    std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"0.1\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"1\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("seconds_bucket{le=\"+Inf\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("seconds_count 5\n"));
    EXPECT_THAT(text, HasSubstr("seconds_sum 10.65\n"));
}

TEST(Metrics, HistogramKnowsItsQuantilesAndItsLargestValue) {
    base::Histogram times({0.01, 0.1, 1});
    EXPECT_EQ(times.quantile(0.5), 0);
    times.observe(0, 98);
    times.observe(0.05);
    times.observe(7);
    EXPECT_EQ(times.quantile(0.5), 0.01);
    EXPECT_EQ(times.quantile(0.98), 0.01);
    EXPECT_EQ(times.quantile(0.99), 0.1);
    EXPECT_EQ(times.quantile(1), 7);
    EXPECT_EQ(times.max(), 7);
    EXPECT_DOUBLE_EQ(times.sum(), 7.05);
    EXPECT_EQ(base::Histogram({1}).quantile(1), 0);
}

TEST(Metrics, LabelSetsAreBounded) {
    Metrics metrics;
    for (int i = 0; i < 1'500; ++i)
        metrics.counter("paths_total", "Paths.", {{"path", std::to_string(i)}}).add();
    std::string text = metrics.text();
    EXPECT_THAT(text, HasSubstr("paths_total{overflow=\"true\"} 500\n"));
    EXPECT_THAT(text, HasSubstr("path=\"999\"} 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("path=\"1000\"")));
}

TEST(Metrics, ManyThreadsLoseNoCount) {
    Metrics metrics;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 10'000; ++j) {
                metrics.counter("n_total", "N.").add();
                metrics.gauge("g", "G.").add(j % 2 == 0 ? 1 : -1);
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(metrics.counter("n_total", "N.").value(), 40'000);
    EXPECT_EQ(metrics.gauge("g", "G.").value(), 0);
}

TEST(MetricsDeathTest, ACounterNeverFallsAndANameKeepsItsType) {
    Metrics metrics;
    metrics.counter("a_total", "A.");
    EXPECT_DEATH(metrics.counter("a_total", "A.").add(-1), "counter only grows");
    EXPECT_DEATH(metrics.gauge("a_total", "A."), "keeps its type");
}

}  // namespace
