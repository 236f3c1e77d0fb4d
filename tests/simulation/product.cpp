#include "tests/simulation/product.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

// Name, words of its own, schema; the module is what the name begins with.
struct ToolForm {
    std::string name;
    const char* module;
    const char* words;
    const char* schema;
    bool is_sound = true;
};

std::vector<ToolForm> plain_tools() {
    return {{"todo.create", "todo", "Neue Aufgabe",
             R"({"type":"object","properties":{"title":{"type":"string"}},"required":["title"]})"},
            {"todo.list", "todo", "Alle Aufgaben", R"({"type":"object"})"},
            {"notes.add", "notes", "Notiz dazu",
             R"({"type":"object","properties":{"text":{"type":"string"}}})"},
            {"mood.log", "mood", "Stimmung heute",
             R"({"type":"object","properties":{"level":{"type":"integer"}}})"}};
}

// Names that look alike to the model's API, are too long for it or not its letters; a key it does
// not take; and tools that cannot be offered at all.
std::vector<ToolForm> odd_tools() {
    constexpr const char* any = R"({"type":"object"})";
    return {{"notes/add", "notes", "Notiz daneben", any},
            {"notes_add", "notes", "Notiz darunter", any},
            {"mood.zurück", "mood", "Stimmung gestern", any},
            {"todo." + std::string(90, 'l'), "todo", "Lange Aufgabe", any},
            {"mood.note", "mood", "Stimmung mit Wort",
             R"({"type":"object","properties":{"das Wort":{"type":"string"}}})"},
            {"todo.create", "todo", "Doppelte Aufgabe", any, false},
            {"", "todo", "Namenlose Aufgabe", any, false},
            {"todo." + std::string(200, 'x'), "todo", "Endlose Aufgabe", any, false},
            {"notes.list", "notes", "Notizen als Liste", R"({"type":"array"})", false},
            {"notes.text", "notes", "Notizen als Text", R"("kein Schema")", false},
            {"notes.ring", "notes", "Notizen im Kreis",
             R"({"type":"object","properties":{"a":{"$ref":"#/nirgends"}}})", false}};
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
      dice_(profile.seed, 4) {
    list_tools();
}

void Product::list_tools() {
    std::vector<ToolForm> forms = plain_tools();
    if (profile_.odd_tools) {
        for (ToolForm& form : odd_tools()) forms.push_back(std::move(form));
    }
    listed_ = Json::array();
    for (ToolForm& form : forms) {
        listed_.push_back({{"name", form.name},
                           {"description", form.words},
                           {"inputSchema", base::parse_json(form.schema, "schema")},
                           {"annotations", {{"readOnlyHint", form.name == "todo.list"}}}});
        tools_.push_back({std::move(form.name), form.module, form.words, form.is_sound});
    }
    if (profile_.sabotage == Sabotage::hides_a_tool) listed_.erase(1);
    if (profile_.sabotage == Sabotage::moves_a_tool) tools_[0].module = "tasks";
}

const OfferedTool* Product::tool(std::string_view name) const {
    for (const OfferedTool& tool : tools_) {
        if (tool.name == name) return &tool;
    }
    return nullptr;
}

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
    if (!header_of(request, "x-service-key").empty()) {
        referee_.fail(Invariant::writers_are_proven, "the product is shown the runner's key");
    }
    if (!token.valid) return refuse_bearer(token.persona);
    const Json message = base::parse_json(request.body.text(), "message");
    std::string method = message.value("method", "");
    const bool mishears = profile_.sabotage == Sabotage::mishears_methods;
    if (mishears && method == "tools/list") method = "tools/lost";
    if (method == "server/discover") return Reply::bare(404);  // It knows sessions only.
    if (method == "initialize") return open_session(message, token.persona);
    const std::string session = header_of(request, "mcp-session-id");
    if (!network_.calm() && dice_.chance(profile_.session_lost)) sessions_.erase(session);
    if (!sessions_.contains(session)) return Reply::json({{"error", "no such session"}}, 404);
    if (sessions_.at(session) != token.persona) {
        referee_.fail(Invariant::writers_are_proven, token.persona + " uses another's session");
        return Reply::json({{"error", "another's session"}}, 403);
    }
    if (method.empty() || method.starts_with("notifications/")) return Reply::bare(202);
    if (method == "tools/list") return answer(message, {{"tools", listed_}});
    if (method == "tools/call") return call(request, message, caller);
    referee_.fail(Invariant::nothing_unknown, "MCP method " + method);
    return Reply::bare(400);
}

// A token that is over is an ordinary thing; one that never was is not.
Reply Product::refuse_bearer(const std::string& persona) {
    if (persona.empty()) {
        referee_.fail(Invariant::writers_are_proven, "a request to the product has no token");
    }
    return Reply::json({{"error", "the token is over"}}, 401);
}

Reply Product::open_session(const Json& message, const std::string& persona) {
    const std::string id = fmt::format("session-{}", next_session_++);
    sessions_[id] = profile_.sabotage == Sabotage::swaps_sessions ? "another" : persona;
    Reply reply = Reply::json({{"jsonrpc", "2.0"},
                               {"id", message.at("id")},
                               {"result",
                                {{"protocolVersion", "2025-11-25"},
                                 {"capabilities", {{"tools", Json::object()}}},
                                 {"serverInfo", {{"name", "simulated"}, {"version", "1"}}}}}});
    reply.headers.emplace_back("mcp-session-id", id);
    return reply;
}

// Whoever calls is the persona of that visit, in her own space.
void Product::check_writer(const base::HttpRequest& request, const std::string& visit_id) {
    const KnownVisit* visit = auth_.visit(visit_id);
    if (visit == nullptr) return;
    const std::string& persona = sessions_.at(header_of(request, "mcp-session-id"));
    const std::string space = header_of(request, "x-mana-space");
    if (persona != visit->persona || space != "space-" + visit->persona) {
        referee_.fail(Invariant::writers_are_proven,
                      fmt::format("{} calls for visit {} of {}, in \"{}\"", persona, visit_id,
                                  visit->persona, space));
    }
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

Reply Product::call(const base::HttpRequest& request, const Json& message, Caller caller) {
    const Json& params = message.at("params");
    const std::string tool = params.at("name");
    const Json& note = params.at("_meta");
    std::string visit = note.at("persona-runner/visit");
    if (profile_.sabotage == Sabotage::mistakes_visits) visit += "'s other";
    const int seq = note.at("persona-runner/seq");
    check_right(visit, seq, caller);
    check_writer(request, visit);
    CommittedCall& call = committed_[{visit, seq}];
    call.tool = profile_.sabotage == Sabotage::mistakes_tools ? "mood.log" : tool;
    call.times += profile_.sabotage == Sabotage::runs_calls_twice ? 2 : 1;
    call.is_error = dice_.chance(0.15);
    trace_.add("product: {}/{} {}{}", visit, seq, tool, call.is_error ? " says no" : "");
    if (call.times > 1) {
        referee_.fail(Invariant::rows_match_calls,
                      fmt::format("call {}/{} is executed {} times", visit, seq, call.times));
    }
    if (profile_.sabotage == Sabotage::runs_refused_calls && seq == 1) return Reply::bare(503);
    std::string text = call.is_error ? std::string(error_text) : answer_text(tool);
    if (dice_.chance(0.05)) text += ' ' + std::string(1'500, '.');  // More than a row may hold.
    Reply reply =
        answer(message, {{"content", Json::array({{{"type", "text"}, {"text", std::move(text)}}})},
                         {"isError", call.is_error}});
    if (!network_.calm() && dice_.chance(profile_.slow)) reply.takes = dice_.time(100ms, 15s);
    if (profile_.sabotage == Sabotage::forgets_calls) committed_.erase({visit, seq});
    return reply;
}

}  // namespace simulation
