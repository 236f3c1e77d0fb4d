#include "base/random.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace base {

TEST(Random, TheSameSeedTellsTheSameStory) {
    Random first{7};
    Random second{7};
    Random other{8};
    EXPECT_EQ(first.uuid(), second.uuid());
    EXPECT_EQ(first.number01(), second.number01());
    EXPECT_NE(first.uuid(), other.uuid());
}

TEST(Random, ASeedMeansTheSameNumbersForEver) {
    Random random{1};
    EXPECT_EQ(random.uuid(), "686f68bb-5fbd-4522-8efa-18235092eb22");
    EXPECT_DOUBLE_EQ(random.number01(), 0.45121490384453811);
}

TEST(Random, NumbersFillTheUnitInterval) {
    Random random{1};
    double low = 1;
    double high = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double number = random.number01();
        ASSERT_GE(number, 0.0);
        ASSERT_LT(number, 1.0);
        low = std::min(low, number);
        high = std::max(high, number);
    }
    EXPECT_LT(low, 0.01);
    EXPECT_GT(high, 0.99);
}

TEST(Random, IdsFromTheOperatingSystemDifferAndAreVersionFour) {
    Random random;
    std::set<std::string> seen;
    for (int i = 0; i < 1'000; ++i) {
        const std::string id = random.uuid();
        ASSERT_EQ(id.size(), 36U);
        ASSERT_EQ(id[14], '4');
        ASSERT_TRUE(std::string("89ab").find(id[19]) != std::string::npos) << id;
        seen.insert(id);
    }
    EXPECT_EQ(seen.size(), 1'000U);
}

}  // namespace base
