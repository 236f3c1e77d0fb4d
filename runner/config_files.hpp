// The files that settings are read from: one secret each, or lines of VARIABLE=value.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace runner {

// Without white space at its ends; at most 64 KiB. Failure::invalid names `variable` and the file
// when it cannot be read.
std::string read_secret_file(const std::string& path, std::string_view variable);

// VARIABLE=value lines, '#' comments, quotes of either kind around a value: what systemd takes as
// an EnvironmentFile (but no value over several lines). Failure::invalid names --config, or file
// and line; `is_known` says which variables there are.
std::map<std::string, std::string, std::less<>> read_config_file(
    const std::string& path, const std::function<bool(std::string_view)>& is_known);

}  // namespace runner
