// Seeded chance: the same seed and the same words give the same rolls on every machine. Nothing
// here knows a clock, an id or an order of arrival.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sim {

std::uint64_t hash_text(std::string_view text, std::uint64_t start = 0);  // FNV-1a, 64 bits.

// A value: copying it forks the sequence.
class Dice {
  public:
    Dice(std::uint64_t seed, std::string_view about);

    std::uint64_t roll();
    std::size_t below(std::size_t limit);  // 0 … limit-1; 0 when limit is 0.
    bool chance(double probability);
    // One of the items; the list must not be empty.
    template <class List>
    const auto& pick(const List& list) {
        return list[below(std::size(list))];
    }

  private:
    std::uint64_t state_;
};

}  // namespace sim
