#include "runner/outbox_file.hpp"

#include <zlib.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace runner {

namespace {

using base::Failure;

// zlib's CRC-32.
unsigned long checksum(std::string_view bytes) {
    return crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()),
                   bytes.size());
}

std::string guarded(const base::Json& record) {
    const std::string text = base::to_text(record);
    return fmt::format("{:08x} {}\n", checksum(text), text);
}

base::Json record_of_kind(std::string_view kind, const base::Json& content) {
    base::Json record{{"kind", kind}};
    record.update(content);
    return record;
}

// The line's JSON, or nothing when the checksum does not fit.
std::optional<base::Json> unguarded(std::string_view line) {
    if (line.size() < 10 || line[8] != ' ') return std::nullopt;
    const std::string_view text = line.substr(9);
    if (fmt::format("{:08x}", checksum(text)) != line.substr(0, 8)) return std::nullopt;
    return base::try_parse_json(text);
}

void apply_action(VisitRecords& visit, catalog::Action action, bool settled) {
    for (std::size_t i = 0; i < visit.actions.size(); ++i) {
        if (visit.actions[i].seq != action.seq) continue;
        if (settled) {
            visit.actions[i] = std::move(action);
            visit.settled[i] = true;
        }
        return;
    }
    visit.actions.push_back(std::move(action));
    visit.settled.push_back(settled);
}

// Records of two visits in one file, or behind a visit's end, are nobody's truth.
void check_place(const VisitRecords& visit, const base::Fields& fields, bool header) {
    if (visit.end) fields.fail("kind", "nothing, the visit has ended above");
    if (header != visit.visit_id.empty()) {
        fields.fail("kind",
                    header ? "a record of the visit above" : "visit, the header of the file");
    }
}

void apply_rating(VisitRecords& visit, catalog::Rating rating) {
    for (catalog::Rating& known : visit.ratings) {
        if (known.module == rating.module) {
            known = std::move(rating);
            return;
        }
    }
    visit.ratings.push_back(std::move(rating));
}

void check_owner(const VisitRecords& visit, const std::string& visit_id, const std::string& where) {
    if (visit.visit_id != visit_id) {
        throw Failure{Failure::Kind::invalid, fmt::format("{} belongs to visit {}, the file to {}",
                                                          where, visit_id, visit.visit_id)};
    }
}

void apply_record(VisitRecords& visit, const base::Json& record, const std::string& where) {
    const base::Fields fields(record, where);
    const std::string kind = fields.text("kind");
    check_place(visit, fields, kind == "visit");
    if (kind == "visit") {
        visit.visit_id = fields.text("visit");
        visit.user_id = fields.text("user");
        visit.persona = fields.text("persona", 0);
        const auto started = base::from_iso(fields.text("startedAt"));
        if (!started) fields.fail("startedAt", "an ISO 8601 time");
        visit.started_at = *started;
    } else if (kind == "intent" || kind == "outcome") {
        catalog::Action action = catalog::action_from_json(record, where);
        check_owner(visit, action.visit_id, where);
        apply_action(visit, std::move(action), kind == "outcome");
        if (fields.has("soFar"))
            visit.so_far = catalog::visit_end_from_json(fields.object("soFar"));
    } else if (kind == "rating") {
        catalog::Rating rating = catalog::rating_from_json(record, where);
        check_owner(visit, rating.visit_id, where);
        apply_rating(visit, std::move(rating));
    } else if (kind == "end") {
        visit.end = catalog::visit_end_from_json(record);
    } else {
        fields.fail("kind", "visit, intent, outcome, rating or end");
    }
}

}  // namespace

std::string header_line(const VisitRecords& visit) {
    return guarded(base::Json{{"kind", "visit"},
                              {"visit", visit.visit_id},
                              {"user", visit.user_id},
                              {"persona", visit.persona},
                              {"startedAt", base::to_iso(visit.started_at)}});
}

std::string intent_line(const catalog::Action& action,
                        const std::optional<catalog::VisitEnd>& so_far) {
    base::Json record = record_of_kind("intent", catalog::to_json(action));
    if (so_far) record["soFar"] = catalog::to_json(*so_far);
    return guarded(record);
}

std::string outcome_line(const catalog::Action& action) {
    return guarded(record_of_kind("outcome", catalog::to_json(action)));
}

std::string rating_line(const catalog::Rating& rating) {
    return guarded(record_of_kind("rating", catalog::to_json(rating)));
}

std::string end_line(const catalog::VisitEnd& end) {
    return guarded(record_of_kind("end", catalog::to_json(end)));
}

OutboxFile read_outbox_file(std::string_view text) {
    OutboxFile file;
    int line_number = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        ++line_number;
        const std::size_t newline = text.find('\n', at);
        const bool last = newline == std::string_view::npos || newline + 1 == text.size();
        const auto record = newline == std::string_view::npos
                                ? std::nullopt
                                : unguarded(text.substr(at, newline - at));
        if (!record) {
            if (!last) {
                throw Failure{Failure::Kind::invalid,
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
