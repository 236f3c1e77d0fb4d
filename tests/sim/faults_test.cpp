#include "sim/faults.hpp"

#include <set>

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using sim::Fault;
using sim::FaultKind;

std::string fault_refusal(std::string_view text) {
    try {
        sim::parse_fault(text);
    } catch (const base::Failure& failure) {
        return failure.what();
    }
    return {};
}

TEST(Faults, words_are_read) {
    const Fault status = sim::parse_fault("status=429; retry-after=2; should-retry=true");
    EXPECT_EQ(status.kind, FaultKind::status);
    EXPECT_EQ(status.value, 429);
    EXPECT_EQ(status.retry_after, "2");
    EXPECT_EQ(status.should_retry, "true");
    EXPECT_EQ(sim::parse_fault("cut=5").value, 5);
    EXPECT_EQ(sim::parse_fault("error=0;type=api_error").type, "api_error");
    EXPECT_EQ(sim::parse_fault("slow=20").value, 20);
    EXPECT_TRUE(sim::parse_fault("status=502;html").html);
    EXPECT_EQ(sim::parse_fault("status=400;code=x").code, "x");
}

TEST(Faults, places_have_words) {
    EXPECT_EQ(sim::parse_fault("error=first").value, 0);
    EXPECT_EQ(sim::parse_fault("error=start").value, 1);
    EXPECT_EQ(sim::parse_fault("error=input").place, Fault::Place::input);
    EXPECT_EQ(sim::parse_fault("cut=delta").place, Fault::Place::after_delta);
}

TEST(Faults, usual_values_need_no_number) {
    EXPECT_EQ(sim::parse_fault("chunks").value, 1);
    EXPECT_EQ(sim::parse_fault("calls").value, 30);
    EXPECT_EQ(sim::parse_fault("drip").value, 1000);
}

TEST(Faults, unknown_words_are_named) {
    for (const char* text :
         {"", "explode=1", "status=200", "status=600", "status", "cut=x", "cut=-1", "cut",
          "cut=1;color=red", "status=429;retry-after", "status=500;should-retry=maybe", "crlf=1",
          "calls=0", "calls=1001", "big-text=64000001000", "status=429;retry-after=1\r\nx: y"}) {
        EXPECT_THROW(sim::parse_fault(text), base::Failure) << text;
    }
    EXPECT_NE(fault_refusal("explode=1").find("explode"), std::string::npos);
    EXPECT_NE(fault_refusal("explode=1").find("thinking-progress"), std::string::npos);
    EXPECT_NE(fault_refusal("cut=1;color=red").find("color"), std::string::npos);
    EXPECT_NE(fault_refusal("cut=x").find("first, start, input or delta"), std::string::npos);
}

TEST(Faults, every_entry_of_the_menu_can_be_asked_for_and_has_a_meaning) {
    std::set<std::string_view> names;
    std::size_t entries = 0;
    for (const sim::FaultGroup& group : sim::fault_menu()) {
        for (const sim::FaultEntry& entry : group.entries) {
            ++entries;
            EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
            EXPECT_FALSE(entry.meaning.empty()) << entry.name;
            std::string words(entry.name);
            if (entry.value == sim::FaultValue::status) words += "=500";
            if (entry.value == sim::FaultValue::position) words += "=2";
            EXPECT_EQ(sim::parse_fault(words).kind, entry.kind) << entry.name;
            EXPECT_EQ(&sim::entry_of(entry.kind), &entry) << entry.name;
        }
    }
    EXPECT_EQ(entries, static_cast<std::size_t>(FaultKind::enum_case) + 1);
}

TEST(Faults, what_cannot_strike_is_told_apart) {
    EXPECT_TRUE(sim::can_strike(sim::parse_fault("status=500"), false, false));
    EXPECT_FALSE(sim::can_strike(sim::parse_fault("crlf"), false, true));
    EXPECT_TRUE(sim::can_strike(sim::parse_fault("crlf"), true, false));
    EXPECT_FALSE(sim::can_strike(sim::parse_fault("calls"), true, false));
    EXPECT_FALSE(sim::can_strike(sim::parse_fault("input-cut"), false, true));
    EXPECT_TRUE(sim::can_strike(sim::parse_fault("input-cut"), true, true));
}

}  // namespace
