#include "tests/bench/far_end_answers.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace bench {

namespace {

// A day's calls: turn, tool as the model is told, its input, what the product answers.
struct Call {
    int turn;
    std::string_view name;
    std::string_view input;
};
constexpr Call calls[] = {
    {0, "todo_list", R"({"status":"open","limit":20})"},
    {0, "calendar_today", R"({"date":"2026-11-21"})"},
    {1, "todo_create",
     R"({"title":"Skript Kapitel 4 lesen, nur die Zusammenfassung","priority":"high"})"},
    {2, "notes_create",
     R"({"title":"Idee von gestern Nacht","content":"Lernplan als Landkarte zeichnen, )"
     R"(jede Prüfung ein Ort, und die Wege dazwischen sind die Tage bis dahin."})"},
    {2, "todo_complete", R"({"id":"c81e722a-5f45-4fec-a14d-a6242a36b2e1"})"},
    {3, "notes_search", R"({"query":"Landkarte"})"},
    {4, "calendar_create",
     R"({"title":"Lerngruppe bei Mia","start":"2026-11-22T17:00:00Z","end":"2026-11-22T19:00:00Z"})"},
};

constexpr std::string_view words[] = {
    "Erst schau ich nach, was von gestern noch ",   "offen ist, sonst lege ich wieder alles ",
    "doppelt an. Dann kommt das Skript dran, ",     "auch wenn mir heute eher nach Kaffee und ",
    "Fenster putzen ist. Eine Sache nach der ",     "anderen, und abends zählt nur, was wirklich ",
    "abgehakt ist. Mal sehen, wie weit ich heute ", "komme, bevor Ben nach Hause kommt.",
};

constexpr std::string_view rating_text =
    R"({"ratings":[{"module":"todo","rating":4,"notes":"Anlegen und abhaken ging schnell, )"
    R"(nur die vielen Felder brauche ich nicht.","evidence":[1,3,5]},{"module":"calendar",)"
    R"("rating":3,"notes":"Der Tag war leer, und das sagt er mir nicht besonders freundlich.",)"
    R"("evidence":[2,7]},{"module":"notes","rating":5,"notes":"Idee aufgeschrieben und gleich )"
    R"(wiedergefunden, genau so soll das sein.","evidence":[4,6]}]})";

constexpr std::string_view access_token =
    "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImJlbmNoLWtleS0wMDAwMDAwMDAwMDAwMDAwIn0."
    "eyJzdWIiOiAiYmVuY2gtdXNlci0wMDAwMDAwMDAwMDAwMDAwMDAwMDAwIiwgImVtYWlsIjogInBlcnNvbmEuYmVuY2hA"
    "bWFuYS50ZXN0IiwgInJvbGUiOiAidXNlciIsICJzaWQiOiAiYmVuY2gtc2Vzc2lvbi0wMDAwMDAwMDAwMDAwMDAwMDAi"
    "LCAidGllciI6ICJmb3VuZGVyIiwgImtpbmQiOiAicGVyc29uYSIsICJpYXQiOiAxNzkwMDAwMDAwLCAiZXhwIjogNDEw"
    "MjQ0NDgwMCwgImlzcyI6ICJodHRwOi8vMTI3LjAuMC4xOjMwMDEiLCAiYXVkIjogIm1hbmEifQ."
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw";

constexpr std::string_view system_prompt =
    "Du bist Anna, zweiundzwanzig, studierst Psychologie und wohnst mit Ben in einer "
    "Altbauwohnung. "
    "Du schreibst alles auf, in kurzen, sprunghaften Sätzen, und legst lieber drei kleine Aufgaben "
    "an als eine große. Was dich ärgert: Felder, die nach Dingen fragen, die du nicht weißt, "
    "Listen, "
    "die dich am nächsten Tag mit lauter Rot begrüßen, und Meldungen, die nicht sagen, was jetzt "
    "zu "
    "tun ist. Wenn dich etwas verliert, sagst du genau, an welcher Stelle. Du lobst nicht aus "
    "Höflichkeit, und du merkst dir, wer dir geholfen hat.";

constexpr std::string_view task =
    R"({\"task\":{\"id\":\"c81e722a-5f45-4fec-a14d-a6242a36b2e1\",\"title\":\"Skript Kapitel 4\",)"
    R"(\"priority\":\"high\",\"isCompleted\":false,\"completedAt\":null,\"dueDate\":null,)"
    R"(\"order\":0,\"subtasks\":null,\"createdAt\":\"2026-11-21T03:16:11.341Z\"}})";
constexpr std::string_view task_object =
    R"({"task":{"id":"c81e722a-5f45-4fec-a14d-a6242a36b2e1","title":"Skript Kapitel 4",)"
    R"("priority":"high","isCompleted":false,"completedAt":null,"dueDate":null,)"
    R"("order":0,"subtasks":null,"createdAt":"2026-11-21T03:16:11.341Z"}})";

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::string event(std::string_view name, std::string_view data) {
    return fmt::format("event: {}\ndata: {}\n\n", name, data);
}

std::string delta(int index, std::string_view type, std::string_view member,
                  std::string_view text) {
    return event("content_block_delta",
                 fmt::format(R"({{"type":"content_block_delta","index":{},"delta":{{"type":"{}",)"
                             R"("{}":{}}}}})",
                             index, type, member, quoted(text)));
}

// Cuts between characters, so that each piece is valid UTF-8.
std::vector<std::string_view> pieces(std::string_view text, std::size_t bytes) {
    std::vector<std::string_view> cut;
    while (!text.empty()) {
        std::size_t end = std::min(bytes, text.size());
        while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
        cut.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return cut;
}

void begin(std::vector<std::string>& events, std::string_view model) {
    events.push_back(event(
        "message_start",
        fmt::format(R"({{"type":"message_start","message":{{"id":"msg_01Bench00000000000000000",)"
                    R"("type":"message","role":"assistant","model":"{}","content":[],)"
                    R"("stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":412,)"
                    R"("cache_creation_input_tokens":230,"cache_read_input_tokens":13120,)"
                    R"("output_tokens":1,"service_tier":"standard"}}}}}})",
                    model)));
}

void begin_block(std::vector<std::string>& events, int index, const std::string& block) {
    events.push_back(
        event("content_block_start", fmt::format(R"({{"type":"content_block_start","index":{},)"
                                                 R"("content_block":{}}})",
                                                 index, block)));
    if (index == 0) events.push_back(event("ping", R"({"type":"ping"})"));
}

void end_block(std::vector<std::string>& events, int index) {
    events.push_back(event("content_block_stop",
                           fmt::format(R"({{"type":"content_block_stop","index":{}}})", index)));
}

void end(std::vector<std::string>& events, std::string_view stop_reason) {
    events.push_back(event(
        "message_delta", fmt::format(R"({{"type":"message_delta","delta":{{"stop_reason":"{}",)"
                                     R"("stop_sequence":null}},"usage":{{"output_tokens":187}}}})",
                                     stop_reason)));
    events.push_back(event("message_stop", R"({"type":"message_stop"})"));
}

std::vector<std::string> turn_events(int turn) {
    std::vector<std::string> events;
    begin(events, "claude-sonnet-5-5");
    begin_block(events, 0, R"({"type":"text","text":""})");
    for (const std::string_view text : words) {
        events.push_back(delta(0, "text_delta", "text", text));
    }
    end_block(events, 0);
    int index = 0;
    for (const Call& call : calls) {
        if (call.turn != turn) continue;
        ++index;
        begin_block(events, index,
                    fmt::format(R"({{"type":"tool_use","id":"toolu_01Bench{:014}","name":"{}",)"
                                R"("input":{{}}}})",
                                turn * 10 + index, call.name));
        const std::size_t bytes = std::max<std::size_t>(call.input.size() / 6, 4);
        for (const std::string_view part : pieces(call.input, bytes)) {
            events.push_back(delta(index, "input_json_delta", "partial_json", part));
        }
        end_block(events, index);
    }
    end(events, index > 0 ? "tool_use" : "end_turn");
    return events;
}

std::vector<std::string> rating_events() {
    std::vector<std::string> events;
    begin(events, "claude-haiku-5-5");
    begin_block(events, 0, R"({"type":"text","text":""})");
    for (const std::string_view part : pieces(rating_text, 28)) {
        events.push_back(delta(0, "text_delta", "text", part));
    }
    end_block(events, 0);
    end(events, "end_turn");
    return events;
}

int occurrences(std::string_view text, std::string_view word) {
    int count = 0;
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + word.size()))
        ++count;
    return count;
}

long number_after(std::string_view text, std::string_view name, long otherwise) {
    const std::size_t at = text.find(name);
    if (at == text.npos) return otherwise;
    long number = otherwise;
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
    return number;
}

std::string iso(std::chrono::system_clock::time_point moment) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(moment);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", fmt::gmtime(seconds));
}

}  // namespace

Answers::Answers(const std::string& tools_json) {
    tools_result_ = R"({"tools":)" + tools_json + "}";
    for (int turn = 0; turn <= turns_with_tools; ++turn) turns_.push_back(turn_events(turn));
    rating_ = rating_events();
}

bool Answers::belongs_to_a_visit(const Request& request) {
    return request.path != "/api/v1/internal/runners/heartbeat" &&
           request.path != "/api/v1/internal/personas/due" && !request.path.starts_with("/bench/");
}

Answer Answers::answer(const Request& request) {
    if (request.path == "/v1/messages") return model(request.body);
    if (request.path == "/mcp") return product(request);
    if (request.path == "/api/v1/internal/personas/due") return claim(request.body);
    return auth(request);
}

Answer Answers::claim(std::string_view body) {
    const long limit = number_after(body, R"("limit":)", 1);
    const auto now = std::chrono::system_clock::now();
    std::string visits;
    for (long i = 0; i < limit && visits_left_ > 0; ++i, --visits_left_) {
        const int number = ++visits_claimed_;
        if (!visits.empty()) visits += ',';
        visits += fmt::format(
            R"({{"tickId":"00000000-0000-4000-8000-{0:012}","attempt":1,"deadline":"{1}",)"
            R"("persona":{{"userId":"bench-user-{0:021}","email":"persona.bench{0}@mana.test",)"
            R"("name":"Anna","archetype":"adhd-student","systemPrompt":"{2} [visit {0}]","moduleMix":)"
            R"({{"todo":0.3,"calendar":0.3,"notes":0.4}},"tickCadence":"daily",)"
            R"("lastActiveAt":null}}}})",
            number, iso(now + std::chrono::minutes{10}), system_prompt);
    }
    return {.body = fmt::format(R"({{"visits":[{}],"serverTime":"{}"}})", visits, iso(now))};
}

Answer Answers::auth(const Request& request) {
    const std::string_view path = request.path;
    if (path.ends_with("/heartbeat")) return {.body = R"({"ok":true})"};
    if (path.ends_with("/login")) {
        return {.body = fmt::format(
                    R"({{"redirect":false,"token":"SsFJjBG8X2hhs4EuwqF1zMfTOJMDG7RG","user":)"
                    R"({{"name":"Anna","email":"persona.bench@mana.test","emailVerified":true,)"
                    R"("image":null,"createdAt":"2026-11-21T03:14:51.671Z","accessTier":)"
                    R"("founder","kind":"persona","role":"user","id":"bench-user"}},)"
                    R"("accessToken":"{}","refreshToken":"SsFJjBG8X2hhs4EuwqF1zMfTOJMDG7RG"}})",
                    access_token)};
    }
    if (path.ends_with("/organization/list")) {
        return {.body = R"([{"name":"Anna","slug":"persona-anna","logo":null,"createdAt":)"
                        R"("2026-11-21T03:14:51.671Z","metadata":{"tier":"founder","type":)"
                        R"("personal"},"id":"RH_V8dn8Dy11eTQRjksPt"}])"};
    }
    if (path.ends_with("/actions") || path.ends_with("/feedback")) {
        const int rows = occurrences(request.body, R"("tickId":)");
        return {.body = fmt::format(R"({{"ok":true,"written":{0},"inserted":{0},"known":0,)"
                                    R"("differing":0}})",
                                    rows)};
    }
    if (path.ends_with("/finish")) return {.body = R"({"ok":true,"applied":true})"};
    return {.status = 404, .body = R"({"error":"no such call"})"};
}

Answer Answers::product(const Request& request) const {
    if (request.method == "DELETE") return {.status = 204};
    if (request.body.find("notifications/") != request.body.npos) return {.status = 202};
    if (request.body.find("server/discover") != request.body.npos) return {.status = 404};
    const long id = number_after(request.body, R"("id":)", 0);
    const auto result = [id](std::string_view text) {
        return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id, text);
    };
    if (request.body.find(R"("method":"initialize")") != request.body.npos) {
        return {.headers = "Mcp-Session-Id: 93392384-54f2-4720-aa3b-889e84640e0f\r\n",
                .body = result(R"({"protocolVersion":"2025-11-25","capabilities":{"tools":)"
                               R"({"listChanged":false}},"serverInfo":{"name":"mana","title":)"
                               R"("Mana workspace","version":"0.1.0"},"instructions":"The user's )"
                               R"(personal workspace: tasks, calendar and notes of one space."})")};
    }
    if (request.body.find(R"("method":"tools/list")") != request.body.npos) {
        return {.body = result(tools_result_)};
    }
    return {.body = result(fmt::format(R"({{"content":[{{"type":"text","text":"{}"}}],)"
                                       R"("structuredContent":{}}})",
                                       task, task_object))};
}

// A request of the model tells whose it is by her prompt's last word.
double Answers::length_of_visit(std::string_view body) const {
    if (lengths_seed_ == 0) return 1;
    std::minstd_rand chance(
        static_cast<unsigned>(lengths_seed_ * 1'000'003 + number_after(body, "[visit ", 0)));
    chance.discard(3);
    return std::uniform_real_distribution<>(1, 4)(chance);
}

Answer Answers::model(std::string_view body) const {
    const double length = length_of_visit(body);
    if (body.find(R"("json_schema")") != body.npos) return {.events = &rating_, .length = length};
    const int turn = occurrences(body, R"("role":"assistant")");
    return {.events = &turns_[static_cast<std::size_t>(std::min(turn, turns_with_tools))],
            .length = length};
}

}  // namespace bench
