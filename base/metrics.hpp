// Counters that both sides may bump, and their text for Prometheus. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
  public:
    void add(double amount = 1);
    double value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> value_{0};
};

class Gauge {
  public:
    void set(double value) { value_.store(value, std::memory_order_relaxed); }
    void add(double amount);
    double value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> value_{0};
};

class Histogram {
  public:
    explicit Histogram(std::vector<double> bounds);
    void observe(double value, std::uint64_t times = 1);

    // The bound that the share `q` (0..1) of what was observed does not pass: the largest value
    // seen when that lies beyond the last bound, 0 when nothing was observed.
    double quantile(double q) const;
    double sum() const { return sum_.load(std::memory_order_relaxed); }
    double max() const { return max_.load(std::memory_order_relaxed); }

  private:
    friend class Metrics;
    std::vector<double> bounds_;  // Ascending, without +Inf.
    std::vector<std::atomic<std::uint64_t>> counts_;
    std::atomic<double> sum_{0};
    std::atomic<double> max_{0};
};

// Resource. Series live as long as it does; asking again for the same name and labels answers the
// same series. Names follow Prometheus (`_total`, `_seconds`); the help of the first call wins. At
// most 1,000 label sets per name: further ones share the label set {overflow="true"}.
class Metrics {
  public:
    Counter& counter(std::string_view name, std::string_view help, MetricLabels labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, MetricLabels labels = {});
    Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                         MetricLabels labels = {});

    std::string text() const;  // Prometheus text format 0.0.4.

  private:
    struct Family;
    Family& family(std::string_view name, std::string_view help, std::string_view type);

    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;

  public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();
};

}  // namespace base
