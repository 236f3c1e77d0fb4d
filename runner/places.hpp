// Where a visit works: in her personal space or in a shared one, decided once per module and visit,
// so that ids of one call are good in the next. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "catalog/persona.hpp"
#include "clients/auth.hpp"

namespace runner {

// Module -> the shared space in which she uses it today; the others she uses in her own. Each
// module is drawn by the weights of the shared spaces (the rest of 1 is her own); the same seed
// draws the same places.
using Places = std::map<std::string, clients::Space>;

Places draw_places(const catalog::ModuleMix& modules, const std::vector<clients::Space>& spaces,
                   std::uint64_t seed);

}  // namespace runner
