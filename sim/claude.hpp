// Claude in miniature: a server that speaks the Messages API's wire, streams, refuses malformed
// conversations, keeps a prompt cache and plays the persona that the system prompt describes.
// Made for the demo and for tests; it knows no client, only the wire. Misbehaves on request
// (sim/faults) and judges what it was asked (sim/oracle). Endpoints, headers and all that:
// sim/manual.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "sim/fault_rules.hpp"
#include "sim/limits.hpp"
#include "sim/oracle.hpp"
#include "sim/requests.hpp"

namespace sim {

class Proxies;

struct SimOptions {
    std::string address = "127.0.0.1";
    int port = 0;  // 0: any free one.
    std::uint64_t seed = 1;
    std::chrono::milliseconds pacing{4};  // Between two events of a stream.
    std::chrono::milliseconds first_byte_delay{0};
    std::size_t connections_max = 20'000;  // Past it new ones wait in the kernel's queue.
    std::size_t body_bytes_max = 32 * 1024 * 1024;
    double mistakes = 0.08;  // Share of calls that the persona gets wrong.
    bool strict = true;
    // Accounts made since 2026-08-31 have their thinking bound to what was said before it.
    bool old_account = false;
    std::string signing_key;  // Of thinking; empty: random per start.
    LimitOptions limits;
    std::vector<FaultRule> faults;    // In force from the start.
    std::size_t requests_max = 4096;  // Kept for requests().
    std::size_t requests_bytes_max = 128 * 1024 * 1024;
    Proxies* proxies = nullptr;  // Answers at /sim/proxies; outlives the simulator.
};

// Resource; any thread. Answers are made and sent on one thread of its own, whatever the number of
// streams. Waits within an answer take real time, everything else asks the clock.
class Claude {
  public:
    Claude(SimOptions options, base::Clock& clock);
    Claude(const Claude&) = delete;
    Claude& operator=(const Claude&) = delete;
    ~Claude();  // stop()

    void start();
    void stop();  // Open streams are cut. Twice is harmless.
    std::string url() const;
    int port() const;

    void add_fault(const FaultRule& rule);
    void clear_faults();
    // With all that clients could have seen by now.
    std::vector<RecordedRequest> requests() const;
    Verdict verdict() const;
    void forget();  // What was recorded and judged.

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sim
