// How the callers of tools follow their calls: not at all, or on the event stream of the call.
#pragma once

#include "base/server.hpp"
#include "workspace/running_calls.hpp"
#include "workspace/toolbox.hpp"

namespace workspace {

// A call that is answered with JSON.
class SilentWatch final : public CallWatch {
  public:
    void progress(double /*done*/, double /*total*/, std::string_view /*message*/) override {}
    bool cancelled() const override { return false; }
};

// A call that is answered on a stream. Progress is written only where the request carries a token.
class StreamWatch final : public CallWatch {
  public:
    // `cancelled`: the flag of a session's call; null: the end of the stream is the cancellation.
    StreamWatch(base::StreamWriter& writer, const base::Json& request,
                RunningCalls::Flag cancelled);
    void progress(double done, double total, std::string_view message) override;
    bool cancelled() const override;

  private:
    base::StreamWriter& writer_;
    base::Json token_;  // Null: nobody asked for progress.
    RunningCalls::Flag cancelled_;
    std::optional<double> last_;
};

std::string event_of(const base::Json& message);  // "data: …" and a blank line.

}  // namespace workspace
