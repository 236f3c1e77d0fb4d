// Texts of settings → values: what is valid, and what the failure says. Each throws
// Failure::invalid with the words behind "must be"; whoever calls names the variable.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/secret.hpp"

namespace runner {

[[noreturn]] void refuse_setting(std::string_view valid);
std::int64_t setting_number(const std::string& text, std::int64_t min, std::int64_t max);
// "90", "90s", "10m", "2h"; whole seconds, not negative.
std::chrono::seconds setting_duration(const std::string& text, std::chrono::hours max);
// Empty: 0.
double setting_usd(const std::string& text);
bool setting_flag(const std::string& text);
base::Secret setting_secret(const std::string& text);
std::string setting_domain(const std::string& text);
std::string setting_word(const std::string& text);
// http or https, without user name and password; a slash at its end is dropped.
std::string setting_url(const std::string& text);
std::string setting_endpoint(const std::string& text);  // A URL kept as it is.
// The text as it may be repeated: what stands for a user and a password in URLs becomes "***".
std::string without_passwords(std::string_view text);
// One URL, the text of a JSON object, or a path; what is in them is read later.
std::string setting_servers(const std::string& text);
base::Secret setting_database(const std::string& text);
std::string setting_model(const std::string& text);
std::string setting_address(const std::string& text);
std::string setting_effort(const std::string& text);
bool setting_production(const std::string& text);
base::LogLevel setting_level(const std::string& text);
std::vector<std::string> setting_list(const std::string& text);
std::vector<std::string> setting_origins(const std::string& text);
std::vector<std::string> setting_addresses(const std::string& text);
// Addresses of feeds, separated by blanks or line ends; at most 50, each http or https.
std::vector<std::string> setting_feeds(const std::string& text);
// Names of tools, "module.*" or "*", separated by commas.
std::vector<std::string> setting_tools(const std::string& text);
std::string setting_policy(const std::string& text);
std::filesystem::path setting_folder(const std::string& text);
std::string setting_zone(const std::string& text);

}  // namespace runner
