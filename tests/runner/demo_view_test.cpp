// The line of running personas that the demo redraws: it must never reach the terminal's next row.
#include "runner/demo_view.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace {

using base::Json;

Json view_visits(std::size_t count) {
    Json running = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
        running.push_back({{"persona", "jörg" + std::to_string(i)},
                           {"turn", 3},
                           {"toolCalls", 12},
                           {"lastTool", "todo.create"}});
    }
    return running;
}

TEST(DemoView, TheLineNamesEverybodyWhereThereIsRoom) {
    EXPECT_EQ(runner::progress_line(view_visits(2), 79), "jörg0 3·12  jörg1 3·12");
    EXPECT_EQ(runner::progress_line(view_visits(0), 79), "");
}

TEST(DemoView, TheLineSaysHowManyDoNotFit) {
    EXPECT_EQ(runner::progress_line(view_visits(10), 40), "jörg0 3·12  jörg1 3·12  jörg2 3·12  +7");
    EXPECT_EQ(runner::progress_line(view_visits(10), 5), "+10");
}

TEST(DemoView, TheLineIsNeverLongerThanTheTerminalNorBroken) {
    for (std::size_t columns = 0; columns < 120; ++columns) {
        const std::string line = runner::progress_line(view_visits(10), columns);
        EXPECT_LE(base::characters(line), columns) << line;
        EXPECT_TRUE(base::is_valid_utf8(line)) << line;
    }
}

}  // namespace
