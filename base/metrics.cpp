#include "base/metrics.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace base {

namespace {

constexpr std::size_t metrics_label_sets_max = 1'000;

void metrics_add(std::atomic<double>& sum, double amount) {
    double old = sum.load(std::memory_order_relaxed);
    while (!sum.compare_exchange_weak(old, old + amount, std::memory_order_relaxed)) {
    }
}

std::string metrics_number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

std::string metrics_escaped(std::string_view text, bool quotes) {
    std::string result;
    for (char c : text) {
        if (c == '\\')
            result += "\\\\";
        else if (c == '\n')
            result += "\\n";
        else if (c == '"' && quotes)
            result += "\\\"";
        else
            result += c;
    }
    return result;
}

// `server="auth",route="/x"`; sorted by name, so that the order of asking does not matter.
std::string metrics_labels(MetricLabels labels) {
    std::ranges::sort(labels);
    std::string text;
    for (const auto& [name, value] : labels) {
        if (!text.empty()) text += ',';
        text += name + "=\"" + metrics_escaped(value, true) + "\"";
    }
    return text;
}

std::string metrics_sample(std::string_view name, std::string_view labels, double value) {
    std::string braces = labels.empty() ? "" : fmt::format("{{{}}}", labels);
    return fmt::format("{}{} {}\n", name, braces, metrics_number(value));
}

}  // namespace

struct Metrics::Family {
    std::string help;
    std::string type;
    std::map<std::string, std::unique_ptr<Counter>> counters;
    std::map<std::string, std::unique_ptr<Gauge>> gauges;
    std::map<std::string, std::unique_ptr<Histogram>> histograms;

    // The series of the labels, made when missing, or the overflow series.
    template <class Series, class Make>
    static Series& series(std::map<std::string, std::unique_ptr<Series>>& all, MetricLabels labels,
                          Make make) {
        std::string key = metrics_labels(std::move(labels));
        if (!all.contains(key) && all.size() >= metrics_label_sets_max) key = "overflow=\"true\"";
        std::unique_ptr<Series>& place = all[key];
        if (!place) place = make();
        return *place;
    }
};

void Counter::add(double amount) {
    require(amount >= 0, "a counter only grows");
    metrics_add(value_, amount);
}

void Gauge::add(double amount) {
    metrics_add(value_, amount);
}

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
    require(std::ranges::is_sorted(bounds_), "a histogram's bounds ascend");
}

void Histogram::observe(double value, std::uint64_t times) {
    auto place = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
    counts_[static_cast<std::size_t>(place)].fetch_add(times, std::memory_order_relaxed);
    metrics_add(sum_, value * static_cast<double>(times));
    double largest = max_.load(std::memory_order_relaxed);
    while (value > largest &&
           !max_.compare_exchange_weak(largest, value, std::memory_order_relaxed)) {
    }
}

double Histogram::quantile(double q) const {
    double all = 0;
    for (const auto& count : counts_) {
        all += static_cast<double>(count.load(std::memory_order_relaxed));
    }
    double seen = 0;
    for (std::size_t i = 0; i < bounds_.size() && all > 0; ++i) {
        seen += static_cast<double>(counts_[i].load(std::memory_order_relaxed));
        if (seen >= q * all) return std::min(bounds_[i], max());
    }
    return max();
}

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help,
                                 std::string_view type) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        auto made = std::make_unique<Family>();
        made->help = help;
        made->type = type;
        found = families_.emplace(std::string(name), std::move(made)).first;
    }
    require(found->second->type == type, "a metric's name keeps its type");
    return *found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Family::series(family(name, help, "counter").counters, std::move(labels),
                          [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Family::series(family(name, help, "gauge").gauges, std::move(labels),
                          [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help,
                              std::vector<double> bounds, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Family::series(family(name, help, "histogram").histograms, std::move(labels),
                          [&] { return std::make_unique<Histogram>(std::move(bounds)); });
}

std::string Metrics::text() const {
    std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [name, family] : families_) {
        out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name,
                           metrics_escaped(family->help, false), name, family->type);
        for (const auto& [labels, counter] : family->counters)
            out += metrics_sample(name, labels, counter->value());
        for (const auto& [labels, gauge] : family->gauges)
            out += metrics_sample(name, labels, gauge->value());
        for (const auto& [labels, histogram] : family->histograms) {
            // Buckets are cumulative; the count is their last one, so that text never contradicts
            // itself while others observe.
            double count = 0;
            std::string lead = labels.empty() ? "" : labels + ",";
            for (std::size_t i = 0; i < histogram->counts_.size(); ++i) {
                count += static_cast<double>(histogram->counts_[i].load(std::memory_order_relaxed));
                std::string bound =
                    i < histogram->bounds_.size() ? metrics_number(histogram->bounds_[i]) : "+Inf";
                out += metrics_sample(name + "_bucket", lead + "le=\"" + bound + "\"", count);
            }
            out += metrics_sample(name + "_sum", labels,
                                  histogram->sum_.load(std::memory_order_relaxed));
            out += metrics_sample(name + "_count", labels, count);
        }
    }
    return out;
}

}  // namespace base
