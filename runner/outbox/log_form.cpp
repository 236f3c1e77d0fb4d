#include "runner/outbox/log_form.hpp"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "runner/outbox/frame.hpp"

namespace runner {

namespace {

constexpr std::string_view log_whole_begin = R"({"kind":"whole",)";

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

// A visit id comes from the service: whatever is in it, it stays one word.
void put_word(std::string& out, std::string_view id) {
    for (const char c : id) {
        if (is_plain(c)) {
            out += c;
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02x}", static_cast<unsigned char>(c));
        }
    }
}

std::optional<std::string> id_of_word(std::string_view word) {
    std::string id;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (is_plain(word[i])) {
            id += word[i];
            continue;
        }
        unsigned value = 0;
        if (word[i] != '%' || i + 2 >= word.size()) return std::nullopt;
        const char* end = word.data() + i + 3;
        if (std::from_chars(word.data() + i + 1, end, value, 16).ptr != end) return std::nullopt;
        id += static_cast<char>(value);
        i += 2;
    }
    if (id.empty()) return std::nullopt;
    return id;
}

// "<visit> <number> <record>" apart; nothing when it does not look so.
std::optional<LogLine> split_content(std::string_view content) {
    const std::size_t first = content.find(' ');
    if (first == std::string_view::npos) return std::nullopt;
    const std::size_t second = content.find(' ', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto id = id_of_word(content.substr(0, first));
    const std::string_view digits = content.substr(first + 1, second - first - 1);
    LogLine line;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), line.number);
    const bool is_number =
        read.ec == std::errc{} && read.ptr == digits.data() + digits.size() && line.number > 0;
    if (!id || !is_number) return std::nullopt;
    line.visit_id = *id;
    line.record = content.substr(second + 1);
    return line;
}

// What a damaged line still says of itself.
std::optional<LogLine> claim_of(std::string_view line) {
    const std::size_t guard_end = line.find(' ');
    if (guard_end == std::string_view::npos) return std::nullopt;
    return split_content(line.substr(guard_end + 1));
}

}  // namespace

void append_log_line(std::string& log, std::string_view visit_id, std::uint64_t number,
                     std::string_view record) {
    std::string head;
    put_word(head, visit_id);
    fmt::format_to(std::back_inserter(head), " {} ", number);
    append_guarded(log, head, record);
}

std::optional<LogLine> read_log_line(std::string_view line) {
    const auto content = unguarded(line);
    return content ? split_content(*content) : std::nullopt;
}

struct LogReader::Visit {
    struct Early {  // Came before its predecessor.
        std::string record;
        std::uint64_t segment = 0;
    };

    std::string id;
    VisitRecords records;
    std::uint64_t number = 0;   // Up to here everything is taken in.
    std::uint64_t segment = 0;  // The oldest one that `records` rests on.
    std::uint64_t bytes = 0;
    std::map<std::uint64_t, Early> early;
    std::uint64_t highest = 0;
    std::uint64_t oldest_segment = 0;
    std::size_t newest_place = 0;
    std::string trouble;  // The first record that cannot be applied.
    bool done = false;

    void apply(std::uint64_t from_segment, std::uint64_t its_number, std::string_view record);
    void apply_early();
};

LogReader::LogReader() = default;
LogReader::~LogReader() = default;

void LogReader::read(std::uint64_t segment, std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t newline = text.find('\n', at);
        if (newline == std::string_view::npos) {
            ++content_.torn;
            return;
        }
        ++place_;
        const std::string_view line = text.substr(at, newline - at);
        if (const auto read = read_log_line(line)) {
            take(segment, *read, line.size() + 1);
        } else {
            damaged(segment, at, text.substr(at, newline + 1 - at));
        }
        at = newline + 1;
    }
}

LogReader::Visit& LogReader::visit_of(const std::string& visit_id) {
    Visit*& visit = index_[visit_id];
    if (visit == nullptr) {
        visits_.push_back(std::make_unique<Visit>());
        visit = visits_.back().get();
        visit->id = visit_id;
    }
    return *visit;
}

void LogReader::take(std::uint64_t segment, const LogLine& line, std::size_t bytes) {
    Visit& visit = visit_of(line.visit_id);
    visit.highest = std::max(visit.highest, line.number);
    if (visit.oldest_segment == 0) visit.oldest_segment = segment;
    visit.newest_place = place_;
    if (visit.done) return;
    if (line.record == done_text) {
        visit.done = true;
        visit.records = VisitRecords{};
        visit.early.clear();
        return;
    }
    if (line.number <= visit.number) return;  // Written twice, the disk failed in between.
    visit.bytes += bytes;
    if (line.record.starts_with(log_whole_begin)) {
        visit.bytes = bytes;
        visit.segment = segment;
        visit.trouble.clear();
        visit.apply(segment, line.number, line.record);
    } else if (line.number == visit.number + 1) {
        visit.apply(segment, line.number, line.record);
    } else {
        visit.early.try_emplace(line.number, Visit::Early{std::string(line.record), segment});
    }
    visit.apply_early();
}

void LogReader::Visit::apply(std::uint64_t from_segment, std::uint64_t its_number,
                             std::string_view record) {
    number = its_number;
    if (segment == 0) segment = from_segment;
    if (!trouble.empty()) return;
    const std::string where = fmt::format("record {}", its_number);
    try {
        apply_record(records, base::parse_json(record, where), where);
        if (records.visit_id != id) {
            trouble = fmt::format("{} belongs to visit {}", where, records.visit_id);
        }
    } catch (const base::Failure& failure) {
        // This visit's trouble: it is set aside, the others of the log go on.
        trouble = failure.what();
    }
}

void LogReader::Visit::apply_early() {
    while (!early.empty() && early.begin()->first <= number + 1) {
        const auto first = early.extract(early.begin());
        if (first.key() > number) apply(first.mapped().segment, first.key(), first.mapped().record);
    }
}

void LogReader::miss() {
    last_stray_ = ++place_;
}

void LogReader::damaged(std::uint64_t segment, std::size_t offset, std::string_view line) {
    const auto claim = claim_of(line);
    if (claim) {
        lost_[claim->visit_id].emplace(claim->number, place_);
    } else {
        last_stray_ = place_;
    }
    if (!content_.damages.empty()) {
        LogContent::Damage& last = content_.damages.back();
        if (last.segment == segment && last.offset + last.bytes == offset) {
            last.bytes += line.size();
            return;
        }
    }
    content_.damages.push_back({segment, offset, line.size()});
}

// Whole, broken or done.
void LogReader::judge(Visit& visit) {
    if (visit.done) {
        content_.done.insert(visit.id);
        return;
    }
    std::string reason = visit.trouble;
    const auto lost = lost_.find(visit.id);
    if (!reason.empty()) {
        // Told already.
    } else if (!visit.early.empty()) {
        reason = fmt::format("record {} is missing or damaged", visit.number + 1);
    } else if (lost != lost_.end() && lost->second.rbegin()->first > visit.number) {
        reason = fmt::format("record {} is damaged", lost->second.rbegin()->first);
    }
    if (!reason.empty()) {
        content_.broken.push_back({visit.id, reason, visit.highest, visit.oldest_segment});
        return;
    }
    if (!visit.records.end && visit.newest_place < last_stray_) content_.doubtful.insert(visit.id);
    content_.visits.push_back({std::move(visit.records), visit.number, visit.segment, visit.bytes});
}

LogContent LogReader::finish() {
    for (const auto& [id, numbers] : lost_) {
        // The name of the visit was hit itself.
        if (index_.contains(id)) continue;
        for (const auto& [number, place] : numbers) last_stray_ = std::max(last_stray_, place);
    }
    for (const auto& visit : visits_) judge(*visit);
    return std::move(content_);
}

void collect_records(std::string_view segment_text, LooseRecords& wanted) {
    std::size_t at = 0;
    while (at < segment_text.size()) {
        const std::size_t newline = segment_text.find('\n', at);
        if (newline == std::string_view::npos) return;
        const auto line = read_log_line(segment_text.substr(at, newline - at));
        at = newline + 1;
        if (!line || line->record == done_text) continue;
        const auto visit = wanted.find(line->visit_id);
        if (visit != wanted.end()) visit->second[line->number] = std::string(line->record);
    }
}

}  // namespace runner
