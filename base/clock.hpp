// Time: the wall clock that people read and the monotonic clock that deadlines use. Whoever needs
// the time is handed a Clock; tests hand in one that they move themselves.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace base {

using Moment = std::chrono::sys_time<std::chrono::microseconds>;  // UTC, PostgreSQL's resolution.
using Steady = std::chrono::steady_clock::time_point;             // Never steps; deadlines only.
using Duration = std::chrono::steady_clock::duration;

// Resource; any thread may call it.
class Clock {
  public:
    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    virtual Moment now() const = 0;
    virtual Steady steady() const = 0;

    // Called by the loop when it has nothing to do until `next` (nothing: no timer is set).
    // Answers how long it may sleep; a driven clock may jump to `next` and answer zero.
    virtual Duration idle_until(std::optional<Steady> next) = 0;

    // True when idle_until() may move the time: then the loop looks at its sockets before.
    virtual bool is_driven() const { return true; }
};

class SystemClock final : public Clock {
  public:
    Moment now() const override;
    Steady steady() const override;
    Duration idle_until(std::optional<Steady> next) override;  // At most one minute.
    bool is_driven() const override { return false; }
};

// "2026-11-21T09:30:00.250Z": ISO 8601, UTC, milliseconds (the wire's form).
std::string to_iso(Moment moment);
// Reads ISO 8601 with optional fraction and Z or ±hh:mm, with 'T' or a blank between; nothing when
// the text is none. "2026-11-21 09:30:00.25+00" (PostgreSQL's form) is accepted too.
std::optional<Moment> from_iso(std::string_view text);

}  // namespace base
