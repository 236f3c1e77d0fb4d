#include "base/public_address.hpp"

#include <gtest/gtest.h>

namespace {

TEST(PublicAddress, OfThePublicInternetIsPublic) {
    for (const char* text :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
          "172.32.0.0", "192.167.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1",
          "::ffff:1.1.1.1"}) {
        EXPECT_TRUE(base::is_public_address(std::string(text))) << text;
    }
}

TEST(PublicAddress, OfThisMachineOrNetworkIsNot) {
    for (const char* text : {"0.0.0.0",
                             "0.1.2.3",
                             "10.0.0.1",
                             "100.64.0.1",
                             "127.0.0.1",
                             "127.8.8.8",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.0.0.8",
                             "192.0.2.1",
                             "192.168.1.1",
                             "198.18.0.1",
                             "198.51.100.1",
                             "203.0.113.9",
                             "224.0.0.1",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "fe80::1",
                             "fc00::1",
                             "fd12:3456::1",
                             "ff02::1",
                             "2001:db8::1",
                             "2001::1",
                             "2002:7f00:1::",
                             "64:ff9b::7f00:1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "::127.0.0.1",
                             "3fff::1",
                             "localhost",
                             "",
                             "1.1.1",
                             "0x7f000001",
                             "2130706433"}) {
        EXPECT_FALSE(base::is_public_address(std::string(text))) << text;
    }
}

}  // namespace
