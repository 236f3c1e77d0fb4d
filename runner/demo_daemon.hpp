// The demo's daemon: a child process `persona-runner serve` with a throw-away state directory.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/json.hpp"
#include "runner/config.hpp"

namespace runner {

// Resource: removes what killed demos left, then starts in the constructor (Failure::unavailable
// with the log's end when it does not become ready within a minute), stops and removes its
// directory in the destructor.
class DemoDaemon {
  public:
    explicit DemoDaemon(const std::map<std::string, std::string>& environment);
    DemoDaemon(const DemoDaemon&) = delete;
    DemoDaemon& operator=(const DemoDaemon&) = delete;
    ~DemoDaemon();

    const std::filesystem::path& state() const { return state_; }
    const std::string& ops_url() const { return ops_url_; }
    const std::string& auth_url() const { return auth_url_; }
    const std::string& mcp_url() const { return mcp_url_; }

    // False once it has ended. SIGINT and SIGTERM, blocked by the caller, are handed on to it.
    bool is_running();
    bool was_interrupted() const { return interrupted_; }
    void wait();  // Until the daemon ends by itself or by a signal (--keep).
    void stop();
    std::string log_end() const;

  private:
    void await_ready();

    std::filesystem::path state_;
    std::filesystem::path log_;
    std::string ops_url_, auth_url_, mcp_url_;
    pid_t pid_ = -1;
    int held_ = -1;  // Says that this demo lives; see remove_left_demos().
    bool interrupted_ = false;
};

}  // namespace runner
