#include "base/address.hpp"

#include <gtest/gtest.h>

namespace base {
namespace {

std::vector<AddressRange> address_ranges(const std::vector<std::string>& texts) {
    std::vector<AddressRange> ranges;
    for (const std::string& text : texts) ranges.push_back(AddressRange::read(text).value());
    return ranges;
}

bool address_within(const char* range, const char* address) {
    return AddressRange::read(range).value().contains(read_address(address).value());
}

TEST(Address, BothFamiliesAreReadAndNothingElse) {
    EXPECT_EQ(to_text(read_address("192.0.2.7").value()), "192.0.2.7");
    EXPECT_EQ(to_text(read_address("::ffff:192.0.2.7").value()), "192.0.2.7");
    EXPECT_EQ(to_text(read_address("2001:DB8:0:0::1").value()), "2001:db8::1");
    for (const char* text : {"", "unknown", "192.0.2", "192.0.2.256", "192.0.2.7:80",
                             "fe80::1%eth0", "1::2::3", "[::1]", " 192.0.2.7", "01.2.3.4.5"}) {
        EXPECT_FALSE(read_address(text)) << text;
    }
}

TEST(Address, ANeighbourIsAnAddressOrANetworkOfIpv6) {
    EXPECT_EQ(network_of(read_address("192.0.2.7").value()), "192.0.2.7");
    EXPECT_EQ(network_of(read_address("2001:db8:1:2:3::9").value()), "2001:db8:1:2::/64");
}

TEST(Address, RangesHoldWhatTheirPrefixSays) {
    EXPECT_TRUE(address_within("10.0.0.0/8", "10.255.1.2"));
    EXPECT_FALSE(address_within("10.0.0.0/8", "11.0.0.0"));
    EXPECT_TRUE(address_within("192.0.2.128/25", "192.0.2.128"));
    EXPECT_FALSE(address_within("192.0.2.128/25", "192.0.2.127"));
    EXPECT_TRUE(address_within("192.0.2.7", "::ffff:192.0.2.7"));
    EXPECT_TRUE(address_within("fd00::/8", "fdff::1"));
    EXPECT_FALSE(address_within("fd00::/8", "fe00::1"));
    EXPECT_TRUE(address_within("0.0.0.0/0", "8.8.8.8"));
    EXPECT_FALSE(address_within("0.0.0.0/0", "2001:db8::1"));
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x",
                             "fd00::/129", "host/8", ""}) {
        EXPECT_FALSE(AddressRange::read(text)) << text;
    }
}

// auth-api-doubts B23: nobody chooses the address she is counted under.
TEST(Address, TheClientIsTheLastHopThatIsNoProxy) {
    const auto proxies = address_ranges({"10.0.0.0/8", "fd00::/8"});
    EXPECT_EQ(client_address("198.51.100.1", "6.6.6.6", proxies), "198.51.100.1");
    EXPECT_EQ(client_address("10.0.0.1", "6.6.6.6, 192.0.2.1", proxies), "192.0.2.1");
    EXPECT_EQ(client_address("10.0.0.1", "6.6.6.6, 192.0.2.1 ,10.1.2.3", proxies), "192.0.2.1");
    EXPECT_EQ(client_address("::ffff:10.0.0.1", "192.0.2.1:4711", proxies), "192.0.2.1");
    EXPECT_EQ(client_address("fd00::1", "[2001:db8::7]:443", proxies), "2001:db8::7");
    EXPECT_EQ(client_address("10.0.0.1", "", proxies), "10.0.0.1");
    EXPECT_EQ(client_address("10.0.0.1", "6.6.6.6, unknown", proxies), "10.0.0.1");
    EXPECT_EQ(client_address("10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", proxies), "10.0.0.2");
    EXPECT_EQ(client_address("10.0.0.1", "10.0.0.3, 10.0.0.2", proxies), "10.0.0.3");
    EXPECT_EQ(client_address("10.0.0.1", "6.6.6.6", {}), "10.0.0.1");
    EXPECT_EQ(client_address("a socket", "6.6.6.6", proxies), "a socket");
}

}  // namespace
}  // namespace base
