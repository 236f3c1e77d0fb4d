// What the model was really paid, by visit, persona and day, and whether the budgets held: what was
// spent, and what the requests under way may cost at most, stay below each limit. Counted at the
// model's end of the wire, by what the process has received.
//
//   leaves ─► (pieces received: bill) ─► over       told: the visit's end reached the service
//
// A process that is gone takes its knowledge of the newest request along: its visits do not count
// for the day from then on until their end is told, and then with what it says.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "catalog/prices.hpp"
#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

// Of a request: how long its reply may be.
int tokens_max_in(const std::string& body);

class Money {
  public:
    Money(const Profile& profile, const DrivenClock& clock, const AuthService& auth,
          Referee& referee);
    Money(const Money&) = delete;
    Money& operator=(const Money&) = delete;

    // A visit begins.
    void taken(const KnownVisit& visit);
    // A request of the visit leaves its process, which has done with it later.
    void leaves(int number, const KnownVisit& visit, const std::string& body);
    void over(int number);
    // Pieces of a reply were received. USD.
    void bill(const std::string& visit, double usd);
    void told(const KnownVisit& visit);
    void process_ends(Caller caller);
    // Her visits are gone, and what they cost with them.
    void forget(const std::string& persona);
    // Whether the day's money may be too little for a visit's first request and its rating.
    bool is_used_up() const;

    // Tokens of a prompt of so many bytes, as this world's model counts them.
    static std::int64_t tokens_of(std::size_t bytes) {
        return 200 + static_cast<std::int64_t>(bytes / 4);
    }
    double cost(const std::string& model, const catalog::TokenCounts& tokens,
                const std::string& visit) const;

  private:
    struct Account {
        std::string visit, persona;
        Caller caller;
        std::optional<std::int64_t> day;  // Nothing: its clocks do not agree about it.
        double known_before = 0;          // Of hers that day.
        double billed = 0;
        double open = 0;     // What its request under way may cost yet; it has one at a time.
        double counted = 0;  // Of the day's sum.
        double largest = 0;  // Of its requests, at most.
        int requests = 0;
        bool is_gone = false;  // Its process is.
    };
    struct Day {
        double counted = 0, open = 0;
    };

    void count(Account& account, double usd);
    void release(Account& account, double usd);
    void check(const Account& account);
    void check_limit(const Account& account, const char* name, double limit, double used);

    const Profile& profile_;
    const DrivenClock& clock_;
    const AuthService& auth_;
    Referee& referee_;
    const catalog::Prices prices_;
    std::map<std::string, Account> accounts_;
    std::map<int, std::string> open_;  // Request -> visit.
    std::map<std::int64_t, Day> days_;
    double forgotten_ = 0;  // Of deleted personas.
};

}  // namespace simulation
