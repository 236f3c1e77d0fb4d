// Any answer to the rating question: one row per module, a score exactly when rated.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runner/ratings.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const runner::RatingQuestion question{"visit", {"todo", "notes"}, 5};
    const auto rows = runner::read_ratings(question, {reinterpret_cast<const char*>(data), size});
    if (rows.size() != 2 && rows.size() != 3) std::abort();
    for (const catalog::Rating& row : rows) {
        const bool rated = row.status == catalog::Rating::Status::rated;
        if (rated != row.score.has_value()) std::abort();
        if (row.score && (*row.score < 1 || *row.score > 5)) std::abort();
        for (const int seq : row.evidence) {
            if (seq < 1 || seq > 5) std::abort();
        }
    }
    return 0;
}
