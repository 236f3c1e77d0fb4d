// The demo's throw-away directory below TMPDIR, and what demos that were killed left there.
//
//   persona-demo-XXXXXX/        0755  anybody may pass through: a demo of root's gives root up
//   persona-demo-XXXXXX/demo    0600  locked while the demo lives
//   persona-demo-XXXXXX/state   0700  of the daemon's user
#pragma once

#include <filesystem>

namespace runner {

// Resource: removes what killed demos of this user left, then makes a folder; removes it in the
// destructor, and names on stderr what could not be removed. Failure::invalid names TMPDIR when
// nothing can be made there.
class DemoFolder {
  public:
    DemoFolder();
    DemoFolder(const DemoFolder&) = delete;
    DemoFolder& operator=(const DemoFolder&) = delete;
    ~DemoFolder();

    std::filesystem::path state() const { return path_ / "state"; }
    std::filesystem::path log() const { return path_ / "daemon.log"; }

  private:
    std::filesystem::path path_;
    int held_ = -1;  // Says that this demo lives.
};

}  // namespace runner
