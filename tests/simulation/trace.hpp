// What happened, in order, with the virtual time of each event. The hash stands for the whole; the
// last lines are kept to be shown beside a violation.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/clock.hpp"

namespace simulation {

class Trace {
  public:
    // `print`: every line goes to stdout at once.
    Trace(const base::Clock& clock, bool print)
        : clock_(clock), begin_(clock.steady()), print_(print) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    template <class... Parts>
    void add(fmt::format_string<Parts...> form, Parts&&... parts) {
        put(fmt::format(form, std::forward<Parts>(parts)...));
    }
    std::uint64_t hash() const { return hash_; }
    std::size_t events() const { return events_; }
    const std::deque<std::string>& recent() const { return recent_; }
    // "+0123.456": seconds since the start.
    std::string stamp() const {
        const double seconds = std::chrono::duration<double>(clock_.steady() - begin_).count();
        return fmt::format("+{:.6f}", seconds);
    }

  private:
    static constexpr std::size_t recent_max = 60;

    void put(const std::string& what) {
        std::string line = stamp() + ' ' + what;
        for (const char c : line) {  // FNV-1a
            hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
        }
        ++events_;
        if (print_) std::printf("%s\n", line.c_str());
        recent_.push_back(std::move(line));
        if (recent_.size() > recent_max) recent_.pop_front();
    }

    const base::Clock& clock_;
    const base::Steady begin_;
    const bool print_;
    std::uint64_t hash_ = 0xCBF29CE484222325ULL;
    std::size_t events_ = 0;
    std::deque<std::string> recent_;
};

}  // namespace simulation
