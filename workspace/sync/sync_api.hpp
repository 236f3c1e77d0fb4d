// The sync API over the workspace's change log: apps push what changed on a device and get what
// others wrote, at once or as a stream.
//
//   POST /sync/:app                 bearer JWT; body see change_set.hpp
//   GET  /sync/:app/pull            ?collection= &since=
//   GET  /sync/:app/stream          ?collections=a,b &since= (or Last-Event-ID); server-sent events
//
// Who belongs to a space is asked anew before anything is written into it; reading trusts an answer
// for minutes, a stream asks on. A cursor has a place in each space, so a space that is joined
// later comes whole, and one that could not be asked for is not passed over.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/jwt.hpp"
#include "base/secret.hpp"
#include "base/server.hpp"
#include "workspace/memberships.hpp"
#include "workspace/sessions.hpp"
#include "workspace/sync/replica.hpp"

namespace workspace {

struct SyncOptions {
    std::size_t page_max = 1'000;
    int streams_max = 256, streams_per_user_max = 8;
    std::chrono::milliseconds poll_every{1'000};  // For what other daemons and the tools write.
    std::chrono::seconds heartbeat_every{30};
};

// Resource; any inbound thread.
class SyncApi {
  public:
    SyncApi(SyncOptions options, base::JwtVerifier& verifier, Memberships& memberships,
            Sessions& sessions, base::Postgres& database, base::Clock& clock);
    SyncApi(const SyncApi&) = delete;
    SyncApi& operator=(const SyncApi&) = delete;

    base::ServerResponse push(const base::ServerRequest& request);
    base::ServerResponse pull(const base::ServerRequest& request);
    base::ServerResponse stream(const base::ServerRequest& request);

  private:
    struct Caller;
    class StreamPlace;

    Caller admit(const base::ServerRequest& request) const;
    void settle_spaces(const Caller& caller, std::vector<PushedChange>& changes);
    SyncPage read(const Caller& caller, SyncQuestion question);
    void serve(base::StreamWriter& writer, const Caller& caller, SyncQuestion question);
    bool send(base::StreamWriter& writer, const SyncPage& page, const SyncCursor& until) const;
    std::uint64_t pushes();
    void wait_for_changes(std::uint64_t seen);

    const SyncOptions options_;
    base::JwtVerifier& verifier_;
    Memberships& memberships_;
    Sessions& sessions_;
    Replica replica_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::condition_variable pushed_;
    std::uint64_t pushes_ = 0;
    std::map<std::string, int, std::less<>> streams_of_user_;
    int streams_ = 0;
};

}  // namespace workspace
