// SIGTERM and SIGINT as calls on a thread of their own. Whoever wants them blocks them first,
// before any other thread starts, so that no thread is interrupted anywhere.
#pragma once

#include <functional>
#include <thread>

namespace base {

// For the whole process: the stop signals wait for a SignalThread; a closed socket (SIGPIPE) and a
// file at its size limit (SIGXFSZ) are refused writes, not our end. Call it before the first
// thread.
void block_stop_signals();

// Resource. `arrived` runs on its thread with the number of stop signals so far (1, 2, …).
class SignalThread {
  public:
    explicit SignalThread(std::function<void(int count)> arrived);
    SignalThread(const SignalThread&) = delete;
    SignalThread& operator=(const SignalThread&) = delete;
    ~SignalThread();

  private:
    void serve();

    std::function<void(int)> arrived_;
    std::thread thread_;
};

}  // namespace base
