#include "base/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace base {

namespace {

struct PublicBlock {
    std::uint32_t first;
    int bits;
};

// What IANA's registry of special-purpose addresses does not call globally reachable.
constexpr std::array public_blocks = {
    PublicBlock{0x00000000, 8},   // This network
    PublicBlock{0x0A000000, 8},   // Private
    PublicBlock{0x64400000, 10},  // Behind a provider's NAT
    PublicBlock{0x7F000000, 8},   // This machine
    PublicBlock{0xA9FE0000, 16},  // Link-local, metadata services
    PublicBlock{0xAC100000, 12},  // Private
    PublicBlock{0xC0000000, 24},  // Protocol assignments
    PublicBlock{0xC0000200, 24},  // Documentation
    PublicBlock{0xC0586300, 24},  // 6to4 relays
    PublicBlock{0xC0A80000, 16},  // Private
    PublicBlock{0xC6120000, 15},  // Benchmarks
    PublicBlock{0xC6336400, 24},  // Documentation
    PublicBlock{0xCB007100, 24},  // Documentation
    PublicBlock{0xE0000000, 4},   // Multicast
    PublicBlock{0xF0000000, 4},   // Reserved, broadcast
};

bool public_v4(std::uint32_t address) {
    return std::none_of(public_blocks.begin(), public_blocks.end(), [&](const PublicBlock& one) {
        return (address >> (32 - one.bits)) == (one.first >> (32 - one.bits));
    });
}

std::uint32_t public_number(const std::uint8_t* bytes) {
    std::uint32_t number = 0;
    for (int at = 0; at < 4; ++at) number = number << 8 | bytes[at];
    return number;
}

bool public_v6(const std::uint8_t* bytes) {
    static constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    if (std::equal(mapped.begin(), mapped.end(), bytes)) {
        return public_v4(public_number(bytes + 12));
    }
    if ((bytes[0] & 0xE0) != 0x20) return false;  // Only 2000::/3 is handed out.
    const std::uint32_t begin = public_number(bytes);
    // Teredo and other protocols, documentation, 6to4 (it carries an IPv4 address).
    return (begin >> 9) != (0x20010000U >> 9) && begin != 0x20010DB8U && begin >> 16 != 0x2002 &&
           begin >> 12 != 0x3FFF0;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in four{};
        std::memcpy(&four, &address, sizeof four);
        return public_v4(ntohl(four.sin_addr.s_addr));
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 six{};
        std::memcpy(&six, &address, sizeof six);
        return public_v6(six.sin6_addr.s6_addr);
    }
    return false;
}

bool is_public_address(const std::string& text) {
    in_addr four{};
    if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
        return public_v4(ntohl(four.s_addr));
    }
    in6_addr six{};
    return inet_pton(AF_INET6, text.c_str(), &six) == 1 && public_v6(six.s6_addr);
}

}  // namespace base
