// How far a reader of the change log has come: one place per space, so that a space she joins later
// is read from its beginning. To clients a cursor is a word that they send back as they got it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace workspace {

// Behind the row of that transaction and number; 0/0: at the beginning.
struct SyncPlace {
    std::uint64_t transaction = 0;
    std::int64_t seq = 0;
    bool operator==(const SyncPlace&) const = default;
};

using SyncCursor = std::map<std::string, SyncPlace, std::less<>>;  // Space id -> place.

std::string cursor_text(const SyncCursor& cursor);
// Empty, or a time as the ancestor's clients send it: the beginning, which is always safe. Throws
// Failure::invalid for anything else that is none of ours.
SyncCursor read_cursor(std::string_view text);

}  // namespace workspace
