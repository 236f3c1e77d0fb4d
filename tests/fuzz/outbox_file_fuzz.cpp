// Any bytes as an outbox file: a visit or Failure::invalid; what was read is read again the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/failure.hpp"
#include "runner/outbox_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        const runner::OutboxFile file = runner::read_outbox_file(bytes);
        const runner::OutboxFile again = runner::read_outbox_file(bytes.substr(0, file.bytes_read));
        if (!(again.visit == file.visit) || again.torn) std::abort();
    } catch (const base::Failure& failure) {
        if (failure.kind() != base::Failure::Kind::invalid) std::abort();
    }
    return 0;
}
