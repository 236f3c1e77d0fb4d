// A process's end of the wire.
#include <algorithm>

#include "tests/simulation/exchange.hpp"
#include "tests/simulation/network.hpp"

namespace simulation {

namespace {

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
        if (exchange.bill) exchange.bill(std::exchange(exchange.usd, 0));
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

std::unique_ptr<base::HttpTransport> Network::transport(Caller caller) {
    return std::make_unique<SimulatedTransport>(*this, caller);
}

}  // namespace simulation
