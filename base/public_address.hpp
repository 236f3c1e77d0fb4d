// Which network addresses belong to the public Internet. Requests to addresses that somebody else
// chose go to these only: never to this machine, the local network or a cloud's metadata service.
#pragma once

#include <string>

struct sockaddr;

namespace base {

// IPv4 and IPv6 (also IPv4 inside of it); anything else is not public.
bool is_public_address(const sockaddr& address);
// The same for a numeric address such as "192.0.2.1" or "2001:db8::1"; false for anything else.
bool is_public_address(const std::string& text);

}  // namespace base
