#include "runner/config_files.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace runner {

namespace {

using base::Failure;

constexpr std::size_t config_file_bytes_max = 1024 * 1024;
constexpr std::size_t secret_file_bytes_max = 64 * 1024;

// Also of a pipe, as in --config <(…). `what` begins the message: whose file it is.
std::string read_settings_file(const std::string& path, std::string_view what,
                               std::size_t bytes_max) {
    const auto refuse = [&](std::string_view why) {
        return Failure{Failure::Kind::invalid,
                       fmt::format("{}: cannot read the file {}: {}", what, path, why)};
    };
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw refuse(std::strerror(errno));
    std::string text;
    ssize_t count = 0;
    int error = 0;
    for (;;) {
        char bytes[16 * 1024];
        count = ::read(file, bytes, sizeof bytes);
        error = count < 0 ? errno : 0;
        if (count < 0 && error == EINTR) continue;
        if (count <= 0 || text.size() > bytes_max) break;
        text.append(bytes, static_cast<std::size_t>(count));
    }
    ::close(file);
    if (error != 0) throw refuse(std::strerror(error));
    if (text.size() > bytes_max) throw refuse(fmt::format("at most {} KiB", bytes_max / 1024));
    return text;
}

std::string_view without_quotes(std::string_view value) {
    const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                        (value.front() == '"' || value.front() == '\'');
    return quoted ? value.substr(1, value.size() - 2) : value;
}

}  // namespace

std::string read_secret_file(const std::string& path, std::string_view variable) {
    const std::string text = read_settings_file(path, variable, secret_file_bytes_max);
    return std::string(base::trim(text));
}

std::map<std::string, std::string, std::less<>> read_config_file(
    const std::string& path, const std::function<bool(std::string_view)>& is_known) {
    const std::string text = read_settings_file(path, "--config", config_file_bytes_max);
    std::map<std::string, std::string, std::less<>> values;
    int number = 0;
    for (const std::string_view whole : base::split(text, '\n')) {
        ++number;
        const std::string_view line = base::trim(whole);
        if (line.empty() || line.starts_with('#')) continue;
        const std::size_t equals = line.find('=');
        const std::string name(base::trim(line.substr(0, equals)));
        if (equals == std::string_view::npos || !is_known(name)) {
            throw Failure{
                Failure::Kind::invalid,
                fmt::format("{}:{}: expected VARIABLE=value with a variable that `persona-runner "
                            "settings` lists",
                            path, number)};
        }
        values[name] = without_quotes(base::trim(line.substr(equals + 1)));
    }
    return values;
}

}  // namespace runner
