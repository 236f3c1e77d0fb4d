// Server-sent events, byte by byte: bytes go in as they come, whole events come out. Lines end in
// LF, CRLF or CR; an event that the end of the stream cuts off never comes out.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace clients {

// The views are valid until the next call of next() or feed().
struct SseEvent {
    std::string_view name;  // Of the `event` field; empty when the event has none.
    std::string_view data;  // `data` lines joined by LF; empty for a priming event.
    std::string_view id;    // Last id seen on this stream.
    std::optional<std::chrono::milliseconds> retry;  // Of this event.
};

// Resource of one stream.
class SseReader {
  public:
    explicit SseReader(std::size_t event_bytes_max = std::size_t{8} * 1024 * 1024);
    SseReader(const SseReader&) = delete;
    SseReader& operator=(const SseReader&) = delete;

    void feed(std::string_view bytes);

    // The next whole event, nothing when more bytes are needed. Events without any `data` field
    // that carry neither id nor retry are not answered. Throws Failure::unavailable when an event
    // is larger than the limit.
    std::optional<SseEvent> next();

  private:
    std::optional<std::string_view> next_line();
    void read_field(std::string_view line);
    void reset_event();

    std::size_t event_bytes_max_;
    std::string buffer_;
    std::size_t position_ = 0;  // Bytes of buffer_ that have been read.
    std::size_t searched_ = 0;  // No line end lies between position_ and here.
    bool at_start_ = true;      // A byte order mark may still come.
    bool after_cr_ = false;     // An LF that follows belongs to the line end before.

    std::string name_;
    std::string data_;
    std::string last_id_;
    std::optional<std::chrono::milliseconds> retry_;
    bool has_data_ = false;
    bool has_id_ = false;
    bool answered_ = false;  // The fields above were handed out and are stale.
};

}  // namespace clients
