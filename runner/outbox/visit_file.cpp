#include "runner/outbox/visit_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "runner/outbox/frame.hpp"

namespace runner {

std::string visit_file_text(const VisitRecords& visit) {
    std::string text;
    for (const std::string& record : record_texts(visit)) append_guarded(text, record);
    return text;
}

VisitFile read_visit_file(std::string_view text) {
    VisitFile file;
    int line_number = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        ++line_number;
        const std::size_t newline = text.find('\n', at);
        const bool last = newline == std::string_view::npos || newline + 1 == text.size();
        std::optional<base::Json> record;
        if (newline != std::string_view::npos) {
            const auto content = unguarded(text.substr(at, newline - at));
            if (content) record = base::try_parse_json(*content);
        }
        if (!record) {
            if (!last) {
                throw base::Failure{base::Failure::Kind::invalid,
                                    fmt::format("line {} is damaged (checksum)", line_number)};
            }
            file.torn = true;
            break;
        }
        apply_record(file.visit, *record, fmt::format("line {}", line_number));
        at = newline + 1;
        file.bytes_read = at;
    }
    return file;
}

}  // namespace runner
