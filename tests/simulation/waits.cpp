#include "tests/simulation/waits.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace simulation {

using namespace std::chrono_literals;

namespace {

// After a spending cap one visit is let through every quarter of an hour.
constexpr std::chrono::minutes cap_pause{15};

std::string name_of(const base::HttpRequest& request) {
    return is_delivery(request) ? request.url + ' ' + request.body.text() : std::string();
}

// What the answer demands of whoever hears it; nothing: no wait.
std::optional<std::chrono::seconds> demand_of(Place place, const Reply& reply) {
    if (reply.status != 429 && reply.status != 529 && reply.status != 503) return std::nullopt;
    for (const auto& [name, value] : reply.headers) {
        if (name == "retry-after") return std::chrono::seconds(std::stoi(value));
    }
    // 429 without a wait is the model's spending cap: no wait helps.
    if (place == Place::model && reply.status == 429) return cap_pause;
    return std::nullopt;
}

}  // namespace

void Waits::note(const Sent& sent, const Reply& reply) {
    const auto demanded = demand_of(sent.place, reply);
    if (!demanded) return;
    const base::Steady until = loop_.now() + *demanded;
    if (is_delivery(sent.request)) not_again_until_[{sent.caller, name_of(sent.request)}] = until;
    // 503 of the model: that request waits for itself, the others go on.
    if (sent.place != Place::model || reply.status == 503) return;
    Hold& hold = held_[{sent.caller, sent.place}];
    if (hold.until <= loop_.now()) hold.since = loop_.now();
    hold.until = std::max(hold.until, until);
}

void Waits::check(const Sent& sent) {
    if (is_delivery(sent.request) && !hurried_.contains(sent.caller)) {
        const auto again = not_again_until_.find({sent.caller, name_of(sent.request)});
        if (again != not_again_until_.end() && loop_.now() < again->second) {
            referee_.fail(
                Invariant::waits_are_honoured,
                fmt::format("#{} comes again before its demanded wait is over", sent.number));
        }
    }
    // What leaves in the very moment in which the demand arrives cannot know of it.
    const auto held = held_.find({sent.caller, sent.place});
    if (held == held_.end() || loop_.now() >= held->second.until ||
        loop_.now() == held->second.since) {
        return;
    }
    referee_.fail(Invariant::waits_are_honoured,
                  fmt::format("#{} of node{}.{} leaves {} ms before the demanded wait is over",
                              sent.number, sent.caller.node, sent.caller.life,
                              std::chrono::duration_cast<std::chrono::milliseconds>(
                                  held->second.until - loop_.now())
                                  .count()));
}

}  // namespace simulation
