// The model of the simulated world: streams short days by dice (text, thinking, tool calls, pauses,
// refusals, mistakes), checks that each conversation only grows, and remembers the scores it gave.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

// Scores of one rating reply.
struct GivenScores {
    std::string persona;
    std::map<std::string, int> scores;  // Module -> what the reply says.
    bool refused = false;
};

class Model final : public FarEnd {
  public:
    Model(const Profile& profile, const Network& network, const AuthService& auth, Trace& trace,
          Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    // Called when a request has arrived, with whose day it is about.
    std::function<void(Caller, const std::string&)> before_turn;

    const std::vector<GivenScores>& given() const { return given_; }

  private:
    // One persona's talk with one process, as last seen.
    struct Talk {
        base::Json system, tools, messages;
        std::vector<base::Json> replies;  // All that were streamed for these messages.
    };

    void check_history(Talk& talk, const base::Json& request, const std::string& who);
    void check_right(const std::string& persona, Caller caller);
    base::Json live(const base::Json& request, std::string& stop_reason, bool& cut_input);
    base::Json rate(const std::string& persona, std::string& stop_reason);
    Reply stream(const base::Json& content, const std::string& stop_reason,
                 const std::string& model, bool cut_input);

    const Profile& profile_;
    const Network& network_;
    const AuthService& auth_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::map<std::pair<Caller, std::string>, Talk> talks_;
    std::vector<GivenScores> given_;
    int next_id_ = 1;
};

}  // namespace simulation
