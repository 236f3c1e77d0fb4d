#include "base/server_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace base {

namespace {

constexpr std::array<std::string_view, 7> head_methods = {"GET",   "HEAD",   "POST",   "PUT",
                                                          "PATCH", "DELETE", "OPTIONS"};
// Two of one of these mean that sender and proxy may disagree about who asks for what.
constexpr std::array<std::string_view, 7> head_singles = {
    "host",         "content-length", "authorization", "x-service-key",
    "content-type", "x-mana-space",   "mcp-session-id"};

void head_refuse(ServerHead& head, int status, std::string reason) {
    if (head.refused != 0) return;
    head.refused = status;
    head.refusal = std::move(reason);
    head.close = true;
}

int head_hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

void head_read_query(ServerHead& head, std::string_view query) {
    if (query.empty()) return;
    for (std::string_view part : split(query, '&')) {
        if (part.empty()) continue;
        std::size_t equals = part.find('=');
        std::string_view value = equals == part.npos ? "" : part.substr(equals + 1);
        auto name = percent_decoded(part.substr(0, equals), true);
        auto decoded = percent_decoded(value, true);
        if (!name || !decoded)
            return head_refuse(head, 400, "query: every % needs two hex digits and valid UTF-8");
        head.request.query.emplace(std::move(*name), std::move(*decoded));
    }
}

void head_read_target(ServerHead& head) {
    std::string_view target = head.request.target;
    if (target.empty() || target[0] != '/')
        return head_refuse(head, 400, "request target: must start with '/'");
    std::size_t question = target.find('?');
    std::string_view path = target.substr(0, question);
    auto whole = percent_decoded(path, false);
    if (!whole) return head_refuse(head, 400, "path: every % needs two hex digits and valid UTF-8");
    head.request.path = std::move(*whole);
    if (path != "/") {
        for (std::string_view segment : split(path.substr(1), '/'))
            head.segments.push_back(percent_decoded(segment, false).value_or(""));
    }
    if (question != target.npos) head_read_query(head, target.substr(question + 1));
}

void head_read_request_line(ServerHead& head, std::string_view line) {
    std::size_t first = line.find(' ');
    std::size_t last = line.rfind(' ');
    if (first == line.npos || first == last)
        return head_refuse(head, 400, "request line: must be METHOD TARGET HTTP/1.1");
    head.request.method = line.substr(0, first);
    head.request.target = line.substr(first + 1, last - first - 1);
    std::string_view version = line.substr(last + 1);
    if (version == "HTTP/1.0") head.close = true;
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return head_refuse(head, 505, "HTTP version: must be HTTP/1.1");
    if (std::ranges::find(head_methods, head.request.method) == head_methods.end())
        return head_refuse(head, 501,
                           "method: must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS");
    if (head.request.target.find(' ') != std::string::npos)
        return head_refuse(head, 400, "request target: blanks must be written as %20");
    head_read_target(head);
}

void head_read_header(ServerHead& head, std::string_view line) {
    std::size_t colon = line.find(':');
    if (colon == line.npos || !is_header_name(line.substr(0, colon)))
        return head_refuse(head, 400, "header line: must be Name: value");
    std::string_view value = trim(line.substr(colon + 1));
    if (!is_header_value(value))
        return head_refuse(head, 400, "header value: must not hold control characters");
    std::string name = lower_ascii(line.substr(0, colon));
    if (std::ranges::find(head_singles, name) != head_singles.end() &&
        head.request.headers.contains(name))
        return head_refuse(head, 400, "header " + name + ": must be sent once");
    head.request.headers.emplace(std::move(name), value);
}

// Whether the comma separated header holds the word.
bool head_header_lists(const ServerRequest& request, const std::string& name,
                       std::string_view word) {
    auto [begin, end] = request.headers.equal_range(name);
    for (auto it = begin; it != end; ++it) {
        for (std::string_view part : split(it->second, ','))
            if (equals_ignoring_case(trim(part), word)) return true;
    }
    return false;
}

void head_read_framing(ServerHead& head, std::size_t body_bytes_max) {
    const ServerRequest& request = head.request;
    if (head_header_lists(request, "connection", "close")) head.close = true;
    head.expects_continue = head_header_lists(request, "expect", "100-continue");
    if (request.has_header("transfer-encoding"))
        return head_refuse(head, 411, "transfer-encoding: not accepted, send a content-length");
    if (!head.close && !request.has_header("host"))
        return head_refuse(head, 400, "header host: must be sent once");
    std::string_view length = request.header("content-length");
    if (!request.has_header("content-length")) return;
    const char* end = length.data() + length.size();
    auto [stop, error] = std::from_chars(length.data(), end, head.content_length);
    if (error == std::errc::result_out_of_range && stop == end)
        head.content_length = body_bytes_max + 1;
    else if (error != std::errc() || stop != end || length[0] == '-')
        return head_refuse(head, 400, "header content-length: must be a whole number of bytes");
    if (head.content_length > body_bytes_max)
        head_refuse(head, 413,
                    "request body: at most " + std::to_string(body_bytes_max) + " bytes");
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_blank) {
            result += ' ';
        } else if (text[i] != '%') {
            result += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            int high = head_hex_value(text[i + 1]);
            int low = head_hex_value(text[i + 2]);
            if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
            result += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (!is_valid_utf8(result)) return std::nullopt;
    return result;
}

bool is_header_name(std::string_view name) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::ranges::all_of(name, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               marks.find(c) != marks.npos;
    });
}

bool is_header_value(std::string_view value) {
    return std::ranges::none_of(
        value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

ServerHead parse_server_head(std::string_view text, std::size_t header_count_max,
                             std::size_t body_bytes_max) {
    ServerHead head;
    std::size_t lines = 0;
    while (!text.empty() && head.refused == 0) {
        std::size_t end = std::min(text.find("\r\n"), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 2, text.size()));
        if (line.size() > head_line_bytes_max)
            head_refuse(head, lines == 0 ? 414 : 431,
                        "request head: a line has at most 8192 characters");
        else if (line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos)
            head_refuse(head, 400, "request head: lines must end with CR LF");
        else if (lines == 0)
            head_read_request_line(head, line);
        else if (lines > header_count_max)
            head_refuse(head, 431,
                        "headers: at most " + std::to_string(header_count_max) + " lines");
        else
            head_read_header(head, line);
        ++lines;
    }
    if (lines == 0) head_refuse(head, 400, "request line: must be METHOD TARGET HTTP/1.1");
    if (head.refused == 0) head_read_framing(head, body_bytes_max);
    return head;
}

}  // namespace base
