#include "tests/simulation/money.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace simulation {

namespace {

using namespace std::chrono_literals;

constexpr double money_rounding = 1e-7;
// A reply that broke off is counted by the runner as an estimate, rounded up for each block.
constexpr double estimate_slack = 0.005;
// What a runner sets aside for a first request and the rating at the end.
constexpr double first_request_max = 0.1;

std::int64_t day_of(base::Moment moment) {
    return std::chrono::floor<std::chrono::days>(moment).time_since_epoch().count();
}

std::string model_in(const std::string& body) {
    constexpr std::string_view key = R"({"model":")";
    return body.substr(key.size(), body.find('"', key.size()) - key.size());
}

const catalog::Prices& prices_of_the_world() {
    static const catalog::Prices prices = catalog::shipped_prices();
    return prices;
}

}  // namespace

int tokens_max_in(const std::string& body) {
    constexpr std::string_view key = R"("max_tokens":)";
    const std::size_t at = body.find(key);
    return at == std::string::npos ? 0 : std::stoi(body.substr(at + key.size(), 8));
}

Money::Money(const Profile& profile, const DrivenClock& clock, const AuthService& auth,
             Referee& referee)
    : profile_(profile),
      clock_(clock),
      auth_(auth),
      referee_(referee),
      prices_(prices_of_the_world()) {}

void Money::taken(const KnownVisit& visit) {
    Account account{.visit = visit.id,
                    .persona = visit.persona,
                    .caller = auth_.caller_of(visit.runner),
                    .known_before = visit.spent_before};
    // Whoever starts near midnight has it on one day for the service, on another for her runner.
    const std::int64_t day = day_of(visit.started_at);
    if (day_of(clock_.now()) == day && day_of(clock_.now() + 2min) == day) account.day = day;
    accounts_.emplace(visit.id, std::move(account));
}

double Money::cost(const std::string& model, const catalog::TokenCounts& tokens,
                   const std::string& visit) const {
    const KnownVisit* known = auth_.visit(visit);
    return known ? prices_.cost(model, tokens, known->started_at).value_or(0) : 0;
}

void Money::leaves(int number, const KnownVisit& visit, const std::string& body) {
    const auto found = accounts_.find(visit.id);
    if (found == accounts_.end()) return;
    Account& account = found->second;
    const double usd = prices_
                           .cost_at_most(model_in(body), tokens_of(body.size()),
                                         tokens_max_in(body), visit.started_at)
                           .value_or(0);
    open_[number] = visit.id;
    account.open = usd;
    account.largest = std::max(account.largest, usd);
    ++account.requests;
    if (account.day) days_[*account.day].open += usd;
    check(account);
}

void Money::over(int number) {
    const auto request = open_.find(number);
    if (request == open_.end()) return;
    Account& account = accounts_.at(request->second);
    open_.erase(request);
    release(account, account.open);
}

void Money::release(Account& account, double usd) {
    account.open -= usd;
    if (account.day) days_[*account.day].open -= usd;
}

void Money::bill(const std::string& visit, double usd) {
    const auto found = accounts_.find(visit);
    if (found == accounts_.end() || usd == 0) return;
    Account& account = found->second;
    account.billed += usd;
    release(account, std::min(usd, account.open));  // It was asked for.
    if (!account.is_gone) count(account, account.billed);
    check(account);
}

void Money::count(Account& account, double usd) {
    if (account.day) days_[*account.day].counted += usd - account.counted;
    account.counted = usd;
}

void Money::process_ends(Caller caller) {
    for (auto& [id, account] : accounts_) {
        if (account.caller != caller || account.is_gone) continue;
        account.is_gone = true;
        const KnownVisit* visit = auth_.visit(id);
        if (visit != nullptr && visit->end_text.empty()) count(account, 0);
    }
}

void Money::forget(const std::string& persona) {
    for (auto& [id, account] : accounts_) {
        if (account.persona != persona) continue;
        account.is_gone = true;
        forgotten_ += account.counted;
        count(account, 0);
    }
}

bool Money::is_used_up() const {
    if (profile_.budget_day <= 0) return false;
    const std::int64_t today = day_of(auth_.now());
    const auto found = days_.find(today);
    double used = found == days_.end() ? 0 : found->second.counted;
    // Runners know what a deleted persona spent, though the service does not any more.
    used += forgotten_;
    // Visits near midnight: for one clock they are of this day, for another of the next.
    for (const auto& [id, account] : accounts_) {
        const KnownVisit* visit = account.day ? nullptr : auth_.visit(id);
        if (visit == nullptr) continue;
        const std::int64_t day = day_of(visit->started_at);
        if (day >= today - 1 && day <= today + 1) used += account.counted;
    }
    return used + first_request_max > profile_.budget_day;
}

void Money::told(const KnownVisit& visit) {
    const auto found = accounts_.find(visit.id);
    if (found == accounts_.end()) return;
    Account& account = found->second;
    const double told = visit.told_usd;
    const double hidden = account.billed - told;
    // What a process knew of its newest request, and of the rating behind it, dies with it.
    const bool by_itself = visit.told_by == account.caller;
    const double may_be_hidden = by_itself ? 0 : 2 * account.largest;
    const double may_be_more = estimate_slack * account.requests;
    if (hidden > may_be_hidden + money_rounding || -hidden > may_be_more + money_rounding) {
        referee_.fail(Invariant::money_is_kept,
                      fmt::format("visit {} tells of {:.6f} USD, the model took {:.6f}", visit.id,
                                  told, account.billed));
    }
    count(account, by_itself ? std::max(told, account.billed) : told);
    check(account);
}

void Money::check_limit(const Account& account, const char* name, double limit, double used) {
    if (limit <= 0 || used <= limit + money_rounding) return;
    referee_.fail(Invariant::money_is_kept,
                  fmt::format("{:.6f} USD are spent and asked for, the limit of {} is {:.6f}; "
                              "visit {} of {}",
                              used, name, limit, account.visit, account.persona));
}

void Money::check(const Account& account) {
    if (!profile_.has_budget()) return;
    const double own = account.billed + account.open;
    check_limit(account, "a visit", profile_.budget_visit, own);
    if (!account.day) return;
    check_limit(account, "a persona's day", profile_.budget_persona_day,
                account.known_before + own);
    const Day& day = days_[*account.day];
    check_limit(account, "the day", profile_.budget_day, day.counted + day.open);
}

}  // namespace simulation
