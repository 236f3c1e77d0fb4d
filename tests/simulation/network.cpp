#include "tests/simulation/network.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace simulation {

using namespace std::chrono_literals;

// One request and what came back so far; shared by the process's end and the carrier.
struct Exchange {
    Caller caller;
    Place place = Place::auth;
    int number = 0;
    base::HttpRequest request;
    bool arrived = false;
    bool gone = false;  // Nobody waits for the answer.
    bool headers_done = false;
    bool ended = false;
    std::string cause;  // Why the answer broke off.
    bool not_sent = false;
    int status = 0;
    base::HttpHeaders headers;
    std::string buffer;
    base::Waiter* waiter = nullptr;

    void wake() {
        if (waiter != nullptr) waiter->wake();
    }
    void fail(std::string why, bool sent = true) {
        cause = std::move(why);
        not_sent = !sent;
        ended = true;
        wake();
    }
    base::Failure failure(const std::string& why) const {
        return base::Failure{base::Failure::Kind::unavailable,
                             "no answer from " + base::origin_of(request.url) + ": " + why,
                             not_sent ? "not_sent" : "outcome_unknown"};
    }
};

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

bool is_delivery(const Exchange& exchange) {
    const std::string& url = exchange.request.url;
    return url.ends_with("/actions") || url.ends_with("/feedback") || url.ends_with("/finish");
}

std::string name_of(const Exchange& exchange) {
    return is_delivery(exchange) ? exchange.request.url + ' ' + exchange.request.body.text()
                                 : std::string();
}

// Marks the exchange as given up when the frame that waits for it goes.
class Holder {
  public:
    Holder(std::function<void(Exchange&)> leave, std::shared_ptr<Exchange> exchange)
        : leave_(std::move(leave)), exchange_(std::move(exchange)) {}
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { leave_(*exchange_); }
    Exchange& operator*() const { return *exchange_; }
    Exchange* operator->() const { return exchange_.get(); }

  private:
    std::function<void(Exchange&)> leave_;
    std::shared_ptr<Exchange> exchange_;
};

// Until something changes or `until` has come.
base::Task<void> next_change(base::Loop& loop, Exchange& exchange, base::Steady until) {
    struct Place {
        Exchange& exchange;
        base::Waiter waiter;
        Place(base::Loop& the_loop, Exchange& the_exchange)
            : exchange(the_exchange), waiter(the_loop) {
            exchange.waiter = &waiter;
        }
        ~Place() { exchange.waiter = nullptr; }
    };
    Place place(loop, exchange);
    place.waiter.wake_at(until);
    co_await place.waiter;
}

base::Task<void> until_headers(base::Loop& loop, Exchange& exchange, base::Steady deadline) {
    while (!exchange.headers_done && !exchange.ended) {
        if (loop.now() >= deadline) throw exchange.failure("no headers came in time");
        co_await next_change(loop, exchange, deadline);
    }
    if (!exchange.headers_done) throw exchange.failure(exchange.cause);
}

class SimulatedStream final : public base::HttpStream {
  public:
    SimulatedStream(base::Loop& loop, std::unique_ptr<Holder> holder)
        : loop_(loop), holder_(std::move(holder)) {}

    int status() const override { return (*holder_)->status; }
    const base::HttpHeaders& headers() const override { return (*holder_)->headers; }
    base::Task<std::optional<std::string>> next() override {
        Exchange& exchange = **holder_;
        const base::Steady deadline = loop_.now() + exchange.request.idle_limit;
        while (exchange.buffer.empty() && !exchange.ended) {
            if (loop_.now() >= deadline) throw exchange.failure("nothing came in time");
            co_await next_change(loop_, exchange, deadline);
        }
        if (!exchange.buffer.empty()) co_return std::exchange(exchange.buffer, {});
        if (!exchange.cause.empty()) throw exchange.failure(exchange.cause);
        co_return std::nullopt;
    }

  private:
    base::Loop& loop_;
    std::unique_ptr<Holder> holder_;
};

}  // namespace

class SimulatedTransport final : public base::HttpTransport {
  public:
    SimulatedTransport(Network& network, Caller caller) : network_(network), caller_(caller) {}

    base::Task<base::HttpResponse> send(base::HttpRequest request) override {
        while (network_.is_dead(caller_)) co_await network_.never_.wait();
        const base::Steady deadline = network_.loop_.now() + request.deadline;
        const base::Steady header_deadline =
            std::min(deadline, network_.loop_.now() + request.header_limit);
        Holder holder([this](Exchange& exchange) { network_.leave(exchange); },
                      network_.start(caller_, std::move(request)));
        Exchange& exchange = *holder;
        co_await until_headers(network_.loop_, exchange, header_deadline);
        while (!exchange.ended) {
            if (network_.loop_.now() >= deadline) {
                throw exchange.failure("the deadline passed before the answer was whole");
            }
            co_await next_change(network_.loop_, exchange, deadline);
        }
        if (!exchange.cause.empty()) throw exchange.failure(exchange.cause);
        co_return base::HttpResponse{exchange.status, std::move(exchange.headers),
                                     std::move(exchange.buffer)};
    }

    base::Task<std::unique_ptr<base::HttpStream>> open(base::HttpRequest request) override {
        while (network_.is_dead(caller_)) co_await network_.never_.wait();
        const base::Steady header_deadline = network_.loop_.now() + request.header_limit;
        auto holder =
            std::make_unique<Holder>([this](Exchange& exchange) { network_.leave(exchange); },
                                     network_.start(caller_, std::move(request)));
        co_await until_headers(network_.loop_, **holder, header_deadline);
        std::unique_ptr<base::HttpStream> stream =
            std::make_unique<SimulatedStream>(network_.loop_, std::move(holder));
        co_return stream;
    }

    std::size_t active() const override { return network_.active_; }

  private:
    Network& network_;
    const Caller caller_;
};

Network::Network(base::Loop& loop, const Profile& profile, Trace& trace, Referee& referee)
    : loop_(loop),
      profile_(profile),
      trace_(trace),
      referee_(referee),
      dice_(profile.seed, 2),
      never_(loop),
      carriers_(loop) {}

Network::~Network() = default;

std::unique_ptr<base::HttpTransport> Network::transport(Caller caller) {
    return std::make_unique<SimulatedTransport>(*this, caller);
}

std::shared_ptr<Exchange> Network::start(Caller caller, base::HttpRequest request) {
    auto exchange = std::make_shared<Exchange>();
    exchange->caller = caller;
    exchange->place = place_of(request);
    exchange->number = next_number_++;
    exchange->request = std::move(request);
    ++active_;
    check_waits(*exchange);
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
    exchange.gone = true;
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
            break;
        case Plan::Back::answer: break;
    }
    trace_.add("#{} answered {}", exchange->number, reply.status);
    note_waits(*exchange, reply);
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
    if (is_heartbeat(exchange) && dice_.chance(profile_.beat_lost)) {
        plan.there = Plan::There::vanishes;
        return plan;
    }
    if (dice_.chance(profile_.slow)) plan.way_back = dice_.time(500ms, 20s);
    if (dice_.chance(profile_.busy)) {
        static constexpr int model_busy[] = {429, 529, 529};
        static constexpr int others_busy[] = {429, 503};
        plan.there = Plan::There::gateway;
        plan.status =
            exchange.place == Place::model ? dice_.pick(model_busy) : dice_.pick(others_busy);
        if (dice_.chance(0.7)) plan.retry_after = std::to_string(dice_.between(1, 40));
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
        plan.status = is_delivery(exchange) ? dice_.pick(strange_troubles) : dice_.pick(troubles);
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

// A wait that the model demands binds every later request of the same process: one circuit.
void Network::note_waits(const Exchange& exchange, const Reply& reply) {
    if (reply.status != 429 && reply.status != 529 && reply.status != 503) return;
    std::string_view demanded;
    for (const auto& [name, value] : reply.headers) {
        if (name == "retry-after") demanded = value;
    }
    // 503 of the model: that request waits for itself, the others go on.
    if (demanded.empty()) return;
    const base::Steady until = loop_.now() + std::chrono::seconds(std::stoi(std::string(demanded)));
    if (is_delivery(exchange)) not_again_until_[{exchange.caller, name_of(exchange)}] = until;
    if (exchange.place != Place::model || reply.status == 503) return;
    Hold& hold = held_[{exchange.caller, exchange.place}];
    if (hold.until <= loop_.now()) hold.since = loop_.now();
    hold.until = std::max(hold.until, until);
}

void Network::check_waits(const Exchange& exchange) {
    const auto again = not_again_until_.find({exchange.caller, name_of(exchange)});
    if (again != not_again_until_.end() && loop_.now() < again->second &&
        !hurried_.contains(exchange.caller)) {
        referee_.fail(
            Invariant::waits_are_honoured,
            fmt::format("#{} comes again before its demanded wait is over", exchange.number));
    }
    // What leaves in the very moment in which the demand arrives cannot know of it.
    const auto held = held_.find({exchange.caller, exchange.place});
    if (held == held_.end() || loop_.now() >= held->second.until ||
        loop_.now() == held->second.since) {
        return;
    }
    referee_.fail(Invariant::waits_are_honoured,
                  fmt::format("#{} of node{}.{} leaves {} ms before the demanded wait is over",
                              exchange.number, exchange.caller.node, exchange.caller.life,
                              std::chrono::duration_cast<std::chrono::milliseconds>(
                                  held->second.until - loop_.now())
                                  .count()));
}

}  // namespace simulation
