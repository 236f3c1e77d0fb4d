// Any bytes as a visit's file: a visit or Failure::invalid; what was read is read again the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/failure.hpp"
#include "runner/outbox/visit_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try {
        const runner::VisitFile file = runner::read_visit_file(bytes);
        const runner::VisitFile again = runner::read_visit_file(bytes.substr(0, file.bytes_read));
        if (!(again.visit == file.visit) || again.torn) std::abort();
    } catch (const base::Failure& failure) {
        if (failure.kind() != base::Failure::Kind::invalid) std::abort();
    }
    return 0;
}
