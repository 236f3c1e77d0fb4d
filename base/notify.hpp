// Tells the service manager how we are: one datagram per message to NOTIFY_SOCKET. Without that
// variable (started by hand, in a test) every call does nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// Resource; any thread. Reads the environment once.
class Notify {
  public:
    Notify();
    Notify(const Notify&) = delete;
    Notify& operator=(const Notify&) = delete;
    ~Notify();

    void ready(std::string_view status);
    void status(std::string_view status);
    void stopping(std::string_view status);
    // The stop goes on: wait for at least `more` from here, whatever TimeoutStopSec says.
    void still_stopping(std::string_view status, std::chrono::seconds more);
    void watchdog();  // We are alive; only whoever proves it (the loop) calls this.

    // How often to call watchdog(): half of WATCHDOG_USEC; nothing when nobody watches us.
    std::optional<std::chrono::milliseconds> watchdog_interval() const { return interval_; }

  private:
    void send(const std::string& message) const;

    std::string address_;
    int socket_ = -1;
    mutable std::atomic<bool> refused_{false};
    std::optional<std::chrono::milliseconds> interval_;
};

}  // namespace base
