// Any bytes as a segment of the outbox's log, behind a visit that is whole: the visit is never lost
// to damage that does not name it, and what was read, written anew, is read the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runner/outbox/log_form.hpp"

namespace {

// A name that the fuzzer is not likely to hit: what claims to be this visit may break it.
constexpr std::string_view witness = "witness-8d1f5a";

runner::VisitRecords fuzz_witness() {
    runner::VisitRecords visit;
    visit.visit_id = witness;
    visit.user_id = "user";
    return visit;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::string first;
    runner::append_log_line(first, witness, 1, runner::header_text(fuzz_witness()));
    runner::LogReader reader;
    reader.read(1, first);
    reader.read(2, bytes);
    const runner::LogContent content = reader.finish();
    const bool named = bytes.find(witness) != std::string_view::npos;
    if (!named && (content.visits.empty() || content.visits.front().records != fuzz_witness()))
        std::abort();
    std::string anew;
    for (const auto& visit : content.visits) {
        runner::append_log_line(anew, visit.records.visit_id, visit.number,
                                runner::whole_text(visit.records));
    }
    runner::LogReader again;
    again.read(3, anew);
    const runner::LogContent same = again.finish();
    if (!same.broken.empty() || !same.damages.empty()) std::abort();
    if (same.visits.size() != content.visits.size()) std::abort();
    for (std::size_t i = 0; i < same.visits.size(); ++i) {
        if (same.visits[i].records != content.visits[i].records) std::abort();
    }
    return 0;
}
