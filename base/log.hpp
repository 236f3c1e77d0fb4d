// One line per event on stderr: event words first, then key=value. journald adds the time.
//
//   visit done persona=anna visit=7f3a status=finished actions=6 ratings=3 ms=40210
//
// Never logged: prompts, replies, passwords, tokens, keys, whole bodies (a Secret does not convert
// to a field). Keys are the same everywhere: persona visit tick module tool attempt kind ms reason.
// Any thread may call these; a line is written with one write(2).
#pragma once

#include <chrono>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { debug, info, warning, error, off };

struct LogField {
    LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
    LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
    LogField(std::string_view name, const char* text) : key(name), value(text) {}
    LogField(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
    LogField(std::string_view name, double number);
    LogField(std::string_view name, std::integral auto number)
        : key(name), value(std::to_string(number)) {}
    LogField(std::string_view name, std::chrono::milliseconds span)
        : key(name), value(std::to_string(span.count())) {}

    std::string_view key;
    std::string value;
};

using LogFields = std::initializer_list<LogField>;

void log(LogLevel level, std::string_view event, LogFields fields = {});

inline void log_debug(std::string_view event, LogFields fields = {}) {
    log(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
    log(LogLevel::info, event, fields);
}
inline void log_warning(std::string_view event, LogFields fields = {}) {
    log(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
    log(LogLevel::error, event, fields);
}

void set_log_level(LogLevel level);

// The line without newline and level prefix: values with blanks, quotes or control characters are
// quoted and escaped, so that nobody can forge a second line. Cut at 2,000 characters per value.
std::string log_line(std::string_view event, LogFields fields);

}  // namespace base
