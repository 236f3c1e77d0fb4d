// Addresses of clients, and ranges of them: "192.0.2.7", "2001:db8::1", "10.0.0.0/8", "fd00::/8".
// An IPv4 address inside IPv6 (::ffff:192.0.2.7) is the IPv4 one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace base {

struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};  // IPv4 in its IPv6 form.

    bool is_v4() const;
    bool operator==(const IpAddress&) const = default;
};

// Nothing when the text is no address. No port, no zone.
std::optional<IpAddress> read_address(std::string_view text);
std::string to_text(const IpAddress& address);
// What counts as one neighbour: IPv4 itself, of IPv6 the /64 ("2001:db8:1:2::/64").
std::string network_of(const IpAddress& address);

// A single address is the range of itself.
class AddressRange {
  public:
    // Nothing when the text is none, or when bits beyond the prefix are set.
    static std::optional<AddressRange> read(std::string_view text);
    bool contains(const IpAddress& address) const;

  private:
    IpAddress first_;
    int bits_ = 128;
};

// The client behind proxies. `socket` is whom we talk to; `forwarded` is X-Forwarded-For, oldest
// first. Counting from the right, the first address that is not in `trusted`: what a client wrote
// itself stands further left and is never reached. Ports are ignored; what is no address ends the
// walk at the proxy that passed it on.
std::string client_address(std::string_view socket, std::string_view forwarded,
                           const std::vector<AddressRange>& trusted);

}  // namespace base
