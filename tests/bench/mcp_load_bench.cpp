// Tool calls at an MCP server of the stateless revision: many connections at once, one call after
// the other on each. Prints one line of JSON.
//
//   bench_mcp_load URL TOOL CONNECTIONS CALLS
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/group.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "clients/mcp_message.hpp"
#include "clients/mcp_stateless.hpp"

namespace {

struct Load {
    Load(std::string server, std::string tool_name, int calls)
        : url(std::move(server)), tool(std::move(tool_name)), left(calls) {}

    base::HttpRequest request() {
        base::Json params;
        params["name"] = tool;
        params["arguments"] = base::Json::object();
        clients::add_stateless_meta(params);
        base::HttpRequest post{.method = "POST", .url = url};
        post.headers = {{"accept", "application/json, text/event-stream"},
                        {"content-type", "application/json"},
                        {"mcp-protocol-version", "2026-07-28"}};
        for (auto& header : clients::stateless_headers("tools/call", params)) {
            post.headers.push_back(std::move(header));
        }
        post.body = clients::rpc_request(++last_id, "tools/call", params);
        return post;
    }

    base::Task<void> call_on() {
        while (left-- > 0) {
            const base::Steady begun = loop.now();
            const base::HttpResponse response = co_await http.send(request());
            const std::chrono::duration<double, std::milli> took = loop.now() - begun;
            const bool good =
                response.status == 200 && response.body.find("\"content\"") != std::string::npos;
            if (good) ms.push_back(took.count());
        }
    }
    base::Task<void> run(int connections) {
        base::Group group{loop};
        for (int i = 0; i < connections; ++i) group.add(call_on());
        co_await group.all();
    }

    base::SystemClock clock;
    base::Loop loop{clock};
    base::Http http{loop, {.shards = 1, .idle_connections_max = 128}};
    const std::string url, tool;
    int left;
    std::int64_t last_id = 0;
    std::vector<double> ms;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: bench_mcp_load URL TOOL CONNECTIONS CALLS\n", stderr);
        return 2;
    }
    const int connections = std::atoi(argv[3]), calls = std::atoi(argv[4]);
    try {
        {
            Load warm(argv[1], argv[2], calls / 10);
            warm.loop.run(warm.run(connections));
        }
        Load load(argv[1], argv[2], calls);
        const auto begun = std::chrono::steady_clock::now();
        load.loop.run(load.run(connections));
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
        if (load.ms.size() != static_cast<std::size_t>(calls)) {
            std::fprintf(stderr, "only %zu of %d calls were answered well\n", load.ms.size(),
                         calls);
            return 1;
        }
        std::sort(load.ms.begin(), load.ms.end());
        std::printf("{\"calls_per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
                    calls / took.count(), load.ms[load.ms.size() / 2],
                    load.ms[load.ms.size() * 99 / 100]);
    } catch (const base::Failure& failure) {
        std::fprintf(stderr, "%s\n", failure.what());
        return 1;
    }
    return 0;
}
