#include "base/random.hpp"

#include <cstring>

#include "base/crypto.hpp"

namespace base {

std::uint64_t Random::bits() {
    if (engine_) return (*engine_)();
    std::uint64_t number = 0;
    std::memcpy(&number, random_bytes(sizeof number).data(), sizeof number);
    return number;
}

// By hand: what std::uniform_real_distribution makes of an engine differs between libraries.
double Random::number01() {
    return static_cast<double>(bits() >> 11) * 0x1.0p-53;
}

std::string Random::uuid() {
    std::string bytes(16, '\0');
    for (const std::size_t place : {0, 8}) {
        const std::uint64_t number = bits();
        std::memcpy(bytes.data() + place, &number, sizeof number);
    }
    return uuid_of(bytes);
}

}  // namespace base
