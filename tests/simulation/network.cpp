#include "tests/simulation/network.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tests/simulation/exchange.hpp"

namespace simulation {

using namespace std::chrono_literals;

// What the dice have in store for one exchange.
struct Network::Plan {
    enum class There { served, refused, vanishes, reset, gateway };
    enum class Back { answer, reset, silence, gateway, garbled };

    There there = There::served;
    Back back = Back::answer;
    base::Duration way{}, way_back{};
    int status = 503;
    std::string retry_after;
};

namespace {

Place place_of(const base::HttpRequest& request) {
    const std::string origin = base::origin_of(request.url);
    if (origin == "http://auth.test") return Place::auth;
    if (origin == "http://product.test") return Place::product;
    base::require(origin == "http://model.test", "a request to nowhere: " + origin);
    return Place::model;
}

std::string short_path(const base::HttpRequest& request) {
    std::string path = path_of(request);
    for (const char* prefix : {"/api/v1/internal/", "/api/v1/", "/api/auth/"}) {
        if (path.starts_with(prefix)) return path.substr(std::string_view(prefix).size());
    }
    return path;
}

bool is_heartbeat(const Exchange& exchange) {
    return exchange.request.url.ends_with("/heartbeat");
}

bool is_tool_call(const Exchange& exchange) {
    return exchange.place == Place::product &&
           exchange.request.body.text().find("\"tools/call\"") != std::string::npos;
}

}  // namespace

Network::Network(base::Loop& loop, const Profile& profile, Trace& trace, Referee& referee)
    : loop_(loop),
      profile_(profile),
      trace_(trace),
      referee_(referee),
      dice_(profile.seed, 2),
      waits_(loop, referee),
      never_(loop),
      carriers_(loop) {}

Network::~Network() = default;

std::shared_ptr<Exchange> Network::start(Caller caller, base::HttpRequest request) {
    auto exchange = std::make_shared<Exchange>();
    exchange->caller = caller;
    exchange->place = place_of(request);
    exchange->number = next_number_++;
    exchange->request = std::move(request);
    spoil(profile_.sabotage, exchange->request, loop_.clock());
    ++active_;
    ++open_[caller];
    waits_.check(exchange->sent());
    on_leaving(exchange->sent());
    if (is_tool_call(*exchange)) {
        // The client's own limit comes a second before the wire's.
        before_call(caller, exchange->request.header_limit - 1s);
    }
    Plan plan = plan_for(*exchange);
    trace_.add("#{} node{}.{} {} {}", exchange->number, caller.node, caller.life,
               exchange->request.method, short_path(exchange->request));
    carriers_.add(carry(exchange, std::move(plan)));
    return exchange;
}

void Network::leave(Exchange& exchange) {
    --active_;
    if (profile_.sabotage != Sabotage::never_closes) --open_[exchange.caller];
    exchange.gone = true;
    on_over(exchange.sent(), exchange.met());
    if (exchange.ended || exchange.arrived) return;
    // What was on its way may have been in the far end's hands already.
    if (calm_ || dice_.chance(0.5)) {
        trace_.add("#{} given up on its way", exchange.number);
        return;
    }
    trace_.add("#{} given up, arrives nevertheless", exchange.number);
    arrive(exchange);
}

bool Network::crashed_here(const Exchange& exchange, const char* where) {
    if (calm_ || exchange.gone || !dice_.chance(profile_.crash_on_wire)) return false;
    trace_.add("#{} crash {}", exchange.number, where);
    crash(exchange.caller);
    return true;
}

Reply Network::arrive(Exchange& exchange) {
    exchange.arrived = true;
    return far_ends_[index(exchange.place)]->serve(exchange.request, exchange.caller);
}

base::Task<void> Network::carry(std::shared_ptr<Exchange> exchange, Plan plan) {
    co_await loop_.sleep(plan.way);
    if (exchange->gone) co_return;
    switch (plan.there) {
        case Plan::There::refused:
            trace_.add("#{} refused", exchange->number);
            exchange->fail("connection refused", /*sent=*/false);
            co_return;
        case Plan::There::vanishes:
            trace_.add("#{} vanishes", exchange->number);
            // Nobody will answer; the process's own limit ends it. It never arrived.
            exchange->arrived = true;
            co_return;
        case Plan::There::reset:
            trace_.add("#{} reset before it arrived", exchange->number);
            exchange->fail("connection reset");
            co_return;
        case Plan::There::gateway: {
            exchange->arrived = true;
            Reply refusal = Reply::bare(plan.status);
            refusal.headers = {{"content-type", "text/plain"}};
            if (!plan.retry_after.empty()) {
                refusal.headers.emplace_back("retry-after", plan.retry_after);
            }
            refusal.pieces.push_back({{}, "upstream trouble"});
            trace_.add("#{} gateway says {}", exchange->number, plan.status);
            co_await bring_back(exchange, std::move(plan), std::move(refusal));
            co_return;
        }
        case Plan::There::served: break;
    }
    if (crashed_here(*exchange, "as it arrives")) co_return;
    Reply reply = arrive(*exchange);
    co_await bring_back(std::move(exchange), std::move(plan), std::move(reply));
}

base::Task<void> Network::bring_back(std::shared_ptr<Exchange> exchange, Plan plan, Reply reply) {
    if (crashed_here(*exchange, "after it was served")) co_return;
    co_await loop_.sleep(plan.way_back + reply.takes);
    if (exchange->gone) co_return;
    switch (plan.back) {
        case Plan::Back::silence: trace_.add("#{} answer lost", exchange->number); co_return;
        case Plan::Back::reset:
            trace_.add("#{} reset instead of an answer", exchange->number);
            exchange->fail("connection reset");
            co_return;
        case Plan::Back::gateway: reply = Reply::bare(plan.status); break;
        case Plan::Back::garbled:
            reply.pieces = {{{}, "{\"half\": [1, "}};
            reply.end = Reply::End::whole;
            exchange->sound = false;
            break;
        case Plan::Back::answer: break;
    }
    trace_.add("#{} answered {}", exchange->number, reply.status);
    waits_.note(exchange->sent(), reply);
    exchange->sound = exchange->sound && reply.sound;
    exchange->bill = reply.bill;
    if (profile_.sabotage == Sabotage::waits_unsaid) {
        std::erase_if(reply.headers, [](const auto& each) { return each.first == "retry-after"; });
        if (reply.status == 429) reply.status = 529;
    }
    exchange->status = reply.status;
    exchange->headers = std::move(reply.headers);
    exchange->headers_done = true;
    exchange->wake();
    for (Reply::Piece& piece : reply.pieces) {
        if (piece.pause > base::Duration::zero()) co_await loop_.sleep(piece.pause);
        if (exchange->gone) co_return;
        exchange->buffer += piece.bytes;
        exchange->usd += piece.usd;
        exchange->wake();
        if (reply.pieces.size() > 1 && crashed_here(*exchange, "in the middle of a stream")) {
            co_return;
        }
    }
    if (reply.end == Reply::End::silence) co_return;
    if (reply.end == Reply::End::reset) exchange->cause = "connection reset";
    exchange->ended = true;
    exchange->wake();
}

Network::Plan Network::plan_for(const Exchange& exchange) {
    Plan plan;
    plan.way = dice_.time(1ms, 20ms);
    plan.way_back = dice_.time(1ms, 20ms);
    if (calm_) return plan;
    const base::Steady now = loop_.now();
    const bool cut_off = now < cut_off_until_[exchange.caller.node];
    const bool orphan = exchange.place == Place::auth && now < orphan_until_[exchange.caller.node];
    if (cut_off || orphan) {
        plan.there = Plan::There::vanishes;
        return plan;
    }
    if (now < down_until_[index(exchange.place)]) {
        plan.there = dice_.chance(0.8) ? Plan::There::refused : Plan::There::gateway;
        return plan;
    }
    if (now < no_deliveries_until_ && is_delivery(exchange.request)) {
        plan.there = Plan::There::gateway;
        return plan;
    }
    if (is_heartbeat(exchange) && dice_.chance(profile_.beat_lost)) {
        plan.there = Plan::There::vanishes;
        return plan;
    }
    if (dice_.chance(profile_.slow)) plan.way_back = dice_.time(500ms, 20s);
    const double busy = exchange.place == Place::model ? profile_.model_busy : 0;
    if (dice_.chance(profile_.busy + busy)) {
        static constexpr int model_busy[] = {429, 529, 529};
        static constexpr int others_busy[] = {429, 503};
        plan.there = Plan::There::gateway;
        plan.status =
            exchange.place == Place::model ? dice_.pick(model_busy) : dice_.pick(others_busy);
        if (dice_.chance(0.7)) plan.retry_after = std::to_string(dice_.between(1, 40));
        // Longer than anybody should hold out: visits stop until then.
        const bool is_long = exchange.place == Place::model && dice_.chance(0.04);
        if (is_long) plan.retry_after = std::to_string(dice_.between(121, 600));
        return plan;
    }
    const std::pair<double, Plan::There> bad_ways[] = {
        {profile_.refused, Plan::There::refused},
        {profile_.vanished, Plan::There::vanishes},
        {profile_.reset_before, Plan::There::reset},
        {profile_.gateway_before, Plan::There::gateway}};
    for (const auto& [probability, way] : bad_ways) {
        if (!dice_.chance(probability)) continue;
        static constexpr int troubles[] = {500, 502, 503, 504};
        // What a proxy says that has lost its way, or that cannot read what the wire made of it.
        static constexpr int strange_troubles[] = {400, 404, 405, 502, 503, 504};
        plan.there = way;
        plan.status =
            is_delivery(exchange.request) ? dice_.pick(strange_troubles) : dice_.pick(troubles);
        return plan;
    }
    const std::pair<double, Plan::Back> bad_ways_back[] = {
        {profile_.reset_after, Plan::Back::reset},
        {profile_.silent_after, Plan::Back::silence},
        {profile_.gateway_after, Plan::Back::gateway},
        {profile_.garbled, Plan::Back::garbled}};
    for (const auto& [probability, way] : bad_ways_back) {
        if (!dice_.chance(probability)) continue;
        plan.back = way;
        plan.status = dice_.chance(0.5) ? 502 : 504;
        break;
    }
    return plan;
}

}  // namespace simulation
