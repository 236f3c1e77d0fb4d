#include "workspace/sessions.hpp"

#include <algorithm>
#include <utility>

#include "base/crypto.hpp"

namespace workspace {

Sessions::Sessions(SessionOptions options, base::Clock& clock) : options_(options), clock_(clock) {}

std::string Sessions::open(Session session) {
    const std::lock_guard lock(mutex_);
    return add(base::random_uuid(), std::move(session))->id;
}

Sessions::Entries::iterator Sessions::add(std::string id, Session session) {
    drop_idle();
    make_room(session.user_id);
    const base::Steady now = clock_.steady();
    ++count_of_user_[session.user_id];
    entries_.push_back({.id = std::move(id),
                        .session = std::move(session),
                        .used_at = now,
                        .minute_began_at = now});
    const auto entry = std::prev(entries_.end());
    by_id_.emplace(entry->id, entry);
    return entry;
}

std::optional<Session> Sessions::use(std::string_view id, std::string_view user_id) {
    const std::lock_guard lock(mutex_);
    drop_idle();
    const auto place = by_id_.find(id);
    if (place == by_id_.end() || place->second->session.user_id != user_id) return std::nullopt;
    place->second->used_at = clock_.steady();
    entries_.splice(entries_.end(), entries_, place->second);
    return place->second->session;
}

bool Sessions::may_call(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const auto place = by_id_.find(id);
    return place == by_id_.end() || counted(*place->second);
}

bool Sessions::may_call_without(const std::string& user_id) {
    const std::lock_guard lock(mutex_);
    // No header can carry such an id, so nobody can name this session.
    const std::string id = "\n" + user_id;
    const auto place = by_id_.find(id);
    if (place == by_id_.end()) return counted(*add(id, {.user_id = user_id, .version = {}}));
    place->second->used_at = clock_.steady();
    entries_.splice(entries_.end(), entries_, place->second);
    return counted(*place->second);
}

bool Sessions::counted(Entry& entry) {
    const base::Steady now = clock_.steady();
    if (now - entry.minute_began_at >= std::chrono::minutes{1}) {
        entry.minute_began_at = now;
        entry.calls_in_minute = 0;
    }
    return ++entry.calls_in_minute <= options_.calls_per_minute_max;
}

bool Sessions::close(std::string_view id, std::string_view user_id) {
    const std::lock_guard lock(mutex_);
    drop_idle();
    const auto place = by_id_.find(id);
    if (place == by_id_.end() || place->second->session.user_id != user_id) return false;
    drop(place->second);
    return true;
}

void Sessions::close_all(std::string_view user_id) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->session.user_id == user_id) drop(entry);
        entry = next;
    }
}

std::size_t Sessions::size() {
    const std::lock_guard lock(mutex_);
    drop_idle();
    return entries_.size();
}

void Sessions::drop_idle() {
    const base::Steady now = clock_.steady();
    while (!entries_.empty() && now - entries_.front().used_at > options_.idle_max) {
        drop(entries_.begin());
    }
}

void Sessions::drop(Entries::iterator entry) {
    const auto count = count_of_user_.find(entry->session.user_id);
    if (--count->second == 0) count_of_user_.erase(count);
    by_id_.erase(entry->id);
    entries_.erase(entry);
}

void Sessions::make_room(const std::string& user_id) {
    const auto count = count_of_user_.find(user_id);
    if (count != count_of_user_.end() && count->second >= options_.sessions_per_user_max) {
        drop(std::find_if(entries_.begin(), entries_.end(),
                          [&](const Entry& entry) { return entry.session.user_id == user_id; }));
    }
    if (entries_.size() >= options_.sessions_max) drop(entries_.begin());
}

}  // namespace workspace
