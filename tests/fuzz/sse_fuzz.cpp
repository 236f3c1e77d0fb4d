// Events out of any bytes, fed in pieces of any size; the pieces must not matter.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "clients/sse.hpp"

namespace {

std::vector<std::string> events_of(std::string_view bytes, std::size_t step) {
    clients::SseReader reader(1 << 16);
    std::vector<std::string> events;
    try {
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            reader.feed(bytes.substr(at, step));
            while (const auto event = reader.next()) {
                events.push_back(std::string(event->name) + '\x1f' + std::string(event->data));
            }
        }
    } catch (const base::Failure&) {
        events.emplace_back("too large");  // An event past the limit is a legitimate answer.
    }
    return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (size < 4096 && events_of(bytes, 1) != events_of(bytes, 7)) std::abort();
    return 0;
}
