// The product of the simulated world: an MCP server with a few tools that remembers every call it
// has executed, by visit and seq. A call is committed the moment it arrives.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

struct CommittedCall {
    std::string tool;
    bool is_error = false;  // Executed, and the answer says no.
    int times = 0;
};

class Product final : public FarEnd {
  public:
    Product(const Profile& profile, const Network& network, const AuthService& auth,
            const Disks& disks, Trace& trace, Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    using Key = std::pair<std::string, int>;  // Visit, seq.
    const std::map<Key, CommittedCall>& committed() const { return committed_; }

    // What an executed call that failed says; no other error row may say so.
    static constexpr std::string_view error_text = "Titel fehlt (ausgeführt)";

  private:
    Reply call(const base::HttpRequest& request, const base::Json& message, Caller caller);
    void check_right(const std::string& visit_id, int seq, Caller caller);
    Reply answer(const base::Json& message, base::Json result);

    const Profile& profile_;
    const Network& network_;
    const AuthService& auth_;
    const Disks& disks_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::map<std::string, std::string> sessions_;  // Id -> persona.
    int next_session_ = 1;
    std::map<Key, CommittedCall> committed_;
};

}  // namespace simulation
