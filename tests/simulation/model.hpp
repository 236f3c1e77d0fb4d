// The model of the simulated world: streams replies of the Messages API, calls tools that are
// offered, rates what it is asked to rate, and remembers what it said. It bills what it streams.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/money.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/talks.hpp"

namespace simulation {

// Scores of one rating reply.
struct GivenScores {
    std::map<std::string, int> scores;                 // Module -> what the reply says.
    std::map<std::string, std::vector<int>> evidence;  // … and which actions it names, of those
                                                       // that there are.
    bool refused = false;
};

class Model final : public FarEnd {
  public:
    Model(const Profile& profile, const Network& network, const AuthService& auth, Talks& talks,
          Money& money, Trace& trace, Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    // Called when a request has arrived, with whose day it is about.
    std::function<void(Caller, const std::string&)> before_turn;

    // All that was said of a visit.
    const std::vector<GivenScores>& given(const std::string& visit) const;

  private:
    struct Spoken {  // One reply.
        Talks::Said said;
        std::string stop_reason = "end_turn";
        bool is_cut = false;  // The last input was.
    };

    void check_right(const std::string& persona, Caller caller);
    Spoken live(const Talks::Question& question);
    void call_tool(const Talks::Question& question, Talks::Said& said);
    Spoken rate(const Talks::Question& question);
    base::Json row_of(const std::string& module, const Talks::Question& question,
                      GivenScores& given);
    Reply stream(const Talks::Question& question, const Spoken& reply, std::size_t bytes,
                 int tokens_max);
    catalog::TokenCounts prompt_tokens(const Talks::Question& question, std::size_t bytes);
    void break_off(Reply& reply);

    const Profile& profile_;
    const Network& network_;
    const AuthService& auth_;
    Talks& talks_;
    Money& money_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::map<std::string, std::vector<GivenScores>> given_;  // By visit.
    std::map<std::string, std::int64_t> cached_;             // Tokens of a visit's newest prompt.
    int next_id_ = 1;
};

}  // namespace simulation
