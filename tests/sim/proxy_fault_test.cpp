#include "sim/proxy_fault.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using sim::parse_proxy;
using sim::parse_proxy_fault;
using Kind = sim::ProxyFault::Kind;
using Way = sim::ProxyFault::Way;

template <class Act>
std::string proxy_complaint(Act act) {
    try {
        act();
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::invalid);
        return failure.what();
    }
    return "no complaint";
}

TEST(ProxyFault, ReadsEachFaultWithItsWay) {
    EXPECT_EQ(parse_proxy_fault("none").kind, Kind::none);
    EXPECT_EQ(parse_proxy_fault("refuse").kind, Kind::refuse);
    const sim::ProxyFault delay = parse_proxy_fault("delay=200");
    EXPECT_EQ(delay.delay.count(), 200);
    EXPECT_EQ(delay.way, Way::both);
    EXPECT_EQ(parse_proxy_fault("delay=0;way=up").way, Way::up);
    EXPECT_FALSE(parse_proxy_fault("cut").bytes);
    EXPECT_EQ(parse_proxy_fault("cut=100").bytes, 100U);
    EXPECT_EQ(parse_proxy_fault("cut=100").way, Way::down);
    EXPECT_EQ(parse_proxy_fault("half-open").way, Way::both);
    EXPECT_EQ(parse_proxy_fault("half-open;way=down").way, Way::down);
    EXPECT_EQ(parse_proxy_fault("garble").every, 100U);
    EXPECT_EQ(parse_proxy_fault("garble=1;way=both").every, 1U);
}

TEST(ProxyFault, PrintsWhatItReads) {
    for (const char* text : {"none", "refuse", "delay=7;way=up", "cut", "cut=100;way=down",
                             "half-open;way=both", "garble=50;way=down"}) {
        EXPECT_EQ(to_text(parse_proxy_fault(text)), text);
    }
}

TEST(ProxyFault, RefusesWhatItDoesNotKnowAndSaysWhatItDoes) {
    for (const char* text : {"", "cutt", "cut=", "cut=-1", "cut=x", "delay", "delay=1s", "garble=0",
                             "refuse=1", "none;way=up", "refuse;way=up", "cut;way=up",
                             "delay=1;way=left", "delay=1;times=2", "half-open=down"}) {
        EXPECT_THAT(proxy_complaint([text] { parse_proxy_fault(text); }),
                    testing::HasSubstr("expected"))
            << text;
    }
}

TEST(ProxyFault, ReadsWhereAProxyStands) {
    const sim::ProxyOptions remote = parse_proxy("auth=4001:127.0.0.1:3001");
    EXPECT_EQ(remote.name, "auth");
    EXPECT_EQ(remote.port, 4001);
    EXPECT_EQ(remote.target, "127.0.0.1");
    EXPECT_EQ(remote.target_port, 3001);
    EXPECT_EQ(parse_proxy("six=0:[::1]:80").target, "::1");
    const sim::ProxyOptions local = parse_proxy("database=0:/run/postgresql/.s.PGSQL.5432");
    EXPECT_EQ(local.target, "/run/postgresql/.s.PGSQL.5432");
    EXPECT_EQ(local.target_port, 0);
    for (const char* text : {"", "auth", "auth=4001", "auth=x:h:1", "auth=65536:h:1", "auth=1:h:0",
                             "auth=1:h:", "auth=1::1", "Auth=1:h:1", "=1:h:1", "a b=1:h:1"}) {
        EXPECT_THAT(proxy_complaint([text] { parse_proxy(text); }),
                    testing::HasSubstr("NAME=PORT:HOST:PORT"))
            << text;
    }
}

}  // namespace
