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
#include <utility>
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
    base::Moment lease_until{}, heartbeat_at{};
    bool dead = false;
    double open_usd = 0;        // Of the day's money, held by it …
    base::Moment open_since{};  // … for visits since then.
    int open_number = 0;        // Of the report that said so.
};

struct KnownVisit {
    std::string id, persona, runner, status = "running";
    int attempt = 1;
    base::Moment slot{}, started_at{}, deadline{};
    int ends = 0;          // How often it left `running`.
    bool crashed = false;  // Lost by its runner's death.
    bool handed_back = false;
    base::Moment ended_at{};
    std::string end_text;  // What finish said, the first time; of it:
    std::string said_status, reason, source;
    double told_usd = 0;
    Caller told_by;
    base::Moment told_at{};
    std::optional<base::Moment> spent_since;  // Of the claim.
    double spent_before = 0;                  // By her since then, told until the claim.
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

// What has changed since somebody last looked.
struct AuthNews {
    std::vector<std::string> visits, personas;                 // Ids; some come twice.
    std::vector<std::pair<std::string, int>> rows;             // Visit, seq.
    std::vector<std::pair<std::string, std::string>> ratings;  // Visit, module.
    std::vector<std::string> told;                             // Visits whose end was told.
    bool empty() const {
        return visits.empty() && personas.empty() && rows.empty() && ratings.empty() &&
               told.empty();
    }
};

Reply auth_refusal(int status, const std::string& why, const std::string& code = {});

class AuthService final : public FarEnd {
  public:
    AuthService(const DrivenClock& clock, const Profile& profile, Trace& trace, Referee& referee);

    Reply serve(const base::HttpRequest& request, Caller caller) override;

    base::Moment now() const;
    base::Moment moment_at(base::Steady steady) const;
    AuthNews take_news() { return std::exchange(news_, {}); }
    bool has_news() const { return !news_.empty(); }
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
    struct Claim {
        std::string runner;
        bool everybody = false;
        std::optional<base::Moment> idle_since, spent_since;
    };
    struct Told {
        double usd = 0, usd_after = 0;
    };

    Reply heartbeat(const base::Json& body, Caller caller);
    Reply beat_answer(KnownRunner& runner, const base::Json& body);
    void share_out(KnownRunner& runner, const base::Json& spending, base::Json& answer);
    double spent_by(const std::string& persona, const std::optional<base::Moment>& since) const;
    Told told_of(const KnownRunner& runner, base::Moment since) const;
    double held_by(const KnownRunner& runner, base::Moment since) const;
    Reply claim(const base::Json& body);
    Reply actions(const std::string& persona, const base::Json& body);
    Reply feedback(const std::string& persona, const base::Json& body);
    Reply finish(const std::string& visit_id, const base::Json& end, Caller caller);
    void hear_end(KnownVisit& visit, const base::Json& body, Caller caller);
    void check_sizes(const base::Json& rows, std::size_t rows_max);
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
    std::vector<KnownPersona*> candidates_for(const Claim& claim);
    void take(KnownPersona& persona, const Claim& claim, std::vector<std::string>& taken);
    void note(const KnownVisit& visit) {
        news_.visits.push_back(visit.id);
        news_.personas.push_back(visit.persona);
    }
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
    AuthNews news_;
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> claims_;
};

}  // namespace simulation
