// Chance of the outbound side: jitter and ids. From the operating system, or from a seed, so that
// a whole run can be told again. Secrets never come from here: see base/crypto.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace base {

// Resource of the loop thread.
class Random {
  public:
    Random() = default;                                     // From the operating system.
    explicit Random(std::uint64_t seed) : engine_(seed) {}  // The same seed, the same sequence.
    Random(const Random&) = delete;
    Random& operator=(const Random&) = delete;

    std::uint64_t bits();
    double number01();   // In [0, 1).
    std::string uuid();  // Version 4.

  private:
    std::optional<std::mt19937_64> engine_;
};

}  // namespace base
