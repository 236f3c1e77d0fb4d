#include "tests/simulation/model.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

namespace {

using namespace std::chrono_literals;
using base::Json;

}  // namespace

Model::Model(const Profile& profile, const Network& network, const AuthService& auth, Talks& talks,
             Money& money, Trace& trace, Referee& referee)
    : profile_(profile),
      network_(network),
      auth_(auth),
      talks_(talks),
      money_(money),
      trace_(trace),
      referee_(referee),
      dice_(profile.seed, 6) {}

const std::vector<GivenScores>& Model::given(const std::string& visit) const {
    static const std::vector<GivenScores> none;
    const auto found = given_.find(visit);
    return found == given_.end() ? none : found->second;
}

void Model::check_right(const std::string& persona, Caller caller) {
    const KnownVisit* running = auth_.running_visit_of("user-" + persona);
    if (running == nullptr) return;
    const Caller owner = auth_.caller_of(running->runner);
    if (owner.node != caller.node) {
        referee_.fail(Invariant::one_visit_per_persona,
                      fmt::format("node{} lives a day of {}, whose visit runs on node{}",
                                  caller.node, persona, owner.node));
    }
}

Reply Model::serve(const base::HttpRequest& request, Caller caller) {
    const std::string body = request.body.text();
    const Talks::Question question = talks_.hear(body, caller);
    check_right(question.persona, caller);
    before_turn(caller, question.persona);
    if (question.has_schema && profile_.plain_answers) {
        return Reply::json({{"type", "error"},
                            {"error",
                             {{"type", "invalid_request_error"},
                              {"message", "output_config.format is not supported"}}}},
                           400);
    }
    Spoken spoken = question.is_rating ? rate(question) : live(question);
    trace_.add("model: {} {} {} blocks, {}", question.persona,
               question.is_rating ? "rates," : "lives,", spoken.said.content.size(),
               spoken.stop_reason);
    Reply reply = stream(question, spoken, body.size(), tokens_max_in(body));
    if (question.is_rating || question.day == nullptr) return reply;
    Talks::Said& said = spoken.said;
    if (profile_.sabotage == Sabotage::history_rewritten && !said.content.empty()) {
        said.content[0]["signature"] = "another";
    }
    // An input that was cut off is no object: it is echoed as an empty one.
    if (spoken.is_cut) {
        said.content.back()["input"] = Json::object();
        said.inputs.pop_back();
    }
    question.day->replies.push_back(std::move(said));
    return reply;
}

Model::Spoken Model::live(const Talks::Question& question) {
    Spoken spoken;
    Json& content = spoken.said.content = Json::array();
    if (dice_.chance(0.3)) {
        content.push_back({{"type", "thinking"},
                           {"thinking", "Ich überlege …"},
                           {"signature", fmt::format("sig{}", next_id_)}});
    }
    if (!network_.calm() && dice_.chance(profile_.refusal)) {
        spoken.stop_reason = "refusal";
        return spoken;
    }
    if (dice_.chance(0.02)) return spoken;  // Nothing said, nothing done.
    if (dice_.chance(0.5)) content.push_back({{"type", "text"}, {"text", "Los geht’s."}});
    if (dice_.chance(0.03)) content.push_back({{"type", "text"}, {"text", ""}});
    if (dice_.chance(0.04)) {
        content.push_back({{"type", "text"}, {"text", "Kurz warten."}});
        spoken.stop_reason = "pause_turn";
        return spoken;
    }
    const int calls = question.is_first ? dice_.between(1, 3) : dice_.between(0, 2);
    for (int i = 0; i < calls; ++i) call_tool(question, spoken.said);
    if (calls == 0) {
        content.push_back({{"type", "text"}, {"text", "Das war mein Tag."}});
        return spoken;
    }
    spoken.stop_reason = "tool_use";
    if (dice_.chance(0.04)) {
        spoken.stop_reason = "max_tokens";
        spoken.is_cut = true;
    }
    return spoken;
}

// By one of the names that the request offers. The input is written as nobody else would write it,
// so that its bytes are known again.
void Model::call_tool(const Talks::Question& question, Talks::Said& said) {
    std::string name = question.tools.empty() ? "todo_create" : dice_.pick(question.tools);
    if (dice_.chance(0.05)) name = "gibt_es_nicht";
    std::string input = fmt::format(R"({{"title" : "Nr. {}", "a":1.50}})", dice_.between(1, 99));
    said.content.push_back({{"type", "tool_use"},
                            {"id", fmt::format("toolu_{}", next_id_++)},
                            {"name", name},
                            {"input", base::parse_json(input, "input")}});
    said.inputs.push_back(std::move(input));
}

// Of the actions that it names some are none; those are no evidence.
Json Model::row_of(const std::string& module, const Talks::Question& question, GivenScores& given) {
    Json named = Json::array();
    std::vector<int> evidence;
    for (int i = dice_.between(0, 3); i > 0; --i) {
        const int seq = dice_.between(1, question.actions + 1);
        named.push_back(seq);
        const bool known = std::find(evidence.begin(), evidence.end(), seq) != evidence.end();
        if (seq <= question.actions && !known) evidence.push_back(seq);
    }
    if (dice_.chance(0.1)) named.push_back("alle");
    const int score = dice_.between(1, 5);
    Json row{{"module", module}, {"rating", score}, {"notes", "so"}, {"evidence", named}};
    given.evidence[module] = std::move(evidence);
    if (dice_.chance(0.08)) {
        row["rating"] = dice_.chance(0.5) ? Json(7) : Json("gut");  // No score at all.
    } else {
        given.scores[module] = score;
    }
    return row;
}

Model::Spoken Model::rate(const Talks::Question& question) {
    Spoken spoken;
    GivenScores given;
    const double kind = dice_.random().number01();
    std::string text;
    if (kind < 0.06) {
        spoken.stop_reason = "refusal";
        given.refused = true;
        text = "Dazu sage ich nichts.";
    } else if (kind < 0.14) {
        text = "Alles war schön, ich gebe gern Bestnoten.";
    } else {
        Json rows = Json::array();
        for (const std::string& module : question.modules) {
            if (dice_.chance(0.1)) continue;  // Left out.
            rows.push_back(row_of(module, question, given));
        }
        text = base::to_text(Json{{"ratings", std::move(rows)}});
        if (dice_.chance(0.2)) text = "Hier, bitte:\n```json\n" + text + "\n```";
    }
    if (profile_.sabotage == Sabotage::scores_from_nowhere) given.scores.clear();
    if (question.visit != nullptr) given_[question.visit->id].push_back(std::move(given));
    spoken.said.content = Json::array({{{"type", "text"}, {"text", text}}});
    return spoken;
}

}  // namespace simulation
