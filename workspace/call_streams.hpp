// What calls said on their event streams, kept for a while: a client whose connection broke takes
// its stream up again with GET and Last-Event-ID and misses nothing. Bounded by count and bytes;
// what is forgotten cannot be taken up. Any inbound thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/server.hpp"

namespace workspace {

class CallStreams {
  public:
    // Of one call. Its events are numbered from 0.
    class Stream {
      public:
        Stream(std::string session_id, std::string id);
        Stream(const Stream&) = delete;
        Stream& operator=(const Stream&) = delete;

        // The event with its id, as it is to be written. An event past the limit of bytes is not
        // kept; nothing after it is, either.
        std::string add(const std::string& event);
        void end();
        // Writes what comes after the event `last`, and what is still to come, until the end.
        void follow(std::size_t last, base::StreamWriter& writer);

        const std::string session_id, id;

      private:
        std::mutex mutex_;
        std::condition_variable changed_;
        std::vector<std::string> events_;
        std::size_t bytes_ = 0;
        bool ended_ = false;
    };

    // Where a client wants to go on.
    struct Place {
        std::shared_ptr<Stream> stream;  // Null: nothing of this session that is known.
        std::size_t last = 0;
    };

    explicit CallStreams(std::size_t streams_max = 256) : streams_max_(streams_max) {}
    CallStreams(const CallStreams&) = delete;
    CallStreams& operator=(const CallStreams&) = delete;

    std::shared_ptr<Stream> begin(const std::string& session_id);
    Place find(std::string_view session_id, std::string_view last_event_id);

  private:
    const std::size_t streams_max_;
    std::mutex mutex_;
    std::list<std::shared_ptr<Stream>> streams_;  // The oldest first; it makes room.
};

// Writes to the client and keeps what it writes. The call goes on without her: in a session a
// broken connection cancels nothing.
class KeptWriter final : public base::StreamWriter {
  public:
    // `stream` null: a writer like any other. Otherwise the first event, which tells the client
    // from where to go on, is written at once.
    KeptWriter(base::StreamWriter& writer, std::shared_ptr<CallStreams::Stream> stream);
    KeptWriter(const KeptWriter&) = delete;
    KeptWriter& operator=(const KeptWriter&) = delete;
    ~KeptWriter() override;

    bool write(std::string_view event) override;
    bool open() const override { return stream_ != nullptr || writer_.open(); }
    void reset() override { writer_.reset(); }

  private:
    base::StreamWriter& writer_;
    const std::shared_ptr<CallStreams::Stream> stream_;
};

}  // namespace workspace
