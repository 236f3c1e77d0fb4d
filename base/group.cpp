#include "base/group.hpp"

#include <fmt/format.h>

#include "base/failure.hpp"

namespace base {

struct Group::Member {
    std::list<std::unique_ptr<Member>>::iterator place;
    std::optional<Task<void>> frame;
};

Group::Group(Loop& loop) : changed_(loop) {}

Group::~Group() {
    drop_all();
}

void Group::add(Task<void> task) {
    finished_.clear();
    const auto place = members_.insert(members_.end(), std::make_unique<Member>());
    Member& member = **place;
    member.place = place;
    member.frame.emplace(run(member, std::move(task)));
    loop_detail::start(*member.frame);
}

// A frame cannot destroy itself: a member that is done moves to finished_, and whoever comes by
// next sweeps there. What the task itself held is gone before that.
Task<void> Group::run(Member& member, Task<void> task) {
    try {
        Task<void> whole = std::move(task);
        co_await std::move(whole);
    } catch (const std::exception& error) {
        // A task settles its own failures; one that escapes has no receiver: a bug.
        unreachable(fmt::format("a task of a group let an exception escape: {}", error.what()));
    } catch (...) {
        unreachable("a task of a group let something escape that is no std::exception");
    }
    finished_.splice(finished_.end(), members_, member.place);
    changed_.notify();
}

std::size_t Group::size() const {
    return members_.size();
}

Task<void> Group::below(std::size_t limit) {
    while (members_.size() >= limit) co_await changed_.wait();
    finished_.clear();
}

Task<void> Group::all() {
    while (!members_.empty()) co_await changed_.wait();
    finished_.clear();
}

void Group::drop_all() {
    // Destructors of the dropped tasks may look at the group: it is empty for them already.
    std::list<std::unique_ptr<Member>> dropped;
    dropped.swap(members_);
    dropped.clear();
    finished_.clear();
    changed_.notify();
}

}  // namespace base
