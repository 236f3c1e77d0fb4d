#include "sim/dice.hpp"

namespace sim {

std::uint64_t hash_text(std::string_view text, std::uint64_t start) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ start;
    for (const char letter : text) {
        hash ^= static_cast<unsigned char>(letter);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

Dice::Dice(std::uint64_t seed, std::string_view about)
    : state_(hash_text(about, seed * 0x9e3779b97f4a7c15ULL)) {}

std::uint64_t Dice::roll() {
    // SplitMix64: short, well spread, and defined without the standard library's freedom.
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
}

std::size_t Dice::below(std::size_t limit) {
    return limit == 0 ? 0 : static_cast<std::size_t>(roll() % limit);
}

bool Dice::chance(double probability) {
    return static_cast<double>(roll() >> 11) * 0x1.0p-53 < probability;
}

}  // namespace sim
