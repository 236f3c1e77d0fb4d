// The product does not answer: the visit fails as the product's failure, and nobody hammers it.
#include "tests/e2e/world.hpp"

namespace {

class Product : public e2e::World {};

TEST_F(Product, ThatIsDownFailsTheVisitWithItsSourceAndIsNotTriedAgainAtOnce) {
    e2e::Daemon runner(e2e::joined(
        model().variables(),
        {{"MANA_AUTH_URL", daemon().auth_url()}, {"MANA_MCP_URL", "http://127.0.0.1:9/mcp"}}));
    runner.start();
    ASSERT_FALSE(HasFatalFailure());
    const base::Json result = runner.tick_all();
    EXPECT_EQ(result.at("ranSuccessfully"), 0);
    EXPECT_EQ(result.at("failed").size(), personas) << result.dump();
    ASSERT_TRUE(runner.await_delivery());
    EXPECT_EQ(endings(), (std::map<std::string, int>{{"failed/product", personas}}));
    EXPECT_EQ(daemon().count("select count(*) from auth.personas where next_due_at <= now()"), 0);
    EXPECT_EQ(daemon().count("select count(*) from auth.personas where retry_slot is not null"),
              static_cast<std::int64_t>(personas))
        << "each of them will be tried again";

    // The product is back: the same personas live their day.
    EXPECT_EQ(daemon().tick_all().at("ranSuccessfully"), personas);
}

}  // namespace
