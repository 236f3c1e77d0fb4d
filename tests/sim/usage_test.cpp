#include "sim/usage.hpp"

#include <gtest/gtest.h>

#include "sim/model.hpp"
#include "sim/wire.hpp"
#include "tests/sim/conversation_support.hpp"

namespace {

using base::Json;
using std::chrono::minutes;

const base::Moment usage_start{std::chrono::hours(500'000)};

const sim::Model& usage_model() {
    return *sim::find_model("claude-sonnet-5-5");
}

Json usage_mark(const char* ttl = "5m") {
    return {{"type", "ephemeral"}, {"ttl", ttl}};
}

Json usage_body(std::size_t system_bytes) {
    Json body = sim_tests::minimal_body();
    body["system"] = Json::array({{{"type", "text"},
                                   {"text", std::string(system_bytes, 'a')},
                                   {"cache_control", usage_mark()}}});
    return body;
}

sim::Usage usage_ask(sim::PrefixCache& cache, Json body, base::Moment now,
                     const std::string& owner = "key", bool commit = true) {
    sim::normalize(body);
    const auto blocks = sim::prompt_blocks(body, usage_model());
    const sim::CachePlan plan = cache.plan(blocks, usage_model(), owner, now);
    EXPECT_EQ(plan.usage.prompt(), sim::prompt_tokens(blocks));
    if (commit) cache.commit(plan);
    return plan.usage;
}

TEST(Usage, second_request_reads_what_the_first_wrote) {
    sim::PrefixCache cache;
    const sim::Usage first = usage_ask(cache, usage_body(9000), usage_start);
    EXPECT_EQ(first.read, 0);
    EXPECT_GT(first.written_5m, 3000);
    EXPECT_GT(first.input, 0);
    const sim::Usage second = usage_ask(cache, usage_body(9000), usage_start + minutes(1));
    EXPECT_EQ(second.read, first.written_5m);
    EXPECT_EQ(second.written_5m, 0);
}

TEST(Usage, entry_is_visible_only_after_its_writer_answered) {
    sim::PrefixCache cache;
    usage_ask(cache, usage_body(9000), usage_start, "key", false);
    EXPECT_EQ(usage_ask(cache, usage_body(9000), usage_start).read, 0);
}

TEST(Usage, entries_expire_and_reading_refreshes) {
    sim::PrefixCache cache;
    usage_ask(cache, usage_body(9000), usage_start);
    EXPECT_GT(usage_ask(cache, usage_body(9000), usage_start + minutes(4)).read, 0);
    EXPECT_GT(usage_ask(cache, usage_body(9000), usage_start + minutes(8)).read, 0);
    EXPECT_EQ(usage_ask(cache, usage_body(9000), usage_start + minutes(13)).read, 0);
}

TEST(Usage, one_hour_entries_live_longer_and_cost_apart) {
    sim::PrefixCache cache;
    Json body = usage_body(9000);
    body["system"][0]["cache_control"] = usage_mark("1h");
    EXPECT_GT(usage_ask(cache, body, usage_start).written_1h, 0);
    EXPECT_GT(usage_ask(cache, body, usage_start + minutes(50)).read, 0);
}

TEST(Usage, short_prefixes_are_not_cached) {
    sim::PrefixCache cache;
    const sim::Usage usage = usage_ask(cache, usage_body(300), usage_start);
    EXPECT_EQ(usage.written_5m, 0);
    EXPECT_EQ(usage_ask(cache, usage_body(300), usage_start).read, 0);
}

TEST(Usage, owners_and_contents_are_apart) {
    sim::PrefixCache cache;
    usage_ask(cache, usage_body(9000), usage_start);
    EXPECT_EQ(usage_ask(cache, usage_body(9000), usage_start, "other").read, 0);
    EXPECT_EQ(usage_ask(cache, usage_body(9001), usage_start).read, 0);
    Json with_tools = usage_body(9000);
    with_tools["tools"] = sim_tests::todo_tools();
    EXPECT_EQ(usage_ask(cache, with_tools, usage_start).read, 0) << "tools come before system";
}

TEST(Usage, format_invalidates_system_but_tool_choice_only_messages) {
    sim::PrefixCache cache;
    Json body = usage_body(9000);
    body["tools"] = sim_tests::todo_tools();
    usage_ask(cache, body, usage_start);
    Json choice = body;
    choice["tool_choice"] = {{"type", "auto"}};
    EXPECT_GT(usage_ask(cache, choice, usage_start).read, 0);
    Json format = body;
    format["output_config"] = {{"format", {{"type", "json_schema"}, {"schema", Json::object()}}}};
    EXPECT_EQ(usage_ask(cache, format, usage_start).read, 0);
}

TEST(Usage, moving_mark_reads_the_growing_prefix) {
    sim::PrefixCache cache;
    Json body = usage_body(9000);
    body["messages"][0]["content"] = Json::array(
        {{{"type", "text"}, {"text", std::string(500, 'b')}, {"cache_control", usage_mark()}}});
    const sim::Usage first = usage_ask(cache, body, usage_start);
    body["messages"][0]["content"][0].erase("cache_control");
    body["messages"].push_back({{"role", "assistant"}, {"content", std::string(200, 'c')}});
    body["messages"].push_back({{"role", "user"},
                                {"content", Json::array({{{"type", "text"},
                                                          {"text", std::string(300, 'd')},
                                                          {"cache_control", usage_mark()}}})}});
    const sim::Usage second = usage_ask(cache, body, usage_start);
    EXPECT_EQ(second.read, first.written_5m);
    EXPECT_GT(second.written_5m, 0);
    EXPECT_EQ(second.input, 0);
}

TEST(Usage, looks_back_twenty_blocks_only) {
    for (const int added : {18, 25}) {
        sim::PrefixCache cache;
        Json body = sim_tests::minimal_body();
        body["messages"][0]["content"] = Json::array({{{"type", "text"},
                                                       {"text", std::string(9000, 'a')},
                                                       {"cache_control", usage_mark()}}});
        usage_ask(cache, body, usage_start);
        Json& content = body["messages"][0]["content"];
        content[0].erase("cache_control");
        for (int at = 0; at < added; ++at) content.push_back({{"type", "text"}, {"text", "b"}});
        content.back()["cache_control"] = usage_mark();
        EXPECT_EQ(usage_ask(cache, body, usage_start).read > 0, added == 18) << added;
    }
}

TEST(Usage, automatic_mark_is_the_last_block) {
    sim::PrefixCache cache;
    Json body = sim_tests::minimal_body();
    body["messages"][0]["content"] = std::string(9000, 'a');
    body["cache_control"] = {{"type", "ephemeral"}};
    const sim::Usage usage = usage_ask(cache, body, usage_start);
    EXPECT_EQ(usage.input, 0);
    EXPECT_GT(usage.written_5m, 0);
}

TEST(Usage, full_cache_makes_room) {
    sim::PrefixCache cache(10);
    for (std::size_t at = 0; at < 100; ++at) usage_ask(cache, usage_body(9000 + at), usage_start);
    EXPECT_LE(cache.size(), 11U);
}

}  // namespace
