// A failure: something went wrong that this code cannot settle. Its kind says what the receiver
// can do about it; the one table kind <-> HTTP status lives here and serves both directions.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace base {

class Failure : public std::runtime_error {
  public:
    enum class Kind {
        invalid,          // Fix the input.
        unauthenticated,  // Log in again, once.
        forbidden,        // Stop asking.
        missing,          // Treat as gone.
        conflict,         // Reread, then decide.
        throttled,        // Wait as told (retry_after), then retry.
        unavailable,      // Wait by policy, then retry.
        internal,         // Give up and report.
    };

    // `reason`: what happened and what to do, one sentence, never a secret. `code`: a short
    // constant for clients that read one, e.g. "ACCOUNT_LOCKED".
    Failure(Kind kind, const std::string& reason, std::string code = {});

    Kind kind() const { return kind_; }
    const std::string& code() const { return code_; }

    // How long the sender asked us to wait; nothing when it did not say.
    std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }
    Failure&& retry_after(std::chrono::milliseconds wait) &&;

    // HTTP status of the answer that caused it; 0 when there was none.
    int status() const { return status_; }
    Failure&& status(int status) &&;

  private:
    Kind kind_;
    std::string code_;
    std::optional<std::chrono::milliseconds> retry_after_;
    int status_ = 0;
};

std::string_view name_of(Failure::Kind kind);  // "invalid", "unavailable", …
int status_of(Failure::Kind kind);             // invalid -> 400 …
Failure::Kind kind_of_status(int status);      // 422 -> invalid, 408 and 5xx -> unavailable …

// A bug, not a failure: prints the place and the reason, then aborts. systemd restarts us.
void require(bool condition, std::string_view reason);
[[noreturn]] void unreachable(std::string_view reason);

}  // namespace base
