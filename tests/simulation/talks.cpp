#include "tests/simulation/talks.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace simulation {

namespace {

using base::Json;

constexpr std::string_view messages_key = R"(,"messages":[)";
constexpr std::string_view cache_mark_text = R"(,"cache_control":{"type":"ephemeral"})";
constexpr int tries_max = 6;        // Of one request.
constexpr int cache_marks_max = 4;  // More the model's API refuses.
constexpr std::size_t question_bytes_max = 400'000;

// Marks move from request to request; they are no content.
std::string without_cache_marks(std::string text) {
    for (std::size_t at = text.find(cache_mark_text); at != std::string::npos;
         at = text.find(cache_mark_text, at)) {
        text.erase(at, cache_mark_text.size());
    }
    return text;
}

int cache_marks_in(std::string_view text) {
    int marks = 0;
    for (std::size_t at = text.find(cache_mark_text); at != std::string_view::npos;
         at = text.find(cache_mark_text, at + 1)) {
        ++marks;
    }
    return marks;
}

bool is_api_name(std::string_view name) {
    const bool fits = !name.empty() && name.size() <= 64;
    return fits && std::all_of(name.begin(), name.end(), [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
           });
}

bool is_blank_text(const Json& block) {
    return block.at("type") == "text" && block.at("text") == "";
}

// What of a reply is echoed: the runner leaves out empty text, which the API refuses back.
Json echo_of(const Json& content) {
    Json echo = Json::array();
    for (const Json& block : content) {
        if (!is_blank_text(block)) echo.push_back(block);
    }
    return echo;
}

}  // namespace

Talks::Talks(const Profile& profile, const AuthService& auth, const Product& product,
             const Disks& disks, Referee& referee)
    : profile_(profile), auth_(auth), product_(product), disks_(disks), referee_(referee) {}

const Talks::Day* Talks::day(const std::string& visit) const {
    const auto found = days_.find(visit);
    return found == days_.end() ? nullptr : &found->second;
}

std::string Talks::persona_in(std::string_view text) {
    constexpr std::string_view words = "Du bist ";
    const std::size_t at = text.find(words);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = text.substr(at + words.size());
    return std::string(rest.substr(0, rest.find('.')));
}

void Talks::fail(Invariant invariant, const Question& question, std::string_view what,
                 Referee::Place where) {
    const std::string visit = question.visit ? question.visit->id : "none";
    referee_.fail(invariant, fmt::format("{}, visit {}: {}", question.persona, visit, what), where);
}

void Talks::leaves(const Sent& sent, const std::string& body) {
    Question question{.persona = persona_in(body)};
    question.visit = auth_.latest_visit_of(sent.caller, question.persona);
    if (question.visit == nullptr) {
        return fail(Invariant::nothing_unknown, question, "the model is asked for nobody's visit");
    }
    int& tries = tries_[{question.visit->id, std::hash<std::string>{}(body)}];
    if (header_of(sent.request, "x-persona-runner-retry-count") != std::to_string(tries)) {
        fail(Invariant::retries_are_few, question,
             fmt::format("try {} says another number", tries));
    }
    if (++tries > tries_max) {
        fail(Invariant::retries_are_few, question,
             fmt::format("a request is tried {} times", tries));
    }
    if (header_of(sent.request, "x-api-key") != "sk-simulated" ||
        !header_of(sent.request, "x-service-key").empty() ||
        !header_of(sent.request, "authorization").empty()) {
        fail(Invariant::writers_are_proven, question,
             "the model is shown another key than its own");
    }
    if (body.size() > question_bytes_max || cache_marks_in(body) > cache_marks_max) {
        fail(Invariant::nothing_unbounded, question, "a request is too large or marked too often");
    }
    Day& day = days_[question.visit->id];
    const bool is_rating = body.starts_with(fmt::format(R"({{"model":"{}")", rating_model));
    const bool is_double = is_rating && profile_.sabotage == Sabotage::doubles_ratings;
    if (tries == 1 && is_rating) day.ratings += is_double ? 2 : 1;
    if (tries == 1 && !is_rating) ++day.turns;
    if (day.turns > profile_.turns_max) {
        fail(Invariant::nothing_unbounded, question,
             fmt::format("a visit has {} turns", day.turns));
    }
    // Whoever refuses schemas is asked without one, once.
    if (day.ratings > (profile_.plain_answers ? 2 : 1)) {
        fail(Invariant::ratings_remember, question, "ratings are asked for again");
    }
}

// --- what stands before the messages ------------------------------------------------------------

const Talks::Head& Talks::head_of(const std::string& text) {
    const auto known = heads_.find(text);
    if (known != heads_.end()) return known->second;
    const Json json = base::parse_json(text + "}", "head of a request", 64);
    Head& head = heads_[text];
    head.model = json.at("model");
    const std::string system = json.at("system").at(0).at("text");
    head.persona = persona_in(system);
    head.is_in_character = system.starts_with("Du bist " + head.persona + ".");
    head.has_schema = json.contains("output_config") && json["output_config"].contains("format");
    const std::size_t at = std::min(text.find(R"(,"tools":)"), text.find(R"(,"system":)"));
    head.prompt = text.substr(at);
    if (json.contains("tools")) read_tools(head, json["tools"]);
    check_prompt(head);
    return head;
}

void Talks::read_tools(Head& head, const Json& tools) {
    const auto wrong = [&](const std::string& what,
                           Referee::Place where = Referee::Place::current()) {
        referee_.fail(Invariant::names_map_both_ways, what, where);
    };
    std::set<const OfferedTool*> found;
    for (const Json& tool : tools) {
        const std::string name = tool.at("name"), words = tool.value("description", "");
        if (!is_api_name(name)) wrong("no name for the model: " + name);
        head.tools.push_back(name);
        const auto& known = product_.tools();
        const auto one = std::find_if(known.begin(), known.end(), [&](const OfferedTool& each) {
            return words.starts_with(each.words);
        });
        if (one == known.end()) {
            wrong("nobody knows the tool " + name);
            continue;
        }
        const bool fresh = head.by_name.emplace(name, &*one).second && found.insert(&*one).second;
        if (!fresh) wrong("two tools are one: " + name);
    }
    for (const OfferedTool& tool : product_.tools()) {
        if (tool.must_be_offered && !found.contains(&tool)) wrong(tool.name + " is not offered");
    }
}

// The same for all her visits, whichever process lives them: so there is no clock and no id in it.
void Talks::check_prompt(const Head& head) {
    const bool is_rating = head.model == rating_model;
    const auto [known, fresh] = prompts_.try_emplace({head.persona, is_rating}, head.prompt);
    if (known->second == head.prompt) return;
    referee_.fail(Invariant::prompt_is_stable, "system or tools have changed for " + head.persona);
}

Talks::Question Talks::hear(const std::string& body, Caller caller) {
    const std::size_t at = body.find(messages_key);
    const Head& head = head_of(body.substr(0, at));
    Question question{.persona = head.persona,
                      .model = head.model,
                      .visit = auth_.latest_visit_of(caller, head.persona),
                      .is_rating = head.model == rating_model,
                      .has_schema = head.has_schema,
                      .tools = head.tools};
    if (question.visit == nullptr) return question;  // Told when it left.
    question.day = &days_[question.visit->id];
    const std::size_t start = at + messages_key.size();
    std::string messages = without_cache_marks(
        body.substr(start, body.size() - start - std::string_view("]}").size()));
    if (question.is_rating) {
        hear_rating(question, head, messages, caller);
    } else {
        hear_day(question, head, std::move(messages));
    }
    return question;
}

// --- a day --------------------------------------------------------------------------------------

// Every message that was there is there, then the reply of the last one, then answers to its calls.
void Talks::hear_day(Question& question, const Head& head, std::string messages) {
    Day& day = *question.day;
    const auto wrong = [&](std::string_view what,
                           Referee::Place where = Referee::Place::current()) {
        fail(Invariant::history_only_grows, question, what, where);
    };
    if (!head.is_in_character || head.tools.empty()) wrong("no character or no tools");
    question.is_first = day.count == 0 || (day.count == 1 && messages == day.messages);
    if (messages == day.messages) return;  // Asked again.
    if (day.count == 0) {
        const Json first = base::parse_json("[" + messages + "]", "messages", 64);
        if (first.size() != 1 || first[0].at("role") != "user") wrong("it starts in its middle");
        day.count = first.size();
    } else if (!messages.starts_with(day.messages + ',')) {
        wrong("what was said has changed");
    } else {
        check_echo(question, head, messages.substr(day.messages.size() + 1));
    }
    day.messages = std::move(messages);
    day.replies.clear();
}

void Talks::check_echo(Question& question, const Head& head, const std::string& fresh) {
    Day& day = *question.day;
    const auto wrong = [&](const std::string& what,
                           Referee::Place where = Referee::Place::current()) {
        fail(Invariant::history_only_grows, question, what, where);
    };
    const Json messages = base::parse_json("[" + fresh + "]", "messages", 64);
    day.count += messages.size();
    const Json& echoed = messages[0];
    const auto said = std::find_if(day.replies.begin(), day.replies.end(), [&](const Said& one) {
        return echoed.at("role") == "assistant" && echoed.at("content") == echo_of(one.content);
    });
    if (said == day.replies.end()) {
        // A reply that said nothing at all is not echoed.
        const bool skipped =
            std::any_of(day.replies.begin(), day.replies.end(),
                        [](const Said& one) { return echo_of(one.content).empty(); });
        if (!skipped || echoed.at("role") != "user") {
            wrong("the reply is echoed as " + base::to_text(echoed));
        }
        return;
    }
    for (const std::string& input : said->inputs) {
        if (fresh.find(input) == std::string::npos) wrong("an input is echoed in other bytes");
    }
    const Json none = Json::array();
    const Json& answers = messages.size() > 1 ? messages[1].at("content") : none;
    if (messages.size() > 2) wrong("more than an answer was added");
    check_answers(question, head, echoed.at("content"), answers);
}

void Talks::check_answers(Question& question, const Head& head, const Json& echoed,
                          const Json& answers) {
    std::size_t at = 0;
    for (const Json& block : echoed) {
        if (block.at("type") != "tool_use") continue;
        ++question.day->uses;
        const bool answered =
            at < answers.size() && answers[at].value("tool_use_id", Json()) == block.at("id");
        if (answered) {
            check_answer(question, head, block, answers[at]);
        } else {
            fail(Invariant::history_only_grows, question, "a tool call has no answer of its own");
        }
        ++at;
    }
    const bool more = at > 0 && answers.size() != at;
    if (more) fail(Invariant::history_only_grows, question, "answers to calls that nobody made");
}

// What the model is told of a call is what the product said, and it was the tool that it meant.
void Talks::check_answer(Question& question, const Head& head, const Json& use,
                         const Json& answer) {
    const int seq = question.day->uses;
    const auto call = product_.committed().find({question.visit->id, seq});
    const bool executed = call != product_.committed().end();
    const auto meant = head.by_name.find(use.at("name").get<std::string>());
    const bool is_known = meant != head.by_name.end();
    const std::string said = answer.at("content");
    const bool is_error = answer.value("is_error", false);
    if (executed && (!is_known || call->second.tool != meant->second->name)) {
        fail(Invariant::names_map_both_ways, question,
             fmt::format("call {} meant {} and was {}", seq, use.at("name").get<std::string>(),
                         call->second.tool));
    }
    if (is_error) return;
    const bool is_so = executed && !call->second.is_error &&
                       said.starts_with(Product::answer_text(call->second.tool));
    if (!is_so) {
        fail(Invariant::history_only_grows, question,
             fmt::format("call {} is answered with words of nobody: {}", seq, said));
    }
}

}  // namespace simulation
