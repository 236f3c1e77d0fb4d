#include "sim/answer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/server.hpp"
#include "sim/dice.hpp"
#include "sim/envelope.hpp"
#include "sim/gzip.hpp"
#include "sim/reply.hpp"

namespace sim {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t answer_random_chunk_max = 64;
constexpr std::size_t answer_ping_place = 1;

std::string_view answer_reason(int status) {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 413: return "Payload Too Large";
        case 429: return "Too Many Requests";
        case 500: return "Internal Server Error";
        case 503: return "Service Unavailable";
        case 529: return "Overloaded";
        default: return "Refused";
    }
}

std::string answer_head(int status, std::string_view content_type,
                        const std::vector<std::pair<std::string, std::string>>& headers,
                        const std::string& framing) {
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, answer_reason(status));
    if (!content_type.empty()) head += fmt::format("content-type: {}\r\n", content_type);
    for (const auto& [name, value] : headers) head += fmt::format("{}: {}\r\n", name, value);
    return head + framing + "\r\n\r\n";
}

// One answer on its way to bytes.
class AnswerWriter {
  public:
    AnswerWriter(const StreamOptions& options, const std::string& head) : options_(options) {
        answer_.bytes = head;
        answer_.head_bytes = head.size();
        if (options.first.count() > 0) answer_.pauses.push_back({.at = 0, .wait = options.first});
    }

    bool has(FaultKind kind) const { return options_.fault && options_.fault->kind == kind; }
    void pause(milliseconds wait) {
        answer_.pauses.push_back({.at = answer_.bytes.size(), .wait = wait});
    }
    static std::string chunk(std::string_view bytes) {
        return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
    }
    void add(std::string_view bytes) {
        if (!bytes.empty()) answer_.bytes += chunk(bytes);
    }
    // A chunk that promises all of it and brings only its beginning.
    void add_part(std::string_view bytes, std::size_t part) {
        const std::string whole = chunk(bytes);
        answer_.bytes += whole.substr(0, whole.size() - 2 - (bytes.size() - part));
    }
    void stop(Answer::Ending ending) {
        answer_.ending = ending;
        answer_.whole = false;
    }
    void finish() { answer_.bytes += "0\r\n\r\n"; }
    Answer& answer() { return answer_; }

  private:
    const StreamOptions& options_;
    Answer answer_;
};

// The whole body, cut into chunks that know no events.
void answer_resize_chunks(AnswerWriter& writer, std::string_view body,
                          const StreamOptions& options) {
    const Fault& fault = *options.fault;
    Dice dice(options.seed, body);
    while (!body.empty()) {
        std::size_t size = 1;
        if (fault.kind == FaultKind::chunks) size = static_cast<std::size_t>(fault.value);
        if (fault.kind == FaultKind::random_chunks) size += dice.below(answer_random_chunk_max);
        const bool drips = fault.kind == FaultKind::drip;
        writer.pause(milliseconds(drips ? fault.value : 0));
        writer.add(body.substr(0, size));
        body.remove_prefix(std::min(size, body.size()));
    }
}

std::size_t answer_utf8_cut(std::string_view frame) {
    for (std::size_t at = 0; at < frame.size(); ++at) {
        if (static_cast<unsigned char>(frame[at]) >= 0xC0U) return at + 1;
    }
    return frame.size();
}

// The frames up to where the fault strikes, and what it does there; true: that was the end.
bool answer_strike(AnswerWriter& writer, std::size_t at, const std::vector<StreamEvent>& events,
                   const StreamOptions& options) {
    const Fault& fault = *options.fault;
    const std::string frame = frame_of(events[at], FrameStyle::plain);
    if (fault.kind == FaultKind::cut_utf8) {
        const std::size_t part = answer_utf8_cut(frame);
        if (part == frame.size()) return false;
        writer.add_part(frame, part);
        writer.stop(Answer::Ending::reset);
        return true;
    }
    if (at != place_of(fault, events)) return false;
    switch (fault.kind) {
        case FaultKind::cut: writer.stop(Answer::Ending::reset); return true;
        case FaultKind::cut_frame:
            writer.add_part(frame, frame.size() / 2);
            writer.stop(Answer::Ending::reset);
            return true;
        case FaultKind::close: writer.stop(Answer::Ending::close); return true;
        case FaultKind::silence: writer.stop(Answer::Ending::hang); return true;
        case FaultKind::pings:
            writer.stop(Answer::Ending::hang);
            writer.answer().loop = AnswerWriter::chunk(
                frame_of(make_event("ping", {{"type", "ping"}}), FrameStyle::plain));
            writer.answer().loop_wait = milliseconds(std::max(1L, fault.value));
            return true;
        case FaultKind::error:
            writer.add(
                frame_of(make_event("error", error_envelope(fault_error_type(fault), "Overloaded",
                                                            make_id("req"), fault.code)),
                         FrameStyle::plain));
            [[fallthrough]];
        case FaultKind::end:
            writer.stop(Answer::Ending::keep);
            writer.finish();
            return true;
        default: return false;
    }
}

FrameStyle answer_style(const std::optional<Fault>& fault) {
    if (!fault) return FrameStyle::plain;
    switch (fault->kind) {
        case FaultKind::crlf: return FrameStyle::crlf;
        case FaultKind::cr: return FrameStyle::cr;
        case FaultKind::comments: return FrameStyle::comments;
        case FaultKind::lines: return FrameStyle::lines;
        default: return FrameStyle::plain;
    }
}

}  // namespace

std::size_t place_of(const Fault& fault, const std::vector<StreamEvent>& events) {
    if (fault.kind == FaultKind::pings) return answer_ping_place;
    if (fault.place == Fault::Place::after_delta) return events.size() - 1;
    if (fault.place == Fault::Place::number) {
        return std::min(static_cast<std::size_t>(fault.value), events.size() - 1);
    }
    for (std::size_t at = events.size(); at > 0; --at) {
        if (events[at - 1].data.contains("delta") &&
            events[at - 1].data["delta"].contains("partial_json")) {
            return at - 1;
        }
    }
    return events.size() / 2;
}

Answer whole_answer(const base::ServerResponse& response, const std::optional<Fault>& fault,
                    milliseconds wait) {
    Answer answer;
    answer.bytes = answer_head(response.status, response.content_type, response.headers,
                               fmt::format("content-length: {}", response.body.size()));
    answer.head_bytes = answer.bytes.size();
    answer.bytes += response.body;
    if (fault && fault->kind == FaultKind::late) wait += milliseconds(fault->value);
    if (fault && fault->kind == FaultKind::slow_accept) answer.ending = Answer::Ending::close;
    if (wait.count() > 0) answer.pauses.push_back({.at = 0, .wait = wait});
    if (fault && (fault->kind == FaultKind::mute || fault->kind == FaultKind::reset)) {
        answer.bytes.clear();
        answer.whole = false;
        const bool mute = fault->kind == FaultKind::mute;
        answer.ending = mute ? Answer::Ending::hang : Answer::Ending::reset;
    }
    return answer;
}

Answer stream_answer(const std::vector<StreamEvent>& events, const StreamOptions& options) {
    StreamOptions told = options;
    if (options.fault && options.fault->kind == FaultKind::late) {
        told.first += milliseconds(options.fault->value);
    }
    if (options.fault && options.fault->kind == FaultKind::slow) {
        told.pacing = milliseconds(options.fault->value);
    }
    std::string framing = "transfer-encoding: chunked";
    const bool zipped = told.fault && told.fault->kind == FaultKind::gzip;
    if (zipped) framing = "content-encoding: gzip\r\n" + framing;
    AnswerWriter writer(
        told, answer_head(200, "text/event-stream; charset=utf-8", told.headers, framing));
    if (writer.has(FaultKind::mute) || writer.has(FaultKind::reset)) {
        writer.answer().bytes.clear();
        writer.stop(writer.has(FaultKind::mute) ? Answer::Ending::hang : Answer::Ending::reset);
        return std::move(writer.answer());
    }
    const FrameStyle style = answer_style(told.fault);
    const bool resized = writer.has(FaultKind::chunks) || writer.has(FaultKind::random_chunks) ||
                         writer.has(FaultKind::drip);
    GzipWriter gzip;
    std::string body;  // Of a stream whose chunks know no events.
    if (zipped) writer.add(gzip.open());
    for (std::size_t at = 0; at < events.size(); ++at) {
        if (at > 0 && told.pacing.count() > 0 && !resized) writer.pause(told.pacing);
        if (told.fault && answer_strike(writer, at, events, told)) {
            return std::move(writer.answer());
        }
        std::string frame = frame_of(events[at], style);
        if (at == 0 && writer.has(FaultKind::bom)) frame.insert(0, "\xEF\xBB\xBF");
        if (resized) {
            body += frame;
        } else {
            writer.add(zipped ? gzip.part(frame) : frame);
        }
    }
    if (resized) answer_resize_chunks(writer, body, told);
    if (zipped) writer.add(gzip.finish());
    writer.finish();
    if (writer.has(FaultKind::slow_accept)) writer.answer().ending = Answer::Ending::close;
    return std::move(writer.answer());
}

}  // namespace sim
