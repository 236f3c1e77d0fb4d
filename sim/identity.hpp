// Names for requests that are the same in each run of the same day: what the persona is and plans,
// how far her conversation is, and how often she asked this already. No id, no time, no order of
// arrival among conversations, so that chance derived from it strikes the same requests again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.hpp"

namespace sim {

// Not thread-safe; the owner locks.
class Identities {
  public:
    // `body`: the request, not normalized; anything but an object is named by its text.
    std::string next(const base::Json& body, std::string_view text);

  private:
    std::unordered_map<std::uint64_t, std::size_t> attempts_;
};

}  // namespace sim
