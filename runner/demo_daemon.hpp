// The demo's daemon: a child process `persona-runner serve` with a throw-away state directory.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/json.hpp"
#include "runner/config.hpp"
#include "runner/demo_folder.hpp"

namespace runner {

// Resource: starts in the constructor (Failure::unavailable with the log's end when it does not
// become ready within a minute), stops and removes its directory in the destructor. SIGINT, SIGTERM
// and SIGHUP are blocked by the caller and looked for here.
class DemoDaemon {
  public:
    explicit DemoDaemon(const std::map<std::string, std::string>& environment);
    DemoDaemon(const DemoDaemon&) = delete;
    DemoDaemon& operator=(const DemoDaemon&) = delete;
    ~DemoDaemon();

    std::filesystem::path state() const { return folder_.state(); }
    const std::string& ops_url() const { return ops_url_; }
    const std::string& auth_url() const { return auth_url_; }
    const std::string& mcp_url() const { return mcp_url_; }

    // False once it has ended. The signals are handed on to it.
    bool is_running();
    // Failure::internal that says so when a signal came; require_running() also when it ended.
    void refuse_interrupted();
    void require_running();
    bool was_interrupted() const { return interrupted_; }
    void wait();  // Until the daemon ends by itself or by a signal (--keep).
    void stop();
    std::string log_end() const;

  private:
    void await_ready();
    bool answers();
    void end_now();

    DemoFolder folder_;  // Outlives the daemon that works in it.
    std::string ops_url_, auth_url_, mcp_url_;
    pid_t pid_ = -1;
    bool interrupted_ = false;
};

}  // namespace runner
