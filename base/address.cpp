#include "base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace base {

namespace {

constexpr std::array<std::uint8_t, 12> address_v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t address_hops_max = 64;

// "192.0.2.7:443", "[2001:db8::1]:443", "[2001:db8::1]": without port and brackets.
std::string_view address_without_port(std::string_view text) {
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        return end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
    }
    const bool one_colon = std::count(text.begin(), text.end(), ':') == 1;
    return one_colon ? text.substr(0, text.find(':')) : text;
}

bool address_is_trusted(const IpAddress& address, const std::vector<AddressRange>& trusted) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const AddressRange& range) { return range.contains(address); });
}

}  // namespace

bool IpAddress::is_v4() const {
    return std::equal(address_v4_prefix.begin(), address_v4_prefix.end(), bytes.begin());
}

std::optional<IpAddress> read_address(std::string_view text) {
    IpAddress address;
    if (text.empty() || text.size() > 45) return std::nullopt;
    const std::string copy(text);
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data() + 12) == 1) {
        std::copy(address_v4_prefix.begin(), address_v4_prefix.end(), address.bytes.begin());
        return address;
    }
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

std::string to_text(const IpAddress& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.is_v4()) {
        ::inet_ntop(AF_INET, address.bytes.data() + 12, text, sizeof text);
    } else {
        ::inet_ntop(AF_INET6, address.bytes.data(), text, sizeof text);
    }
    return text;
}

std::string network_of(const IpAddress& address) {
    if (address.is_v4()) return to_text(address);
    IpAddress network = address;
    std::fill(network.bytes.begin() + 8, network.bytes.end(), std::uint8_t{0});
    return to_text(network) + "/64";
}

std::optional<AddressRange> AddressRange::read(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = read_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    AddressRange range;
    range.first_ = *address;
    if (slash == std::string_view::npos) return range;
    const std::string_view digits = text.substr(slash + 1);
    int bits = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const int bits_max = address->is_v4() ? 32 : 128;
    const bool whole = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
    if (!whole || bits < 0 || bits > bits_max) return std::nullopt;
    range.bits_ = bits + (128 - bits_max);
    // Of a range that begins elsewhere one does not know what was meant.
    for (int bit = range.bits_; bit < 128; ++bit) {
        const auto byte = range.first_.bytes[static_cast<std::size_t>(bit / 8)];
        if ((byte >> (7 - bit % 8) & 1) != 0) return std::nullopt;
    }
    return range;
}

bool AddressRange::contains(const IpAddress& address) const {
    for (int bit = 0; bit < bits_; bit += 8) {
        const auto at = static_cast<std::size_t>(bit / 8);
        const int rest = std::min(8, bits_ - bit);
        const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
        if ((first_.bytes[at] & mask) != (address.bytes[at] & mask)) return false;
    }
    return true;
}

std::string client_address(std::string_view socket, std::string_view forwarded,
                           const std::vector<AddressRange>& trusted) {
    auto here = read_address(socket);
    if (!here) return std::string(socket);
    const auto hops = split(forwarded, ',');
    std::size_t walked = 0;
    for (auto hop = hops.rbegin(); hop != hops.rend() && walked < address_hops_max; ++hop) {
        if (!address_is_trusted(*here, trusted)) break;
        const auto next = read_address(address_without_port(trim(*hop)));
        if (!next) break;
        here = next;
        ++walked;
    }
    return to_text(*here);
}

}  // namespace base
