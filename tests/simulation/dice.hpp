// Chance of the simulated world: everything that happens by chance comes from such dice, each
// thrown by one part of the world, so that a seed tells the whole story again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace simulation {

class Dice {
  public:
    // `name` keeps the parts' chances apart although they come from one seed.
    Dice(std::uint64_t seed, std::uint64_t name)
        : random_(seed * 0x9E3779B97F4A7C15ULL + name * 0xBF58476D1CE4E5B9ULL) {}

    bool chance(double probability) { return random_.number01() < probability; }
    // From `low` to `high`, both included.
    int between(int low, int high) {
        const auto span = static_cast<std::uint64_t>(high - low + 1);
        return low + static_cast<int>(random_.bits() % span);
    }
    std::chrono::milliseconds time(std::chrono::milliseconds low, std::chrono::milliseconds high) {
        return low + std::chrono::milliseconds(static_cast<std::int64_t>(
                         random_.number01() * static_cast<double>((high - low).count())));
    }
    template <class List>
    const auto& pick(const List& list) {
        return list[static_cast<std::size_t>(between(0, static_cast<int>(std::size(list)) - 1))];
    }
    base::Random& random() { return random_; }

  private:
    base::Random random_;
};

}  // namespace simulation
