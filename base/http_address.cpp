#include <algorithm>
#include <array>

#include <arpa/inet.h>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/http_exchange.hpp"
#include "base/text.hpp"

namespace base {

namespace {

[[noreturn]] void address_refuse(const char* reason) {
    throw Failure(Failure::Kind::invalid, std::string("the URL ") + reason +
                                              "; it must look like https://host[:port]/path");
}

bool address_port_is_valid(std::string_view port) {
    if (port.empty() || port.size() > 5) return false;
    int number = 0;
    for (const char c : port) {
        if (c < '0' || c > '9') return false;
        number = number * 10 + (c - '0');
    }
    return number >= 1 && number <= 65'535;
}

bool address_host_is_valid(std::string_view host) {
    if (host.starts_with('[')) {
        const std::string inner(
            host.substr(1, host.size() - std::min<std::size_t>(2, host.size())));
        std::array<unsigned char, sizeof(in6_addr)> bytes{};
        return host.ends_with(']') && ::inet_pton(AF_INET6, inner.c_str(), bytes.data()) == 1;
    }
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
}

}  // namespace

std::string origin_of(std::string_view url) {
    for (const char c : url) {
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7F) {
            address_refuse("has blanks or control characters");
        }
    }
    const std::size_t mark = url.find("://");
    if (mark == std::string_view::npos) address_refuse("has no scheme");
    const std::string scheme = lower_ascii(url.substr(0, mark));
    if (scheme != "http" && scheme != "https") address_refuse("is neither http nor https");
    const std::string_view rest = url.substr(mark + 3);
    const std::string authority = lower_ascii(rest.substr(0, rest.find_first_of("/?#\\")));
    if (authority.find('@') != std::string::npos) address_refuse("carries a user name");
    // A colon after the bracket of an IPv6 address, or the only colon, starts the port.
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
    if (colon != std::string::npos && !address_port_is_valid(authority.substr(colon + 1))) {
        address_refuse("has a port that is no number from 1 to 65535");
    }
    if (!address_host_is_valid(authority.substr(0, colon))) address_refuse("has no valid host");
    return scheme + "://" + authority;
}

std::string url_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    // A segment of dots alone would climb up the path.
    const bool dots = text == "." || text == "..";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~' ||
                           (c == '.' && !dots);
        if (plain) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 0x0F];
        }
    }
    return encoded;
}

namespace http_detail {

std::string_view host_of(std::string_view host_and_port) {
    if (host_and_port.starts_with('[')) return host_and_port.substr(1, host_and_port.find(']') - 1);
    return host_and_port.substr(0, host_and_port.find(':'));
}

bool is_numeric(std::string_view host) {
    const std::string text(host);
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    return host.starts_with("127.") && is_numeric(host);
}

}  // namespace http_detail

}  // namespace base
