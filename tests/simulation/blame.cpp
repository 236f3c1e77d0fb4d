#include "tests/simulation/blame.hpp"

#include <array>

#include <fmt/format.h>

namespace simulation {

namespace {

using namespace std::chrono_literals;

// A heartbeat's answer that takes longer may leave too little of the lease for a tool call.
constexpr std::chrono::seconds slow_beat{2};
// A stop of all visits by the model lasts a quarter of an hour, or what it demanded.
constexpr std::chrono::minutes model_stop_max{20};

constexpr std::string_view silent_day = "tool: no tool call of the day was answered";

bool is_of_the_lease(const base::HttpRequest& request) {
    return request.url.ends_with("/heartbeat") || request.url.ends_with("/due");
}

std::string_view source_for(std::string_view waiting) {
    if (waiting == "tools" || waiting == "tool") return "product";
    if (waiting == "model" || waiting == "rating") return "model";
    return "infra";
}

}  // namespace

std::string_view waiting_in(std::string_view reason) {
    constexpr std::array<std::string_view, 8> words{"login", "spaces", "tools",  "budget",
                                                    "model", "tool",   "rating", "disk"};
    constexpr std::string_view deadline = "deadline passed while waiting for ";
    for (const std::string_view word : words) {
        if (reason == std::string(deadline) + std::string(word)) return word;
        if (reason.starts_with(std::string(word) + ": ")) return word;
    }
    return {};
}

void Blame::leaves(const Sent& sent, const std::string& body, const KnownVisit* visit) {
    if (is_of_the_lease(sent.request)) left_at_[sent.number] = auth_.now();
    // Good-byes and listening are nobody's work.
    if (visit == nullptr || sent.request.method == "DELETE") return;
    if (sent.place == Place::product && sent.request.method == "GET") return;
    if (body.find("notifications/cancelled") != std::string::npos) return;
    visits_[sent.number] = visit->id;
    if (body.find("\"tools/call\"") != std::string::npos) calls_.insert(sent.number);
    steps_[visit->id] = {.place = sent.place, .at = auth_.now()};
}

void Blame::over(const Sent& sent, const Met& met) {
    Trouble& trouble = troubles_[sent.caller];
    if (const auto left = left_at_.find(sent.number); left != left_at_.end()) {
        if (!met.well() || auth_.now() - left->second > slow_beat) trouble.lease = auth_.now();
        left_at_.erase(left);
    }
    const bool busy = met.status == 429 || met.status == 529 || met.status == 503 || !met.sound;
    if (sent.place == Place::model && busy) trouble.model = auth_.now();
    const auto found = visits_.find(sent.number);
    if (found == visits_.end()) return;
    Step& step = steps_[found->second];
    step.is_open = false;
    step.went_well = met.well();
    step.status = met.status;
    if (calls_.erase(sent.number) > 0 && met.well()) answered_.insert(found->second);
    visits_.erase(found);
}

void Blame::signalled(Caller caller) {
    troubles_[caller].signal = auth_.now();
}

bool Blame::since_start(const std::optional<base::Moment>& at, const KnownVisit& visit,
                        std::chrono::seconds before) const {
    return at && *at >= visit.started_at - before;
}

bool Blame::was_refused(const KnownVisit& visit, Place place) const {
    const auto step = steps_.find(visit.id);
    return step != steps_.end() && step->second.place == place && !step->second.went_well;
}

// The visit says what it was waiting for: something of that must have gone wrong.
std::string Blame::fault_of_own(const KnownVisit& visit, std::string_view waiting) const {
    const Caller caller = auth_.caller_of(visit.runner);
    const auto found = troubles_.find(caller);
    const Trouble trouble = found == troubles_.end() ? Trouble{} : found->second;
    const bool lease = since_start(trouble.lease, visit, profile_.lease);
    const bool too_late = visit.reason.starts_with("deadline passed");
    std::string_view source = source_for(waiting);
    bool is_so = false;
    if (waiting == "login" || waiting == "spaces") {
        is_so = was_refused(visit, Place::auth) || lease;
        const auto step = steps_.find(visit.id);
        const int status = is_so && step != steps_.end() ? step->second.status : 0;
        const bool is_hers = waiting == "login" && status >= 400 && status < 500 && status != 429;
        if (is_hers && !too_late) source = "persona";
    } else if (visit.reason.starts_with(silent_day)) {
        is_so = !answered_.contains(visit.id);
    } else if (source == "product") {
        is_so = was_refused(visit, Place::product);
    } else if (source == "model") {
        is_so =
            was_refused(visit, Place::model) || since_start(trouble.model, visit, model_stop_max);
    } else if (waiting == "budget") {
        is_so = profile_.has_budget();
    } else {
        const auto fault = disks_.last_fault(caller.node);
        const auto fault_at = fault ? std::optional(auth_.moment_at(*fault)) : std::nullopt;
        is_so = lease || since_start(fault_at, visit, profile_.lease) ||
                profile_.outbox_bytes < (1U << 20) || (too_late && profile_.disk_pace > 0ms);
    }
    if (!is_so) return fmt::format("nothing went wrong there ({})", waiting);
    return visit.source == source ? std::string() : fmt::format("it was {}'s", source);
}

// All visits of the process ended together, or it is gone.
std::string Blame::fault_of_all(const KnownVisit& visit) const {
    const Caller caller = auth_.caller_of(visit.runner);
    const auto found = troubles_.find(caller);
    const Trouble trouble = found == troubles_.end() ? Trouble{} : found->second;
    const bool is_so = visit.told_by != caller || since_start(trouble.signal, visit, 0s) ||
                       since_start(trouble.lease, visit, profile_.lease);
    if (!is_so) return "its process lived, held its lease and was not told to stop";
    return visit.source == "infra" ? std::string() : "it was infra's";
}

std::string Blame::fault_of(const KnownVisit& visit) const {
    if (visit.said_status == "finished") {
        return visit.source.empty() ? std::string() : "it did not fail";
    }
    if (visit.source.empty()) return "it names none";
    const std::string_view waiting = waiting_in(visit.reason);
    return waiting.empty() ? fault_of_all(visit) : fault_of_own(visit, waiting);
}

void Blame::check(const KnownVisit& visit) {
    const std::string fault = fault_of(visit);
    if (fault.empty()) return;
    referee_.fail(Invariant::failures_have_a_source,
                  fmt::format("visit {} ended {} with source \"{}\" (\"{}\"): {}", visit.id,
                              visit.said_status, visit.source, visit.reason, fault));
}

}  // namespace simulation
