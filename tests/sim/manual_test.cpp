#include "sim/manual.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/faults.hpp"

namespace {

using testing::HasSubstr;

TEST(Manual, names_every_fault_with_its_meaning) {
    const std::string text = sim::manual();
    for (const sim::FaultGroup& group : sim::fault_menu()) {
        EXPECT_THAT(text, HasSubstr(std::string(group.title)));
        for (const sim::FaultEntry& entry : group.entries) {
            EXPECT_THAT(text, HasSubstr("\n    " + std::string(entry.name)));
            EXPECT_THAT(text, HasSubstr(std::string(entry.meaning)));
        }
    }
}

TEST(Manual, names_endpoints_headers_and_what_is_judged) {
    const std::string text = sim::manual();
    for (const char* word :
         {"/v1/messages", "/v1/models", "/sim/faults", "/sim/requests", "/sim/verdict", "/health",
          "x-sim-fault", "x-api-key", "anthropic-version", "retry-after", "probability",
          "rewritten", "early", "concurrent", "doubled", "costUsd", "--fault", "--seed"}) {
        EXPECT_THAT(text, HasSubstr(word));
    }
}

}  // namespace
