// Many tasks at once, owned together: a task that is taken in starts at once; dropping the group
// drops them all. There is no detach: what runs beside its starter belongs to a Group.
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "base/loop.hpp"
#include "base/task.hpp"

namespace base {

// Loop thread only; resource.
class Group {
  public:
    explicit Group(Loop& loop);
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;
    ~Group();

    // Takes the task and runs it until it first waits. The task settles its own failures: an
    // exception that leaves it is a bug and aborts.
    void add(Task<void> task);

    std::size_t size() const;
    Task<void> below(std::size_t limit);  // Until fewer than `limit` tasks run.
    Task<void> all();                     // Until none runs.
    void drop_all();                      // Cancels every task now. Not from inside one of them.

  private:
    struct Member;
    Task<void> run(Member& member, Task<void> task);

    Gate changed_;
    std::list<std::unique_ptr<Member>> members_;
    std::list<std::unique_ptr<Member>> finished_;
};

}  // namespace base
