// What a benchmark program has used so far, and what it reports: both sides measure the same way.
#pragma once

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fmt/format.h>

namespace bench {

inline double cpu_seconds(int whose) {
    rusage usage{};
    ::getrusage(whose, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// In KiB, from the kernel's own counters of this process; `name` is VmRSS or VmHWM (its peak).
inline long memory_kib(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
    }
    return 0;
}

// The peak counts from here on.
inline void forget_peak() {
    std::ofstream("/proc/self/clear_refs") << "5";
}

// Descriptors that are open now, as the kernel counts them (where it does not, they are listed).
inline long open_files() {
    struct stat folder{};
    if (::stat("/proc/self/fd", &folder) == 0 && folder.st_size > 0) return folder.st_size;
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
}

inline void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// From its construction until report(), both on the same thread: CPU, time and memory. Of the
// runner, the other threads are the one that writes to the disk.
class Measure {
  public:
    Measure()
        : cpu_(cpu_seconds(RUSAGE_SELF)),
          own_cpu_(cpu_seconds(RUSAGE_THREAD)),
          began_(std::chrono::steady_clock::now()),
          memory_((forget_peak(), memory_kib("VmRSS"))) {}

    // One line of JSON: what scripts/bench reads. `more`: members that only one side has, each
    // with a comma before it.
    std::string report(int visits, int concurrency, long exchanges,
                       const std::string& more = {}) const {
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began_;
        const double cpu = cpu_seconds(RUSAGE_SELF) - cpu_;
        const double others = cpu - (cpu_seconds(RUSAGE_THREAD) - own_cpu_);
        return fmt::format(
            R"({{"visits":{},"concurrency":{},"cpu_ms_per_visit":{:.3f},)"
            R"("other_threads_ms_per_visit":{:.3f},"seconds":{:.3f},"visits_per_second":{:.1f},)"
            R"("kb_per_visit":{:.1f},"exchanges_per_visit":{:.1f}{}}})",
            visits, concurrency, cpu * 1000 / visits, others * 1000 / visits, wall.count(),
            visits / wall.count(),
            static_cast<double>(memory_kib("VmHWM") - memory_) * 1.024 /
                std::min(visits, concurrency),
            static_cast<double>(exchanges) / visits, more);
    }

  private:
    double cpu_;
    double own_cpu_;
    std::chrono::steady_clock::time_point began_;
    long memory_;
};

}  // namespace bench
