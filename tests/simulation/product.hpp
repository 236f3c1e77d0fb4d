// The product of the simulated world: an MCP server with a few tools that remembers every call it
// has executed, by visit and seq. A call is committed the moment it arrives. Some worlds' products
// have tools that are a trial for whoever maps their names, and some that nobody can offer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// A tool as the world knows it. Its description begins with words that no other tool's has, so that
// it is known again whatever name it gets.
struct OfferedTool {
    std::string name, module, words;
    bool must_be_offered = true;
};

class Product final : public FarEnd {
  public:
    Product(const Profile& profile, const Network& network, const AuthService& auth,
            const Disks& disks, Trace& trace, Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    using Key = std::pair<std::string, int>;  // Visit, seq.
    const std::map<Key, CommittedCall>& committed() const { return committed_; }

    const std::vector<OfferedTool>& tools() const { return tools_; }
    const OfferedTool* tool(std::string_view name) const;  // The first of that name; null: none.

    // What an executed call that failed says, and perhaps more; no other error row may say so.
    static constexpr std::string_view error_text = "Titel fehlt (ausgeführt)";
    static std::string answer_text(const std::string& tool) { return "erledigt: " + tool; }

  private:
    Reply call(const base::HttpRequest& request, const base::Json& message, Caller caller);
    void check_right(const std::string& visit_id, int seq, Caller caller);
    void check_writer(const base::HttpRequest& request, const std::string& visit_id);
    Reply open_session(const base::Json& message, const std::string& persona);
    Reply refuse_bearer(const std::string& bearer);
    void list_tools();
    Reply answer(const base::Json& message, base::Json result);

    const Profile& profile_;
    const Network& network_;
    const AuthService& auth_;
    const Disks& disks_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::vector<OfferedTool> tools_;
    base::Json listed_;                            // As tools/list tells it.
    std::map<std::string, std::string> sessions_;  // Id -> persona.
    int next_session_ = 1;
    std::map<Key, CommittedCall> committed_;
};

}  // namespace simulation
