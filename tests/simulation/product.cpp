#include "tests/simulation/product.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

const Json& product_tools() {
    static const Json tools = base::parse_json(R"([
        {"name":"todo.create","description":"Neue Aufgabe",
         "inputSchema":{"type":"object","properties":{"title":{"type":"string"}},
         "required":["title"]}},
        {"name":"todo.list","description":"Alle Aufgaben","inputSchema":{"type":"object"},
         "annotations":{"readOnlyHint":true}},
        {"name":"notes.add","description":"Notiz",
         "inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}},
        {"name":"mood.log","description":"Stimmung",
         "inputSchema":{"type":"object","properties":{"level":{"type":"integer"}}}}])",
                                               "tools");
    return tools;
}

}  // namespace

Product::Product(const Profile& profile, const Network& network, const AuthService& auth,
                 const Disks& disks, Trace& trace, Referee& referee)
    : profile_(profile),
      network_(network),
      auth_(auth),
      disks_(disks),
      trace_(trace),
      referee_(referee),
      dice_(profile.seed, 4) {}

Reply Product::answer(const Json& message, Json result) {
    Json body{{"jsonrpc", "2.0"}, {"id", message.at("id")}, {"result", std::move(result)}};
    if (dice_.chance(0.6)) return Reply::json(body);
    const std::string event = "event: message\ndata: " + base::to_text(body) + "\n\n";
    const std::size_t half = event.size() / 2;
    return {.headers = {{"content-type", "text/event-stream"}},
            .pieces = {{1ms, event.substr(0, half)}, {2ms, event.substr(half)}}};
}

Reply Product::serve(const base::HttpRequest& request, Caller caller) {
    if (request.method == "DELETE") {
        sessions_.erase(header_of(request, "mcp-session-id"));
        return Reply::bare(204);
    }
    if (request.method == "GET") return Reply::bare(405);
    std::string bearer = header_of(request, "authorization");
    bearer.erase(0, std::min<std::size_t>(7, bearer.size()));
    const AuthService::Token token = auth_.token(bearer);
    if (!token.valid) return Reply::json({{"error", "the token is over"}}, 401);
    const Json message = base::parse_json(request.body.text(), "message");
    const std::string method = message.value("method", "");
    if (method == "server/discover") return Reply::bare(404);  // It knows sessions only.
    if (method == "initialize") {
        const std::string id = fmt::format("session-{}", next_session_++);
        sessions_[id] = token.persona;
        Reply reply = Reply::json({{"jsonrpc", "2.0"},
                                   {"id", message.at("id")},
                                   {"result",
                                    {{"protocolVersion", "2025-11-25"},
                                     {"capabilities", {{"tools", Json::object()}}},
                                     {"serverInfo", {{"name", "simulated"}, {"version", "1"}}}}}});
        reply.headers.emplace_back("mcp-session-id", id);
        return reply;
    }
    const std::string session = header_of(request, "mcp-session-id");
    if (!network_.calm() && dice_.chance(profile_.session_lost)) sessions_.erase(session);
    if (!sessions_.contains(session)) return Reply::json({{"error", "no such session"}}, 404);
    if (method.empty() || method.starts_with("notifications/")) return Reply::bare(202);
    if (method == "tools/list") return answer(message, {{"tools", product_tools()}});
    if (method == "tools/call") return call(request, message, caller);
    referee_.fail(Invariant::nothing_unknown, "MCP method " + method);
    return Reply::bare(400);
}

void Product::check_right(const std::string& visit_id, int seq, Caller caller) {
    const std::string name = fmt::format("{}/{}", visit_id, seq);
    const KnownVisit* visit = auth_.visit(visit_id);
    if (visit == nullptr) {
        return referee_.fail(Invariant::nothing_unknown, "call " + name + " of an unknown visit");
    }
    if (!auth_.is_alive(visit->runner)) {
        referee_.fail(Invariant::no_call_after_lease, "call " + name + " arrives");
    }
    const KnownVisit* running = auth_.running_visit_of(visit->persona);
    for (const auto& [id, other] : auth_.visits()) {
        const bool beside = other.running() && other.persona == visit->persona && id != visit_id;
        if (visit->running() && beside) {
            referee_.fail(Invariant::one_visit_per_persona,
                          fmt::format("call {} while {} is running too", name, id));
        }
    }
    if (!visit->running() && running != nullptr) {
        referee_.fail(Invariant::one_visit_per_persona,
                      fmt::format("call {} of a visit that is {} while {} is running", name,
                                  visit->status, running->id));
    }
    if (!disks_.holds_intent(caller, visit_id, seq)) {
        referee_.fail(Invariant::intent_before_call, "call " + name + " arrives");
    }
}

Reply Product::call(const base::HttpRequest&, const Json& message, Caller caller) {
    const Json& params = message.at("params");
    const std::string tool = params.at("name");
    const Json& note = params.at("_meta");
    const std::string visit = note.at("persona-runner/visit");
    const int seq = note.at("persona-runner/seq");
    check_right(visit, seq, caller);
    CommittedCall& call = committed_[{visit, seq}];
    call.tool = tool;
    call.times += profile_.sabotage == Sabotage::runs_calls_twice ? 2 : 1;
    call.is_error = dice_.chance(0.15);
    trace_.add("product: {}/{} {}{}", visit, seq, tool, call.is_error ? " says no" : "");
    if (call.times > 1) {
        referee_.fail(Invariant::rows_match_calls,
                      fmt::format("call {}/{} is executed {} times", visit, seq, call.times));
    }
    if (profile_.sabotage == Sabotage::runs_refused_calls && seq == 1) return Reply::bare(503);
    Reply reply = answer(
        message,
        {{"content",
          Json::array({{{"type", "text"},
                        {"text", call.is_error ? std::string(error_text) : "erledigt: " + tool}}})},
         {"isError", call.is_error}});
    if (!network_.calm() && dice_.chance(profile_.slow)) reply.takes = dice_.time(100ms, 15s);
    return reply;
}

}  // namespace simulation
