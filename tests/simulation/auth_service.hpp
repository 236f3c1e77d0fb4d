// The auth service of the simulated world: the rules of the design's section 5, written anew and
// small, so that it can disagree with auth/. Its state is the truth that the referee goes by.
//
//   claim ──► running ──finish──► finished | partial | failed
//                └── reap ──► lost
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catalog/cadence.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

struct KnownPersona {
    std::string id, name, email;
    catalog::Cadence cadence = catalog::Cadence::daily;
    base::Moment next_due{};
    std::optional<base::Moment> last_active;
    std::optional<base::Moment> retry_slot;
    int retry_attempt = 1;
    std::optional<base::Moment> following_slot;  // While next_due is a retry.
    std::chrono::milliseconds delay{0};          // Her share of the spread.
    bool deleted = false;
    bool paused = false, quarantined = false;
    std::map<base::Moment, int> crashes;     // Of a slot.
    std::optional<base::Moment> not_before;  // The referee's: her last day went wrong.
};

struct KnownRunner {
    std::string id, node;
    Caller caller;
    base::Moment lease_until{};
    bool dead = false;
};

struct KnownVisit {
    std::string id, persona, runner, status = "running";
    int attempt = 1;
    base::Moment slot{}, started_at{}, deadline{};
    int ends = 0;          // How often it left `running`.
    bool crashed = false;  // Lost by its runner's death.
    bool handed_back = false;
    base::Moment ended_at{};
    std::string end_text;  // What finish said, the first time.
    std::map<int, base::Json> actions;
    std::map<std::string, base::Json> ratings;
    bool running() const { return status == "running"; }
};

// A slot that nobody lived.
struct SkippedSlot {
    std::string persona;
    base::Moment slot{};
    std::string reason;
};

class AuthService final : public FarEnd {
  public:
    AuthService(const DrivenClock& clock, const Profile& profile, Trace& trace, Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    base::Moment now() const;
    const std::map<std::string, KnownPersona>& personas() const { return personas_; }
    const std::map<std::string, KnownVisit>& visits() const { return visits_; }
    const KnownVisit* visit(const std::string& id) const;
    // Alive: not declared dead, lease not over.
    bool is_alive(const std::string& runner_id) const;
    Caller caller_of(const std::string& runner_id) const { return runners_.at(runner_id).caller; }
    // Of the living runner that this process registered; nothing when it has none.
    std::optional<base::Moment> lease_of(Caller caller) const;
    const KnownVisit* latest_visit_of(Caller caller, const std::string& persona_name) const;
    const KnownVisit* running_visit_of(const std::string& persona) const;
    // Whose access token it is and whether it still holds.
    struct Token {
        std::string persona;
        bool valid = false;
    };
    Token token(const std::string& bearer) const;
    void delete_persona(const std::string& id);
    void pause(const std::string& id);  // An empty id: everybody.
    void resume(const std::string& id);
    std::vector<std::string> release_quarantined();  // Who they were.
    const std::vector<SkippedSlot>& ledger() const { return ledger_; }
    // The latest moment at which her slot after that one may come.
    static base::Moment slot_limit(const KnownPersona& persona, base::Moment slot);
    // Called for each visit that a claim makes, before the claim answers.
    std::function<void(const KnownVisit&)> on_taken;
    std::size_t running() const;
    // Personas who should have been taken on a visit by now.
    std::vector<std::string> overdue(std::chrono::minutes patience) const;

  private:
    Reply heartbeat(const base::Json& body, Caller caller);
    Reply claim(const base::Json& body);
    Reply actions(const std::string& persona, const base::Json& body);
    Reply feedback(const std::string& persona, const base::Json& body);
    Reply finish(const std::string& visit_id, const base::Json& end);
    Reply log_in(const base::Json& body);
    Reply refresh(const base::Json& body);
    Reply spaces(const base::HttpRequest& request);
    void reap();
    void end(KnownVisit& visit, const std::string& status);
    void settle(const KnownVisit& visit, bool was_her_day);
    void try_again(KnownPersona& persona, const KnownVisit& visit, base::Moment at, int attempt);
    void skip(const KnownPersona& persona, base::Moment slot, std::string_view reason);
    void note_late_row(const KnownVisit& visit);
    bool has_lived(const KnownPersona& persona, base::Moment slot) const;
    bool is_held(const KnownPersona& persona) const;
    bool may_be_taken(const KnownPersona& persona, bool everybody,
                      const std::optional<base::Moment>& idle_since) const;
    void take(KnownPersona& persona, const std::string& runner, std::vector<std::string>& taken,
              bool everybody);
    base::Json claimed(const std::vector<std::string>& visit_ids) const;
    KnownPersona* persona_of_email(const std::string& email);
    std::string access_token(const std::string& persona) const;
    base::Json login_answer(const KnownPersona& persona) const;

    const DrivenClock& clock_;
    const Profile& profile_;
    Trace& trace_;
    Referee& referee_;
    Dice dice_;
    std::map<std::string, KnownPersona> personas_;
    std::map<std::string, KnownRunner> runners_;
    std::map<std::string, KnownVisit> visits_;
    std::vector<SkippedSlot> ledger_;
    bool all_paused_ = false;
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> claims_;
};

}  // namespace simulation
