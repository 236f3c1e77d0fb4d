// The far end of the wire tests: a real listener that answers what the test scripted, and a clock
// that jumps over waits, but only while no exchange is under way.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/loop.hpp"
#include "base/metrics.hpp"
#include "base/random.hpp"
#include "base/server.hpp"
#include "tests/support/fake_clock.hpp"

namespace tests {

// Time stands still while an exchange is under way and jumps to the next timer otherwise, so that
// waits cost nothing and no limit fires by chance.
class CourteousClock final : public base::Clock {
  public:
    base::Moment now() const override { return clock_.now(); }
    base::Steady steady() const override { return clock_.steady(); }
    base::Duration idle_until(std::optional<base::Steady> next) override {
        const bool busy = http == nullptr || http->active() > 0;
        if (!busy && next && *next > clock_.steady()) clock_.advance(*next - clock_.steady());
        return busy ? base::Duration{std::chrono::milliseconds{1}} : base::Duration::zero();
    }

    const base::Http* http = nullptr;

  private:
    FakeClock clock_{/*jumping=*/false};
};

struct SeenRequest {
    base::ServerRequest request;
    base::Steady at{};
};

// Answers requests in the order of the script; past its end 500, which no test expects.
class FarEnd {
  public:
    explicit FarEnd(const base::Clock& clock) : clock_(clock), server_({.name = "far end"}) {
        for (const char* method : {"GET", "POST", "DELETE"}) {
            server_.route(method, "/*",
                          [this](const base::ServerRequest& request) { return answer(request); });
        }
        server_.start();
    }
    FarEnd(const FarEnd&) = delete;
    FarEnd& operator=(const FarEnd&) = delete;
    ~FarEnd() { stop(); }

    // No handler runs any more. For whoever owns what handlers use and goes before this.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            released_ = true;
        }
        release_.notify_all();
        server_.stop();
    }

    std::string url() const { return server_.url(); }

    void then(base::Handler handler) {
        const std::lock_guard lock(mutex_);
        script_.push_back(std::move(handler));
    }
    void then(base::ServerResponse response) {
        then([response](const base::ServerRequest&) { return response; });
    }
    // Whoever is not served by the script.
    void otherwise(base::Handler handler) {
        const std::lock_guard lock(mutex_);
        otherwise_ = std::move(handler);
    }

    std::vector<SeenRequest> seen() const {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

    // Blocks a handler until the test ends: silence.
    void keep_silent() {
        std::unique_lock lock(mutex_);
        release_.wait_for(lock, std::chrono::seconds{20}, [this] { return released_; });
    }

  private:
    base::ServerResponse answer(const base::ServerRequest& request) {
        base::Handler handler;
        {
            const std::lock_guard lock(mutex_);
            seen_.push_back({request, clock_.steady()});
            if (!script_.empty()) {
                handler = std::move(script_.front());
                script_.pop_front();
            } else {
                handler = otherwise_;
            }
        }
        if (!handler) return base::ServerResponse::text("the script has ended", 500);
        return handler(request);
    }

    const base::Clock& clock_;
    mutable std::mutex mutex_;
    std::condition_variable release_;
    bool released_ = false;
    std::deque<base::Handler> script_;
    base::Handler otherwise_;
    std::vector<SeenRequest> seen_;
    base::Server server_;
};

// What a piece of outbound code needs to live.
template <class TheClock>
struct Outbound {
    TheClock clock;
    base::Loop loop{clock};
    base::Metrics metrics;
    base::Random random{1};
    base::Http http{loop, {.shards = 2}};
    FarEnd far_end{clock};

    Outbound() {
        if constexpr (std::is_same_v<TheClock, CourteousClock>) clock.http = &http;
    }

    template <class T>
    T run(base::Task<T> task) {
        std::optional<T> result = loop.run(std::move(task));
        if (!result) throw std::runtime_error("the loop was stopped");
        return std::move(*result);
    }

    template <class T>
    base::Failure failure_of(base::Task<T> task) {
        try {
            loop.run(std::move(task));
        } catch (const base::Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "no failure came";
        return base::Failure{base::Failure::Kind::internal, "none"};
    }

    double metric(std::string_view name) {
        const std::string text = metrics.text();
        const std::string start = "\n" + std::string{name} + " ";
        const std::size_t at = text.find(start);
        return at == std::string::npos ? -1 : std::stod(text.substr(at + start.size()));
    }
};

inline base::ServerResponse streamed(std::function<void(base::StreamWriter&)> write) {
    base::ServerResponse response;
    response.content_type = "text/event-stream; charset=utf-8";
    response.stream = std::move(write);
    return response;
}

inline base::ServerResponse streamed(const std::string& text) {
    return streamed([text](base::StreamWriter& writer) { writer.write(text); });
}

}  // namespace tests
