// Runs simulated worlds by their seeds:
//
//   simulation --seeds 1..500        one line per failing seed, a summary, exit code 1 when any
//   fails simulation --seed 17 --trace     one seed, every event printed
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/log.hpp"
#include "tests/simulation/world.hpp"

namespace {

struct Wish {
    std::uint64_t first = 1, last = 1;
    bool trace = false;
    bool log = false;
};

constexpr const char* usage =
    "usage: simulation --seed N | --seeds A..B [--trace] [--log]\n"
    "  --seed N      run one seed\n"
    "  --seeds A..B  run the seeds from A to B\n"
    "  --trace       print every event of the simulated world\n"
    "  --log         let the runner log to stderr as well\n";

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<Wish> wish_of(int count, char** words) {
    Wish wish;
    bool seeded = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const std::string_view value = i + 1 < count ? words[i + 1] : "";
        if (word == "--trace") {
            wish.trace = true;
        } else if (word == "--log") {
            wish.log = true;
        } else if (word == "--seed" && number_in(value)) {
            wish.first = wish.last = *number_in(value);
            seeded = true;
            ++i;
        } else if (word == "--seeds") {
            const std::size_t dots = value.find("..");
            if (dots == std::string_view::npos) return std::nullopt;
            const auto first = number_in(value.substr(0, dots));
            const auto last = number_in(value.substr(dots + 2));
            if (!first || !last || *first > *last) return std::nullopt;
            wish.first = *first;
            wish.last = *last;
            seeded = true;
            ++i;
        } else {
            return std::nullopt;
        }
    }
    return seeded ? std::optional(wish) : std::nullopt;
}

}  // namespace

int main(int count, char** words) {
    const std::optional<Wish> wish = wish_of(count, words);
    if (!wish) {
        std::fputs(usage, stderr);
        return 2;
    }
    base::set_log_level(wish->log ? base::LogLevel::info : base::LogLevel::off);
    std::uint64_t failed = 0, hash = 0;
    simulation::Outcome sum;
    for (std::uint64_t seed = wish->first; seed <= wish->last; ++seed) {
        const simulation::Profile profile = simulation::profile_of(seed);
        const simulation::Outcome outcome = simulation::run_world(profile, wish->trace);
        hash = hash * 31 + outcome.hash;
        sum.events += outcome.events;
        sum.visits += outcome.visits;
        sum.finished += outcome.finished;
        sum.lost += outcome.lost;
        sum.calls += outcome.calls;
        sum.ratings += outcome.ratings;
        sum.lives += outcome.lives;
        if (outcome.violations.empty()) continue;
        ++failed;
        std::fputs(report_of(profile, outcome, words[0]).c_str(), stdout);
        std::fflush(stdout);
    }
    std::printf(
        "%llu seeds, %llu failed; %zu events, %d visits (%d finished, %d lost), %d calls, "
        "%d scores, %d lives; hash %016llx\n",
        static_cast<unsigned long long>(wish->last - wish->first + 1),
        static_cast<unsigned long long>(failed), sum.events, sum.visits, sum.finished, sum.lost,
        sum.calls, sum.ratings, sum.lives, static_cast<unsigned long long>(hash));
    return failed == 0 ? 0 : 1;
}
