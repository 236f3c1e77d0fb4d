#include "workspace/call_streams.hpp"

#include <charconv>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/crypto.hpp"

namespace workspace {

namespace {

constexpr std::size_t stream_bytes_max = 256 * 1024;
constexpr std::chrono::milliseconds stream_look_every{500};  // Whether the client is still there.

}  // namespace

CallStreams::Stream::Stream(std::string session, std::string name)
    : session_id(std::move(session)), id(std::move(name)) {}

std::string CallStreams::Stream::add(const std::string& event) {
    const std::lock_guard lock(mutex_);
    std::string text = fmt::format("id: {}-{}\n{}", id, events_.size(), event);
    bytes_ += text.size();
    if (bytes_ > stream_bytes_max) return event;
    events_.push_back(text);
    changed_.notify_all();
    return text;
}

void CallStreams::Stream::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void CallStreams::Stream::follow(std::size_t last, base::StreamWriter& writer) {
    std::unique_lock lock(mutex_);
    for (std::size_t next = last + 1; writer.open();) {
        if (next < events_.size()) {
            const std::string event = events_[next++];
            lock.unlock();
            if (!writer.write(event)) return;
            lock.lock();
        } else if (ended_) {
            return;
        } else {
            changed_.wait_for(lock, stream_look_every);
        }
    }
}

std::shared_ptr<CallStreams::Stream> CallStreams::begin(const std::string& session_id) {
    auto stream = std::make_shared<Stream>(session_id, base::random_uuid());
    const std::lock_guard lock(mutex_);
    streams_.push_back(stream);
    if (streams_.size() > streams_max_) streams_.pop_front();
    return stream;
}

CallStreams::Place CallStreams::find(std::string_view session_id, std::string_view last_event_id) {
    Place place;
    const std::size_t dash = last_event_id.rfind('-');
    if (dash == last_event_id.npos) return place;
    const std::string_view number = last_event_id.substr(dash + 1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), place.last);
    if (error != std::errc{} || end != number.data() + number.size()) return place;
    const std::lock_guard lock(mutex_);
    for (const auto& stream : streams_) {
        if (stream->session_id == session_id && stream->id == last_event_id.substr(0, dash)) {
            place.stream = stream;
        }
    }
    return place;
}

KeptWriter::KeptWriter(base::StreamWriter& writer, std::shared_ptr<CallStreams::Stream> stream)
    : writer_(writer), stream_(std::move(stream)) {
    if (stream_) writer_.write(stream_->add("retry: 1000\ndata: \n\n"));
}

KeptWriter::~KeptWriter() {
    if (stream_) stream_->end();
}

bool KeptWriter::write(std::string_view event) {
    if (!stream_) return writer_.write(event);
    writer_.write(stream_->add(std::string(event)));
    return true;
}

}  // namespace workspace
