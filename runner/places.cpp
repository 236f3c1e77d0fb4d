#include "runner/places.hpp"

#include <cstring>

#include "base/crypto.hpp"

namespace runner {

namespace {

// A number in [0, 1) that is the same on every machine.
double places_fraction(const std::string& module, std::uint64_t seed) {
    const auto digest = base::sha256(module + "/" + std::to_string(seed));
    std::uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof number);
    return static_cast<double>(number >> 11) / 9007199254740992.0;
}

}  // namespace

Places draw_places(const catalog::ModuleMix& modules, const std::vector<clients::Space>& spaces,
                   std::uint64_t seed) {
    Places places;
    for (const auto& [module, unused] : modules) {
        double dart = places_fraction(module, seed);
        for (const clients::Space& space : spaces) {
            if (space.type == "personal" || space.visit_weight <= 0) continue;
            if (dart < space.visit_weight) {
                places.emplace(module, space);
                break;
            }
            dart -= space.visit_weight;
        }
    }
    return places;
}

}  // namespace runner
