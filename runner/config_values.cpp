#include "runner/config_values.hpp"

#include <arpa/inet.h>
#include <algorithm>

#include <charconv>

#include <fmt/format.h>

#include "base/address.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/text.hpp"
#include "catalog/cadence.hpp"

namespace runner {

using base::Failure;

[[noreturn]] void refuse_setting(std::string_view valid) {
    throw Failure{Failure::Kind::invalid, fmt::format("must be {}", valid)};
}

std::int64_t setting_number(const std::string& text, std::int64_t min, std::int64_t max) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < min || number > max) {
        refuse_setting(fmt::format("a whole number from {} to {}", min, max));
    }
    return number;
}

std::chrono::seconds setting_duration(const std::string& text, std::chrono::hours max) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const std::int64_t scale = unit.empty() || unit == "s" ? 1
                               : unit == "m"               ? 60
                               : unit == "h"               ? 3600
                                                           : 0;
    const std::int64_t most = std::chrono::seconds(max).count();
    if (error != std::errc{} || scale == 0 || number < 0 || number > most / scale) {
        refuse_setting(fmt::format("a duration such as 90s, 10m or 2h, at most {}h", max.count()));
    }
    return std::chrono::seconds(number * scale);
}

double setting_usd(const std::string& text) {
    if (text.empty()) return 0;
    double usd = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), usd);
    if (error != std::errc{} || end != text.data() + text.size() || !(usd >= 0 && usd <= 1e6)) {
        refuse_setting("an amount of US dollars such as 0.25, at most 1000000; 0 or empty: none");
    }
    return usd;
}

bool setting_flag(const std::string& text) {
    for (const char* word : {"1", "true", "yes", "on"}) {
        if (base::equals_ignoring_case(text, word)) return true;
    }
    for (const char* word : {"0", "false", "no", "off", ""}) {
        if (base::equals_ignoring_case(text, word)) return false;
    }
    refuse_setting("true or false");
}

base::Secret setting_secret(const std::string& text) {
    if (text.empty()) refuse_setting("a secret, not empty");
    return base::Secret(text);
}

std::string setting_domain(const std::string& text) {
    const bool plain = text.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789.-") == std::string::npos;
    if (!plain) refuse_setting("a domain such as .example.com");
    return text;
}

std::string setting_word(const std::string& text) {
    if (text.empty() || text.find(' ') != std::string::npos) refuse_setting("one word");
    return text;
}

std::string without_passwords(std::string_view text) {
    constexpr std::string_view mark = "://";
    std::string shown;
    for (;;) {
        const std::size_t at = text.find(mark);
        if (at == std::string_view::npos) return shown.append(text);
        const std::size_t begin = at + mark.size();
        shown.append(text.substr(0, begin));
        text.remove_prefix(begin);
        // Up to the last @ before the next URL: a password with a '/', a blank or an '@' of its own
        // is wrong, and no less secret.
        const std::size_t end = text.substr(0, text.find(mark)).rfind('@');
        if (end == std::string_view::npos) continue;
        shown.append("***");
        text.remove_prefix(end);
    }
}

std::string setting_url(const std::string& text) {
    if (text.empty()) return text;
    const std::string_view url = text;
    const std::size_t mark = url.find("://");
    if (mark != std::string_view::npos && url.find('@', mark) != std::string_view::npos) {
        const std::string_view rest = url.substr(mark + 3);
        if (rest.substr(0, rest.find_first_of("/?#")).find('@') != std::string_view::npos)
            refuse_setting("a URL without user name and password before the host");
    }
    try {
        base::origin_of(text);
    } catch (const Failure&) {
        // The general text does not say what this knob takes.
        refuse_setting("an http:// or https:// URL");
    }
    return text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
}

std::string setting_endpoint(const std::string& text) {
    setting_url(text);  // Refuses what is none. Here a slash at the end is another address.
    return text;
}

std::string setting_servers(const std::string& text) {
    const bool is_list = text.starts_with('{') || text.starts_with('/') || text.starts_with('.');
    return is_list ? text : setting_endpoint(text);
}

base::Secret setting_database(const std::string& text) {
    if (!text.empty() && !text.starts_with("postgresql://") && !text.starts_with("postgres://") &&
        text.find('=') == std::string::npos) {
        refuse_setting("a postgresql:// URL or a key=value connection string");
    }
    return base::Secret(text);
}

std::string setting_model(const std::string& text) {
    if (text.empty() || text.size() > 200) refuse_setting("a model id such as claude-sonnet-5-5");
    return text;
}

std::string setting_address(const std::string& text) {
    in_addr four{};
    in6_addr six{};
    const bool number = ::inet_pton(AF_INET, text.c_str(), &four) == 1 ||
                        ::inet_pton(AF_INET6, text.c_str(), &six) == 1;
    if (!number && text != "localhost") {
        refuse_setting("an IP address such as 127.0.0.1 or 0.0.0.0");
    }
    return text;
}

std::string setting_effort(const std::string& text) {
    for (const char* word : {"", "low", "medium", "high", "xhigh", "max"}) {
        if (text == word) return text;
    }
    refuse_setting("low, medium, high, xhigh, max or empty");
}

bool setting_production(const std::string& text) {
    if (text == "production") return true;
    if (text == "development" || text == "test" || text.empty()) return false;
    refuse_setting("production or development");
}

base::LogLevel setting_level(const std::string& text) {
    if (text == "debug") return base::LogLevel::debug;
    if (text == "info") return base::LogLevel::info;
    if (text == "warning") return base::LogLevel::warning;
    if (text == "error") return base::LogLevel::error;
    refuse_setting("debug, info, warning or error");
}

std::vector<std::string> setting_list(const std::string& text) {
    std::vector<std::string> items;
    for (const std::string_view item : base::split(text, ',')) {
        if (!base::trim(item).empty()) items.emplace_back(base::trim(item));
    }
    return items;
}

std::vector<std::string> setting_origins(const std::string& text) {
    std::vector<std::string> items = setting_list(text);
    for (std::string& item : items) {
        if (setting_url(item) != base::origin_of(item))
            refuse_setting("a comma list of origins such as https://app.example.com");
    }
    return items;
}

std::vector<std::string> setting_addresses(const std::string& text) {
    std::vector<std::string> items = setting_list(text);
    for (const std::string& item : items) {
        if (!base::AddressRange::read(item)) {
            refuse_setting("a comma list of IP addresses or ranges such as 10.0.0.0/8");
        }
    }
    return items;
}

std::vector<std::string> setting_feeds(const std::string& text) {
    constexpr std::size_t feeds_max = 50;
    std::string blanks = text;
    std::replace_if(
        blanks.begin(), blanks.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    std::vector<std::string> items;
    for (const std::string_view item : base::split(blanks, ' ')) {
        if (item.empty()) continue;
        try {
            base::origin_of(item);
        } catch (const Failure&) {
            // The general text does not say what this knob takes.
            refuse_setting("http:// or https:// addresses of feeds, separated by blanks");
        }
        items.emplace_back(item);
    }
    if (items.size() > feeds_max) refuse_setting("at most 50 addresses");
    return items;
}

std::vector<std::string> setting_tools(const std::string& text) {
    std::vector<std::string> items = setting_list(text);
    for (const std::string& item : items) {
        const std::size_t dot = item.find('.');
        const bool pattern = dot != std::string::npos && dot > 0 && dot + 1 < item.size() &&
                             (item.substr(dot + 1) == "*" || item.find('*') == std::string::npos);
        if (item != "*" && !pattern) {
            refuse_setting("a comma list of tools such as todo.delete, \"todo.*\" or \"*\"");
        }
    }
    return items;
}

std::string setting_policy(const std::string& text) {
    for (const char* word : {"off", "log-only", "enforce"}) {
        if (text == word) return text;
    }
    refuse_setting("off, log-only or enforce");
}

std::filesystem::path setting_folder(const std::string& text) {
    if (text.empty()) refuse_setting("a directory");
    return std::filesystem::absolute(text);
}

std::string setting_zone(const std::string& text) {
    try {
        catalog::require_zone(text);
    } catch (const Failure&) {
        // Its own text repeats the value.
        refuse_setting("an IANA time zone such as Europe/Berlin");
    }
    return text;
}

}  // namespace runner
