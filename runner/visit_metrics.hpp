// What operators can graph of visits; one place, so that every ending is counted alike. Loop
// thread.
#pragma once

#include <chrono>
#include <optional>

#include "base/metrics.hpp"
#include "catalog/record.hpp"

namespace runner {

struct VisitProgress;

// Resource; the series live in `metrics`.
class VisitMetrics {
  public:
    explicit VisitMetrics(base::Metrics& metrics);
    VisitMetrics(const VisitMetrics&) = delete;
    VisitMetrics& operator=(const VisitMetrics&) = delete;

    // `lateness`: between the slot and the claim.
    void started(std::optional<std::chrono::milliseconds> lateness);
    void ended(const VisitProgress& progress, catalog::VisitEnd::Status status,
               catalog::VisitEnd::Source source, std::chrono::milliseconds took);
    void ticked(std::chrono::milliseconds took);
    void running(std::size_t visits);

  private:
    base::Metrics& metrics_;
    base::Histogram& lateness_;
    base::Histogram& seconds_;
    base::Histogram& tick_seconds_;
    base::Counter& turns_;
    base::Counter& cost_;
    base::Counter& unpriced_;
    base::Counter& input_;
    base::Counter& output_;
    base::Counter& cache_write_;
    base::Counter& cache_read_;
    base::Gauge& cache_ratio_;
    base::Counter& prefix_;
    base::Counter& prefix_read_;
    base::Gauge& prefix_ratio_;
    base::Counter& ratings_asked_;
    base::Counter& rating_cost_;
    base::Gauge& running_;
};

}  // namespace runner
