#include "runner/places.hpp"

#include <gtest/gtest.h>

namespace {

using clients::Space;
using runner::draw_places;
using runner::Places;

Space place_space(const std::string& id, const std::string& type, double weight) {
    return {.id = id, .name = "Name of " + id, .slug = id, .type = type, .visit_weight = weight};
}

TEST(Places, AreDrawnByTheWeightsOfSharedSpaces) {
    const std::vector<Space> spaces = {place_space("own", "personal", 1),
                                       place_space("flat", "family", 0.3),
                                       place_space("team", "team", 0.2)};
    int flat = 0, team = 0;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
        const Places places = draw_places({{"todo", 1.0}}, spaces, seed);
        if (places.empty()) continue;
        (places.at("todo").id == "flat" ? flat : team) += 1;
        EXPECT_NE(places.at("todo").id, "own");
    }
    EXPECT_NEAR(flat, 600, 80);
    EXPECT_NEAR(team, 400, 80);
}

TEST(Places, AreTheSameForTheSameSeedAndDifferByModule) {
    const std::vector<Space> spaces = {place_space("flat", "family", 0.5)};
    const catalog::ModuleMix mix = {{"todo", 0.1}, {"notes", 0.1}, {"mood", 0.1}, {"habits", 0.1}};
    bool mixed = false;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Places places = draw_places(mix, spaces, seed);
        EXPECT_EQ(places.size(), draw_places(mix, spaces, seed).size());
        mixed = mixed || (!places.empty() && places.size() < mix.size());
    }
    EXPECT_TRUE(mixed);
}

TEST(Places, AreHerOwnWithoutSharedOnes) {
    EXPECT_TRUE(draw_places({{"todo", 1.0}}, {place_space("own", "personal", 1)}, 1).empty());
    EXPECT_TRUE(draw_places({{"todo", 1.0}}, {place_space("flat", "family", 0)}, 1).empty());
    EXPECT_EQ(draw_places({{"todo", 1.0}}, {place_space("flat", "family", 1)}, 1).size(), 1u);
}

}  // namespace
