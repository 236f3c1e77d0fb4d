// MCP sessions: what a caller agreed on at initialize. A session belongs to one user, is no proof
// of who calls, and ends when it was idle too long, was deleted, or had to make room.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace workspace {

struct SessionOptions {
    std::chrono::seconds idle_max{1800};
    std::size_t sessions_max = 20'000;
    std::size_t sessions_per_user_max = 64;
    int calls_per_minute_max = 1'200;  // Of one session.
};

struct Session {
    std::string user_id;
    std::string version;  // Negotiated protocol revision.
};

// Resource; any inbound thread.
class Sessions {
  public:
    Sessions(SessionOptions options, base::Clock& clock);
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    // The id of a new session. Past a limit the one that was idle longest makes room, of the same
    // user where it is her limit.
    std::string open(Session session);
    // Counts as use. Nothing when there is no such session of this user.
    std::optional<Session> use(std::string_view id, std::string_view user_id);
    // Whether the session may make another call within this minute; counts it.
    bool may_call(std::string_view id);
    // The same for the calls that a user makes without any session.
    bool may_call_without(const std::string& user_id);
    bool close(std::string_view id, std::string_view user_id);
    void close_all(std::string_view user_id);
    std::size_t size();

  private:
    struct Entry {
        std::string id;
        Session session;
        base::Steady used_at;
        base::Steady minute_began_at;
        int calls_in_minute = 0;
    };
    using Entries = std::list<Entry>;  // Idle longest first.

    Entries::iterator add(std::string id, Session session);
    bool counted(Entry& entry);
    void drop_idle();
    void drop(Entries::iterator entry);
    void make_room(const std::string& user_id);

    const SessionOptions options_;
    base::Clock& clock_;
    std::mutex mutex_;
    Entries entries_;
    std::map<std::string, Entries::iterator, std::less<>> by_id_;
    std::map<std::string, std::size_t, std::less<>> count_of_user_;
};

}  // namespace workspace
