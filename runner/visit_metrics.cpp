#include "runner/visit_metrics.hpp"

#include <algorithm>

#include "runner/visit.hpp"

namespace runner {

namespace {

double seconds_of(std::chrono::milliseconds span) {
    return std::chrono::duration<double>(span).count();
}

base::Counter& token_counter(base::Metrics& metrics, const char* kind) {
    return metrics.counter("persona_tokens_total", "Tokens of ended visits by kind",
                           {{"kind", kind}});
}

}  // namespace

VisitMetrics::VisitMetrics(base::Metrics& metrics)
    : metrics_(metrics),
      lateness_(metrics.histogram("persona_visit_lateness_seconds",
                                  "From a persona's slot to the claim of her visit",
                                  {1, 10, 60, 300, 900, 3600, 6 * 3600, 24 * 3600})),
      seconds_(metrics.histogram("persona_visit_seconds", "Length of visits, whatever their end",
                                 {1, 5, 15, 30, 60, 120, 300, 600})),
      tick_seconds_(metrics.histogram("persona_tick_seconds",
                                      "From a tick's start until its last visit has ended",
                                      {0.1, 1, 10, 60, 300, 900, 3600})),
      turns_(metrics.counter("persona_turns_total", "Requests to the main model in ended visits")),
      cost_(metrics.counter("persona_cost_usd_total", "Cost of ended visits with known prices")),
      unpriced_(metrics.counter("persona_unpriced_visits_total",
                                "Ended visits whose model has no price")),
      input_(token_counter(metrics, "input")),
      output_(token_counter(metrics, "output")),
      cache_write_(token_counter(metrics, "cache_write")),
      cache_read_(token_counter(metrics, "cache_read")),
      cache_ratio_(metrics.gauge("persona_cache_read_ratio",
                                 "Share of all prompt tokens since the start that the model read "
                                 "from its cache")),
      prefix_(metrics.counter("persona_cache_prefix_tokens_total",
                              "Prompt tokens of main turns that the turn before had sent already")),
      prefix_read_(metrics.counter("persona_cache_prefix_read_tokens_total",
                                   "Those of them that the model read from its cache")),
      prefix_ratio_(metrics.gauge("persona_cache_prefix_ratio",
                                  "Share of what could come from the cache that did, since the "
                                  "start")),
      ratings_asked_(metrics.counter("persona_ratings_asked_total",
                                     "Ended visits that asked for their ratings")),
      rating_cost_(metrics.counter("persona_rating_cost_usd_total", "Cost of asking for them")),
      running_(metrics.gauge("persona_visits_running", "Visits that run now")) {}

void VisitMetrics::started(std::optional<std::chrono::milliseconds> lateness) {
    // Everybody's tick also takes personas who are not due yet: they are not late.
    if (lateness) lateness_.observe(std::max(0.0, seconds_of(*lateness)));
}

void VisitMetrics::ended(const VisitProgress& progress, catalog::VisitEnd::Status status,
                         catalog::VisitEnd::Source source, std::chrono::milliseconds took) {
    metrics_
        .counter("persona_visits_total", "Visits by how they ended here and whose failure it was",
                 {{"ending", std::string(catalog::word_of(status))},
                  {"source", std::string(catalog::word_of(source))}})
        .add();
    seconds_.observe(seconds_of(took));
    turns_.add(progress.turns);
    cost_.add(progress.cost_usd);
    if (progress.unpriced) unpriced_.add();
    input_.add(static_cast<double>(progress.tokens.input));
    output_.add(static_cast<double>(progress.tokens.output));
    cache_write_.add(static_cast<double>(progress.tokens.cache_write));
    cache_read_.add(static_cast<double>(progress.tokens.cache_read));
    const double prompts = input_.value() + cache_write_.value() + cache_read_.value();
    if (prompts > 0) cache_ratio_.set(cache_read_.value() / prompts);
    ratings_asked_.add(progress.asked_for_ratings ? 1 : 0);
    rating_cost_.add(progress.rating_cost_usd);
    prefix_.add(static_cast<double>(progress.prefix_tokens));
    prefix_read_.add(static_cast<double>(progress.prefix_tokens_read));
    if (prefix_.value() > 0) prefix_ratio_.set(prefix_read_.value() / prefix_.value());
}

void VisitMetrics::ticked(std::chrono::milliseconds took) {
    tick_seconds_.observe(seconds_of(took));
}

void VisitMetrics::running(std::size_t visits) {
    running_.set(static_cast<double>(visits));
}

}  // namespace runner
