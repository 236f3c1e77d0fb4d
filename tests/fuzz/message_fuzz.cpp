// A model's stream of any content: a message or a failure, never anything else.
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "clients/message.hpp"
#include "clients/sse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    clients::SseReader sse(1 << 16);
    clients::MessageReader reader(1 << 20);
    try {
        sse.feed({reinterpret_cast<const char*>(data), size});
        while (const auto event = sse.next()) reader.on_event(*event);
        const clients::Message message = reader.take();
        base::parse_json(message.content_json, "content", 200);  // What is echoed is always JSON.
    } catch (const base::Failure&) {
        return 0;  // Broken streams are failures by contract.
    }
    return 0;
}
