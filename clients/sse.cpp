#include "clients/sse.hpp"

#include <algorithm>
#include <charconv>

#include "base/failure.hpp"

namespace clients {

namespace {

constexpr std::string_view sse_byte_order_mark = "\xEF\xBB\xBF";

[[noreturn]] void fail_sse_too_large(std::size_t limit) {
    throw base::Failure{base::Failure::Kind::unavailable, "an event of the stream is larger than " +
                                                              std::to_string(limit) +
                                                              " bytes; the stream was given up"};
}

}  // namespace

SseReader::SseReader(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

void SseReader::feed(std::string_view bytes) {
    if (position_ > 0) {
        buffer_.erase(0, position_);
        searched_ -= position_;
        position_ = 0;
    }
    buffer_.append(bytes);
}

std::optional<SseEvent> SseReader::next() {
    if (answered_) reset_event();
    while (const std::optional<std::string_view> line = next_line()) {
        if (!line->empty()) {
            read_field(*line);
            continue;
        }
        if (has_data_ || has_id_ || retry_) {
            answered_ = true;
            return SseEvent{.name = name_, .data = data_, .id = last_id_, .retry = retry_};
        }
        reset_event();
    }
    return std::nullopt;
}

std::optional<std::string_view> SseReader::next_line() {
    if (at_start_) {
        const std::string_view head = std::string_view{buffer_}.substr(0, 3);
        if (head.size() < 3 && sse_byte_order_mark.starts_with(head)) return std::nullopt;
        if (head == sse_byte_order_mark) position_ = searched_ = 3;
        at_start_ = false;
    }
    if (after_cr_ && position_ < buffer_.size()) {
        if (buffer_[position_] == '\n') ++position_;
        searched_ = std::max(searched_, position_);
        after_cr_ = false;
    }
    const std::size_t end = buffer_.find_first_of("\r\n", searched_);
    if (end == std::string::npos) {
        searched_ = buffer_.size();
        if (buffer_.size() - position_ > event_bytes_max_) fail_sse_too_large(event_bytes_max_);
        return std::nullopt;
    }
    const std::string_view line = std::string_view{buffer_}.substr(position_, end - position_);
    // A CR ends the line at once; an LF that may follow in the next chunk is skipped then.
    after_cr_ = buffer_[end] == '\r';
    position_ = searched_ = end + 1;
    if (line.size() > event_bytes_max_) fail_sse_too_large(event_bytes_max_);
    return line;
}

void SseReader::read_field(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == 0) return;  // A comment.
    const std::string_view field = line.substr(0, colon);
    std::string_view value;
    if (colon != std::string_view::npos) {
        value = line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
    }
    if (field == "data") {
        if (data_.size() + value.size() > event_bytes_max_) fail_sse_too_large(event_bytes_max_);
        if (has_data_) data_ += '\n';
        data_ += value;
        has_data_ = true;
    } else if (field == "event") {
        name_ = value;
    } else if (field == "id") {
        if (value.find('\0') != std::string_view::npos) return;
        last_id_ = value;
        has_id_ = true;
    } else if (field == "retry") {
        int span = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), span);
        const bool whole = error == std::errc{} && end == value.data() + value.size();
        if (whole && span >= 0) retry_ = std::chrono::milliseconds{span};
    }
}

void SseReader::reset_event() {
    name_.clear();
    data_.clear();
    retry_.reset();
    has_data_ = false;
    has_id_ = false;
    answered_ = false;
}

}  // namespace clients
