// What people see of the demo's day while it goes on.
#pragma once

#include <cstddef>
#include <cstdio>
#include <map>
#include <string>

#include "base/json.hpp"

namespace runner {

// The visits of a `/status` answer on one line of at most `columns` characters: "anna 3·7  maya
// 2·4" (turn and calls); when not all fit, the last word says how many more there are. Pure.
std::string progress_line(const base::Json& running, std::size_t columns);

// On a terminal the running personas stay on one line that is redrawn; elsewhere each change is a
// line of its own. With --json all of it goes to stderr.
class DayView {
  public:
    explicit DayView(bool json);

    void say(const std::string& line);
    void show(const base::Json& status);
    void clear();
    std::size_t columns() const;  // Of the terminal as it is now; without one: no limit.

  private:
    std::FILE* out_;
    const bool live_;
    bool drawn_ = false;
    std::map<std::string, std::string> seen_;
};

}  // namespace runner
