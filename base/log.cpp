#include "base/log.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/text.hpp"

namespace base {

namespace {

constexpr std::size_t log_value_max = 2'000;

std::atomic<LogLevel> log_level_least{LogLevel::info};

// True when stderr is the very stream that systemd connected to the journal; the variable alone is
// inherited by children whose stderr has long been a file.
bool log_goes_to_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat now{};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &now) != 0) return false;
    return fmt::format("{}:{}", now.st_dev, now.st_ino) == stream;
}

std::string_view log_prefix(LogLevel level) {
    static const bool journal = log_goes_to_journal();
    switch (level) {
        case LogLevel::debug: return journal ? "<7>" : "debug ";
        case LogLevel::info: return journal ? "<6>" : "info ";
        case LogLevel::warning: return journal ? "<4>" : "warning ";
        case LogLevel::error: return journal ? "<3>" : "error ";
        case LogLevel::off: break;
    }
    return "";
}

// U+0080…U+009F in UTF-8: some terminals obey them as they obey control characters.
bool log_is_c1(std::string_view text, std::size_t at) {
    return text[at] == '\xC2' && at + 1 < text.size() &&
           static_cast<unsigned char>(text[at + 1]) <= 0x9F;
}

bool log_is_plain(std::string_view text) {
    if (text.empty()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7F) return false;
        if (log_is_c1(text, i)) return false;
    }
    return true;
}

void log_escape(std::string& line, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (c == '\n') {
            line += "\\n";
        } else if (c == '\r') {
            line += "\\r";
        } else if (c == '\t') {
            line += "\\t";
        } else if (static_cast<unsigned char>(c) < ' ' || c == '\x7F') {
            line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else if (log_is_c1(text, i)) {
            line += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
        } else {
            line += c;
        }
    }
}

void log_write(std::string_view line) {
    while (!line.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
        // A log that cannot be written has nowhere to complain to; the work goes on.
        if (written < 0 && errno != EINTR) return;
        if (written > 0) line.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

LogField::LogField(std::string_view name, double number)
    : key(name), value(fmt::format("{}", number)) {}

void log(LogLevel level, std::string_view event, LogFields fields) {
    if (level == LogLevel::off || level < log_level_least.load(std::memory_order_relaxed)) return;
    std::string line(log_prefix(level));
    line += log_line(event, fields);
    line += '\n';
    log_write(line);
}

void set_log_level(LogLevel level) {
    log_level_least.store(level, std::memory_order_relaxed);
}

std::string log_line(std::string_view event, LogFields fields) {
    std::string line;
    log_escape(line, cut(clean_utf8(event), log_value_max));
    for (const LogField& field : fields) {
        const std::string value = cut(clean_utf8(field.value), log_value_max);
        line += ' ';
        line += field.key;
        line += '=';
        if (log_is_plain(value)) {
            line += value;
        } else {
            line += '"';
            log_escape(line, value);
            line += '"';
        }
    }
    return line;
}

}  // namespace base
