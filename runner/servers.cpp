#include "runner/servers.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "runner/config_values.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;
using clients::McpServer;

constexpr std::size_t servers_max = 32;
constexpr std::size_t servers_text_bytes_max = 256 * 1024;
constexpr std::size_t server_alias_bytes_max = 32;
constexpr std::size_t server_headers_max = 32;
constexpr std::size_t server_tools_max = 200;

[[noreturn]] void refuse_servers(const std::string& reason) {
    throw Failure{Failure::Kind::invalid, "MANA_MCP_URL: " + reason};
}

// What our own requests say themselves.
bool is_our_header(const std::string& name) {
    constexpr std::array<std::string_view, 6> ours{"authorization",  "accept", "content-type",
                                                   "content-length", "host",   "x-mana-space"};
    const std::string lower = base::lower_ascii(name);
    return lower.starts_with("mcp-") || std::find(ours.begin(), ours.end(), lower) != ours.end();
}

bool is_word(std::string_view text, std::string_view marks) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [marks](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
               (each >= '0' && each <= '9') || marks.find(each) != marks.npos;
    });
}

std::string servers_file(const std::string& path, const char* what) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (in) text << in.rdbuf();
    if (!in || text.str().size() > servers_text_bytes_max) {
        refuse_servers(fmt::format("cannot read the {} {} (at most 256 KiB)", what, path));
    }
    return text.str();
}

// "${NAME}" in a text becomes the variable's value.
std::string expanded(const std::string& text, const std::string& where,
                     const Variables& variables) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = text.find("${", at);
        if (begin == text.npos) return out + text.substr(at);
        const std::size_t end = text.find('}', begin);
        const std::string name = end == text.npos ? "" : text.substr(begin + 2, end - begin - 2);
        if (!is_word(name, "_")) {
            refuse_servers(where + " must name variables as ${NAME}");
        }
        const auto value = variables(name);
        if (!value || value->empty()) {
            refuse_servers(fmt::format("{} needs the variable {}, which is not set", where, name));
        }
        out += text.substr(at, begin - at) + std::string(base::trim(*value));
        at = end + 1;
    }
    return out;
}

void read_bearer(const base::Fields& entry, McpServer& server, const Variables& variables) {
    const std::string where = entry.path_of("bearer");
    const std::string text =
        entry.text_or_none("bearer").value_or(server.url.empty() ? "login" : "none");
    if (text == "login" || text == "none") {
        server.bearer = text == "login" ? McpServer::Bearer::login : McpServer::Bearer::none;
    } else if (text.starts_with("${")) {
        server.bearer = McpServer::Bearer::fixed;
        server.token = base::Secret(expanded(text, where, variables));
    } else if (text.starts_with("file:")) {
        server.bearer = McpServer::Bearer::fixed;
        server.token =
            base::Secret(std::string(base::trim(servers_file(text.substr(5), "token file"))));
    } else {
        // The text may be a token, so it is not repeated.
        refuse_servers(where + " must be login, none, ${VARIABLE} or file:PATH");
    }
    if (server.bearer == McpServer::Bearer::fixed && !is_word(server.token.reveal(), "-._~+/=")) {
        refuse_servers(where + " gives a token that cannot be sent");
    }
}

void read_headers(const base::Fields& entry, McpServer& server, const Variables& variables) {
    if (!entry.has("headers")) return;
    const Json& headers = entry.object("headers");
    if (headers.size() > server_headers_max) entry.fail("headers", "at most 32 headers");
    for (const auto& [name, value] : headers.items()) {
        const std::string where = entry.path_of("headers") + "." + base::cut(name, 64);
        if (!is_word(name, "-_") || is_our_header(name)) {
            refuse_servers(where + " is no header that could be added");
        }
        if (!value.is_string()) refuse_servers(where + " must be a text");
        std::string text = expanded(value.get<std::string>(), where, variables);
        const bool plain =
            std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
        if (!plain) refuse_servers(where + " must be plain ASCII in one line");
        server.headers.emplace_back(name, std::move(text));
    }
}

void read_wanted_tools(const base::Fields& entry, McpServer& server) {
    if (!entry.has("tools")) return;
    for (const Json& pattern : entry.array("tools", server_tools_max)) {
        if (!pattern.is_string() || pattern.get_ref<const std::string&>().empty()) {
            entry.fail("tools", "a list of the tools' names; * stands for any text");
        }
        server.tools.push_back(pattern.get<std::string>());
    }
    if (server.tools.empty()) entry.fail("tools", "left out (all are wanted) or name some");
}

McpServer read_server(const std::string& alias, const base::Fields& entry,
                      const Variables& variables) {
    if (!is_word(alias, "-_") || alias.size() > server_alias_bytes_max) {
        refuse_servers("a server's name must be 1 to 32 letters, digits, - or _");
    }
    McpServer server{.alias = alias};
    const bool hosted = entry.flag_or_none("hosted").value_or(false);
    if (hosted == entry.has("url")) {
        refuse_servers(
            fmt::format("mcpServers.{} must have either \"url\" or \"hosted\": true", alias));
    }
    if (!hosted) {
        try {
            server.url = setting_endpoint(entry.text("url"));
        } catch (const Failure& failure) {
            // The reader of URLs does not know where this one stands.
            refuse_servers(entry.path_of("url") + " " + failure.what());
        }
    }
    read_bearer(entry, server, variables);
    read_headers(entry, server, variables);
    read_wanted_tools(entry, server);
    constexpr std::array<std::string_view, 3> eras{"auto", "sessions", "stateless"};
    server.era = static_cast<clients::McpEra>(entry.word_or_none("era", eras).value_or(0));
    if (hosted && (server.bearer != McpServer::Bearer::login || !server.headers.empty())) {
        refuse_servers(fmt::format("mcpServers.{} is ours: it takes the login, no headers", alias));
    }
    entry.only(std::array<std::string_view, 7>{"url", "hosted", "bearer", "headers", "tools", "era",
                                               "type"});
    return server;
}

std::string host_of(const std::string& url) {
    std::string origin = base::origin_of(url);
    origin.erase(0, origin.find("://") + 3);
    if (origin.starts_with('[')) return origin.substr(0, origin.find(']') + 1);
    return origin.substr(0, origin.find(':'));
}

// This machine, a neighbour without a domain (a container), the auth service's host or below it.
bool is_at_home(const std::string& url, const std::string& auth_url) {
    const std::string host = host_of(url);
    if (host == "[::1]" || host.starts_with("127.") || host.find('.') == host.npos) return true;
    if (auth_url.empty()) return false;
    const std::string home = host_of(auth_url);
    return host == home || host.ends_with("." + home);
}

std::vector<McpServer> read_list(const std::string& text, const std::string& name,
                                 const Variables& variables) {
    try {
        const Json json = base::parse_json(text, name);
        const base::Fields file(json);
        std::vector<McpServer> servers;
        for (const auto& [alias, entry] : file.object("mcpServers").items()) {
            const base::Fields fields(entry, "mcpServers." + base::cut(alias, 64));
            servers.push_back(read_server(alias, fields, variables));
        }
        if (servers.empty() || servers.size() > servers_max) {
            refuse_servers("mcpServers must name 1 to 32 servers");
        }
        const auto hosted = std::count_if(servers.begin(), servers.end(),
                                          [](const McpServer& one) { return one.url.empty(); });
        if (hosted > 1) refuse_servers("only one server can be hosted here");
        return servers;
    } catch (const Failure& failure) {
        // The readers of fields do not know whose text it is.
        const std::string reason = failure.what();
        if (reason.starts_with("MANA_MCP_URL")) throw;
        refuse_servers(reason);
    }
}

}  // namespace

std::vector<McpServer> read_servers(const std::string& text, const std::string& auth_url,
                                    const Variables& variables) {
    if (text.starts_with('{')) return read_list(text, "the list of servers", variables);
    if (text.starts_with('/') || text.starts_with('.')) {
        return read_list(servers_file(text, "file"), text, variables);
    }
    McpServer product{.url = text};
    if (!text.empty() && !is_at_home(text, auth_url)) {
        refuse_servers(fmt::format(
            "{} is not at the auth service's address; say whether it may have the personas' access "
            "tokens: {{\"mcpServers\":{{\"product\":{{\"url\":\"{}\",\"bearer\":\"login\"}}}}}} "
            "(or none, ${{VARIABLE}}, file:PATH)",
            base::origin_of(text), base::cut(text, 200)));
    }
    return {product};
}

std::vector<std::string> login_urls(const std::vector<McpServer>& servers) {
    std::vector<std::string> urls;
    for (const McpServer& server : servers) {
        if (server.bearer == McpServer::Bearer::login && !server.url.empty())
            urls.push_back(server.url);
    }
    return urls;
}

std::string product_url(const std::vector<McpServer>& servers) {
    const std::vector<std::string> urls = login_urls(servers);
    return urls.empty() ? servers.front().url : urls.front();
}

void name_hosted(std::vector<McpServer>& servers, const std::string& url) {
    for (McpServer& server : servers) {
        if (server.url.empty()) server.url = url;
    }
}

bool are_all_hosted(const std::vector<McpServer>& servers) {
    return std::all_of(servers.begin(), servers.end(),
                       [](const McpServer& one) { return one.url.empty(); });
}

}  // namespace runner
